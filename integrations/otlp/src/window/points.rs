use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use quell_sdk::signal::{MetricMeta, Series, UnixNanos};

use super::{
    config::Config,
    stats::{Loss, SignalStats},
};
use crate::{
    Decoder, Dropped, Reason, SeriesSet,
    decode::{MetricsRequest, service_of},
};

/// Parts that are locked on their own. Requests of different services rarely meet.
const SHARDS: usize = 8;
/// Rounds of dropping an eighth of the time held before giving up on it.
const ROUNDS: usize = 64;
/// Points are dropped for their age once a minute: looking at every series with every push costs too much.
const EXPIRY: UnixNanos = 60_000_000_000;

/// Series that were pushed lately.
#[derive(Debug)]
pub(super) struct Points {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    max_bytes: usize,
    max_series: usize,
    /// Where the last expiry cut.
    expired: AtomicI64,
}

#[derive(Debug, Default)]
struct Shard {
    set: SeriesSet,
    accepted: u64,
    dropped: Dropped,
    loss: Loss,
}

impl Points {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            max_bytes: config.metrics_bytes(),
            max_series: config.max_series,
            expired: AtomicI64::new(i64::MIN),
        }
    }

    /// Takes the points of a request, and returns how many.
    pub(super) fn push(&self, decoder: &mut Decoder, request: &MetricsRequest<'_>, cutoff: UnixNanos) -> u64 {
        let mut accepted = 0;
        let limits = decoder.limits;
        let (mut series, mut fixed) = self.totals(|shard| shard.set.fixed_bytes());
        for group in request.resource_metrics.iter().flatten() {
            let place = self.hasher.hash_one(service_of(&group.resource)) as usize % SHARDS;
            let Some(shard) = self.shards.get(place) else { continue };
            let mut shard = lock(shard);
            let before = (shard.set.len(), shard.set.fixed_bytes());
            // New series share what all shards together have left; labels may fill half of the memory.
            decoder.limits.series = before.0 + self.max_series.saturating_sub(series);
            decoder.limits.series_bytes = before.1 + (self.max_bytes / 2).saturating_sub(fixed);
            decoder.points_of(group, &mut shard.set);
            decoder.limits = limits;
            let taken = shard.set.take_pushed();
            shard.accepted += taken;
            accepted += taken;
            series += shard.set.len() - before.0;
            fixed += shard.set.fixed_bytes() - before.1;
        }
        if cutoff.saturating_sub(self.expired.load(Ordering::Relaxed)) >= EXPIRY {
            self.expire(cutoff);
        }
        self.shrink();
        accepted
    }

    /// Drops points older than `cutoff`, and series without any left.
    pub(super) fn expire(&self, cutoff: UnixNanos) {
        self.expired.store(cutoff, Ordering::Relaxed);
        for shard in &self.shards {
            lock(shard).forget(cutoff, Reason::Age);
        }
    }

    /// Drops the oldest eighth of the time held until the rest fits.
    fn shrink(&self) {
        for _ in 0..ROUNDS {
            if self.totals(|shard| shard.set.bytes()).1 <= self.max_bytes {
                return;
            }
            let extents = self.shards.iter().filter_map(|shard| {
                let mut shard = lock(shard);
                shard.set.settle();
                shard.set.extent()
            });
            let Some((first, last)) = extents.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
            else {
                return;
            };
            let until = first + (last - first) / 8 + 1;
            for shard in &self.shards {
                lock(shard).forget(until, Reason::Memory);
            }
        }
    }

    /// Series of all shards, and their bytes of some kind.
    fn totals(&self, bytes_of: impl Fn(&Shard) -> usize) -> (usize, usize) {
        self.shards.iter().fold((0, 0), |(series, bytes), shard| {
            let shard = lock(shard);
            (series + shard.set.len(), bytes + bytes_of(&shard))
        })
    }

    /// Everything as it is now, in order of name and labels, and from when on it is whole.
    pub(super) fn snapshot(&self) -> (Vec<Arc<Series>>, BTreeMap<String, MetricMeta>, Loss) {
        let (mut series, mut meta, mut loss) = (Vec::new(), BTreeMap::new(), Loss::default());
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.set.settle();
            series.extend(shard.set.snapshot().filter(|series| !series.points.is_empty()));
            for (name, of_name) in shard.set.meta() {
                if !meta.contains_key(name) {
                    meta.insert(name.clone(), of_name.clone());
                }
            }
            if let Some(earliest) = shard.set.earliest() {
                shard.loss.received(earliest);
            }
            loss = loss.and(shard.loss);
        }
        series.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.labels.cmp(&other.labels)));
        (series, meta, loss)
    }

    /// Number of series, and the rest.
    pub(super) fn stats(&self) -> (usize, SignalStats) {
        let (mut series, mut stats) = (0, SignalStats::default());
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.set.settle();
            let repeats = shard.set.take_repeats();
            shard.dropped.add(Reason::DuplicatePoint, repeats);
            series += shard.set.len();
            stats.items += shard.set.count();
            stats.bytes += shard.set.bytes();
            stats.accepted += shard.accepted;
            stats.dropped.merge(&shard.dropped);
            stats.extent = match (stats.extent, shard.set.extent()) {
                (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
                (one, other) => one.or(other),
            };
        }
        (series, stats)
    }
}

impl Shard {
    fn forget(&mut self, before: UnixNanos, reason: Reason) {
        let gone = self.set.forget(before);
        if gone > 0 {
            self.dropped.add(reason, gone);
            self.loss.dropped(reason, before.saturating_sub(1));
        }
    }
}

/// A panic of another push leaves the data as good as it was.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
