use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::Arc,
};

use quell_sdk::signal::{Labels, MetricKind, MetricMeta, Point, Series, UnixNanos};

use super::entry::{Entry, Shape};
use crate::decode::Limits;

/// Series by identity.
///
/// A series is found in two steps: by a key over what a sender wrote, which is cheap, and, when that key
/// is new, by its labels, since two spellings may mean one series. Keys are hashes under a secret of this
/// process, so nobody outside can make two of them meet.
#[derive(Debug, Default)]
pub struct SeriesSet {
    hasher: RandomState,
    by_key: HashMap<u64, usize>,
    by_labels: HashMap<u64, usize>,
    entries: Vec<Entry>,
    /// Bytes of names and labels, of points, and of what is known of metrics.
    fixed: usize,
    points: usize,
    described: usize,
    earliest: Option<UnixNanos>,
    meta: BTreeMap<String, MetricMeta>,
    repeats: u64,
    pushed: u64,
}

/// What a [`SeriesSet`] held.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    /// In the order in which they were first seen.
    pub series: Vec<Series>,
    /// What is known of each metric, by its name (a histogram under its family's name).
    pub meta: BTreeMap<String, MetricMeta>,
    /// Points that were given up because there was another of the same moment.
    pub repeats: u64,
}

impl SeriesSet {
    /// Number of series.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes everything out.
    pub fn finish(mut self) -> Finished {
        self.settle();
        let series = self.entries.into_iter().map(|entry| Arc::unwrap_or_clone(entry.series));
        let series = series.filter(|series| !series.points.is_empty()).collect();
        Finished { series, meta: self.meta, repeats: self.repeats }
    }

    pub(crate) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    pub(crate) fn slot(&self, key: u64) -> Option<usize> {
        self.by_key.get(&key).copied()
    }

    /// Remembers kind and unit of a metric; of two that differ the first stays.
    pub(crate) fn describe(&mut self, name: &str, kind: MetricKind, unit: &str, limit: usize) {
        if self.meta.len() < limit && !self.meta.contains_key(name) {
            let meta = MetricMeta { name: name.to_owned(), kind, unit: unit.to_owned() };
            self.described += bytes_of(&meta);
            self.meta.insert(name.to_owned(), meta);
        }
    }

    /// The series of these labels, found under `key` from now; a new one within the limits of series.
    pub(crate) fn create(
        &mut self,
        key: u64,
        name: String,
        labels: Labels,
        shape: Shape,
        unit: &str,
        limits: &Limits,
    ) -> Option<usize> {
        let mut hash = self.identity(&name, &labels);
        while let Some(slot) = self.by_labels.get(&hash).copied() {
            let same = self.entries.get(slot).is_some_and(|entry| {
                entry.series.name == name && entry.series.labels == labels && entry.delta == shape.delta
            });
            if same {
                self.remember(key, slot);
                return Some(slot);
            }
            hash = hash.wrapping_add(1);
        }
        let slot = self.entries.len();
        if slot >= limits.series {
            return None;
        }
        let series = Series {
            name,
            labels,
            kind: shape.kind,
            unit: unit.to_owned(),
            points: Vec::new(),
            query: String::new(),
        };
        let entry = Entry::new(series, shape.delta);
        let fixed = self.fixed.saturating_add(entry.fixed);
        if fixed > limits.series_bytes {
            return None;
        }
        self.fixed = fixed;
        self.by_labels.insert(hash, slot);
        self.remember(key, slot);
        self.entries.push(entry);
        Some(slot)
    }

    pub(crate) fn push(&mut self, slot: usize, point: Point) {
        if let Some(entry) = self.entries.get_mut(slot) {
            let before = entry.point_bytes();
            self.repeats += entry.push(point);
            self.points = (self.points + entry.point_bytes()).saturating_sub(before);
            self.pushed += 1;
            self.earliest = Some(self.earliest.map_or(point.at, |earliest| earliest.min(point.at)));
        }
    }

