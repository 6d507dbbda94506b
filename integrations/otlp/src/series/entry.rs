use std::sync::Arc;

use quell_sdk::signal::{MetricKind, Point, Series, UnixNanos};

/// Points out of order that are held back before they are merged in.
const MAX_PENDING: usize = 256;

/// How the values of a series add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub kind: MetricKind,
    /// Values are steps since the last one; they are stored as their running sum.
    pub delta: bool,
}

impl Shape {
    pub const GAUGE: Self = Self { kind: MetricKind::Gauge, delta: false };
}

/// One series on its way in.
#[derive(Debug)]
pub(super) struct Entry {
    /// Ascending, without repeats, cumulative. Shared with readers, copied when one still holds it.
    pub(super) series: Arc<Series>,
    pub(super) delta: bool,
    /// Points that came out of order.
    pending: Vec<Point>,
    /// Bytes of name and labels.
    pub(super) fixed: usize,
}

impl Entry {
    pub(super) fn new(series: Series, delta: bool) -> Self {
        // A node of the ordered map has room for eleven pairs and is at least half full.
        let labels: usize =
            series.labels.iter().map(|(name, text)| 2 * 48 + name.len() + text.len() + 32).sum();
        let fixed =
            size_of::<Self>() + size_of::<Series>() + series.name.len() + series.unit.len() + labels + 64;
        Self { series: Arc::new(series), delta, pending: Vec::new(), fixed }
    }

    /// Takes a point; returns how many were given up as repeats.
    pub(super) fn push(&mut self, point: Point) -> u64 {
        match self.series.points.last() {
            Some(last) if point.at <= last.at => {
                self.pending.push(point);
                if self.pending.len() >= MAX_PENDING.max(self.series.points.len()) {
                    return self.settle();
                }
            }
            last => {
                let base = if self.delta { last.map_or(0.0, |last| last.value) } else { 0.0 };
                let value = base + point.value;
                Arc::make_mut(&mut self.series).points.push(Point { at: point.at, value });
            }
        }
        0
    }

    /// Takes points; returns how many were given up as repeats.
    pub(super) fn extend(&mut self, points: &[Point]) -> u64 {
        let last = self.series.points.last().map_or(UnixNanos::MIN, |last| last.at);
        let follows = points.first().is_some_and(|first| first.at > last);
        if !self.delta && follows && points.is_sorted_by(|one, next| one.at < next.at) {
            Arc::make_mut(&mut self.series).points.extend_from_slice(points);
            return 0;
        }
        points.iter().map(|point| self.push(*point)).sum()
    }

    /// Merges points that came out of order; returns how many were given up as repeats. Of two values of
    /// one moment the later told stays; of two steps the first, since a step told twice is a re-send.
    pub(super) fn settle(&mut self) -> u64 {
        if self.pending.is_empty() {
            return 0;
        }
        let mut late = std::mem::take(&mut self.pending);
        let points = &mut Arc::make_mut(&mut self.series).points;
        let before = points.len() + late.len();
        if self.delta {
            late.sort_by_key(|point| point.at);
            late.dedup_by_key(|point| point.at);
            *points = with_steps(points, &late);
        } else {
            points.append(&mut late);
            points.sort_by_key(|point| point.at);
            points.dedup_by(|next, kept| {
                let same = next.at == kept.at;
                if same {
                    *kept = *next;
                }
                same
            });
        }
        (before - points.len()) as u64
    }

    /// Gives up points before a moment; returns how many. The series must be settled.
    pub(super) fn forget(&mut self, before: UnixNanos) -> u64 {
        let gone = self.series.points.partition_point(|point| point.at < before);
        if gone > 0 {
            let points = &mut Arc::make_mut(&mut self.series).points;
            points.drain(..gone);
            if points.capacity() > points.len() + points.len() / 4 + 16 {
                points.shrink_to_fit();
            }
        }
        gone as u64
    }

    /// Memory of points in bytes.
    pub(super) fn point_bytes(&self) -> usize {
        (self.series.points.capacity() + self.pending.capacity()) * size_of::<Point>()
    }
}

/// Running sums with further steps put in at their moments.
fn with_steps(sums: &[Point], steps: &[Point]) -> Vec<Point> {
    let mut merged = Vec::with_capacity(sums.len() + steps.len());
    let (mut added, mut base) = (0.0, 0.0);
    let mut steps = steps.iter().peekable();
    for sum in sums {
        while let Some(step) = steps.next_if(|step| step.at <= sum.at) {
            if step.at < sum.at {
                added += step.value;
                merged.push(Point { at: step.at, value: base + added });
            }
        }
        base = sum.value;
        merged.push(Point { at: sum.at, value: base + added });
    }
    for step in steps {
        added += step.value;
        merged.push(Point { at: step.at, value: base + added });
    }
    merged
}