    /// Takes many points of one series.
    pub(crate) fn extend(&mut self, slot: usize, points: &[Point]) {
        if let Some(entry) = self.entries.get_mut(slot) {
            let before = entry.point_bytes();
            self.repeats += entry.extend(points);
            self.points = (self.points + entry.point_bytes()).saturating_sub(before);
            self.pushed += points.len() as u64;
            let earliest = points.iter().map(|point| point.at).chain(self.earliest);
            self.earliest = earliest.min();
        }
    }

    /// Puts all points in order.
    pub(crate) fn settle(&mut self) {
        for entry in &mut self.entries {
            self.repeats += entry.settle();
        }
        self.points = self.entries.iter().map(Entry::point_bytes).sum();
    }

    /// Points given up since this was last called because there was another of the same moment.
    pub(crate) fn take_repeats(&mut self) -> u64 {
        std::mem::take(&mut self.repeats)
    }

    /// Points taken since this was last called.
    pub(crate) fn take_pushed(&mut self) -> u64 {
        std::mem::take(&mut self.pushed)
    }

    /// The series as they are now, for a reader; settle first.
    pub(crate) fn snapshot(&self) -> impl Iterator<Item = Arc<Series>> + '_ {
        self.entries.iter().map(|entry| Arc::clone(&entry.series))
    }

    pub(crate) fn meta(&self) -> &BTreeMap<String, MetricMeta> {
        &self.meta
    }

    /// Gives up points before a moment and series without any; returns the number of points.
    pub(crate) fn forget(&mut self, before: UnixNanos) -> u64 {
        self.settle();
        let gone = self.entries.iter_mut().map(|entry| entry.forget(before)).sum();
        self.points = self.entries.iter().map(Entry::point_bytes).sum();
        let had = self.entries.len();
        self.entries.retain(|entry| !entry.series.points.is_empty());
        if self.entries.len() < had {
            self.fixed = self.entries.iter().map(|entry| entry.fixed).sum();
            self.index();
        }
        gone
    }

    /// The earliest and the latest moment held; settle first.
    pub(crate) fn extent(&self) -> Option<(UnixNanos, UnixNanos)> {
        let ends = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.series.points.first()?.at, entry.series.points.last()?.at)));
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// The earliest moment of any point ever taken.
    pub(crate) fn earliest(&self) -> Option<UnixNanos> {
        self.earliest
    }

    /// Number of points; settle first.
    pub(crate) fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.series.points.len()).sum()
    }

    /// Bytes of names and labels.
    pub(crate) fn fixed_bytes(&self) -> usize {
        self.fixed
    }

    /// Memory in bytes, as an estimate.
    pub(crate) fn bytes(&self) -> usize {
        let maps = (self.by_key.capacity() + self.by_labels.capacity()) * 18;
        maps + self.described + self.fixed + self.points
    }

    /// A sender that spells one series in endless ways must not fill memory.
    fn remember(&mut self, key: u64, slot: usize) {
        if self.by_key.len() > 4 * self.entries.len() + 1024 {
            self.by_key.clear();
        }
        self.by_key.insert(key, slot);
    }

    fn identity(&self, name: &str, labels: &Labels) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        name.hash(&mut hasher);
        labels.hash(&mut hasher);
        hasher.finish()
    }

    fn index(&mut self) {
        self.by_key = HashMap::new();
        self.by_labels = HashMap::with_capacity(self.entries.len());
        for slot in 0..self.entries.len() {
            let Some(entry) = self.entries.get(slot) else { break };
            let mut hash = self.identity(&entry.series.name, &entry.series.labels);
            while self.by_labels.contains_key(&hash) {
                hash = hash.wrapping_add(1);
            }
            self.by_labels.insert(hash, slot);
        }
        let named: std::collections::HashSet<&str> =
            self.entries.iter().map(|entry| family(&entry.series.name)).collect();
        self.meta.retain(|name, _| named.contains(family(name)));
        self.described = self.meta.values().map(bytes_of).sum();
    }
}

fn bytes_of(meta: &MetricMeta) -> usize {
    2 * meta.name.len() + meta.unit.len() + 160
}

/// The name under which a histogram or summary is described.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
