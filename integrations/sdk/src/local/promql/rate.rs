//! Rates of counters and slopes of gauges.

use std::ops::Range;

use crate::signal::{Point, UnixNanos};

/// What a function of a range sees at one step.
#[derive(Clone, Copy)]
pub(crate) struct View<'p> {
    /// Samples of the range.
    pub(crate) points: &'p [Point],
    /// Start of the range, which is not part of it, and its end, which is.
    pub(crate) start: UnixNanos,
    pub(crate) end: UnixNanos,
    /// What counter resets within the range lost.
    pub(crate) lost: f64,
}

/// A counter's points with its resets summed up, so that any range of it is read in constant time.
pub(crate) struct Counter<'p> {
    points: &'p [Point],
    /// At each point, what all resets up to it have lost; empty when there was none.
    lost: Vec<f64>,
}

impl<'p> Counter<'p> {
    pub(crate) fn new(points: &'p [Point]) -> Self {
        if points.is_sorted_by(|one, other| one.value <= other.value) {
            return Self { points, lost: Vec::new() };
        }
        let mut sum = 0.0;
        let mut before = f64::NEG_INFINITY;
        let lost = points
            .iter()
            .map(|point| {
                if point.value < before {
                    sum += before;
                }
                before = point.value;
                sum
            })
            .collect();
        Self { points, lost }
    }

    /// Points that no function reads as a counter's.
    pub(crate) fn without_resets(points: &'p [Point]) -> Self {
        Self { points, lost: Vec::new() }
    }

    pub(crate) fn view(&self, span: Range<usize>, end: UnixNanos, length: i64) -> View<'p> {
        let lost = match (self.lost.get(span.start), self.lost.get(span.end.saturating_sub(1))) {
            (Some(first), Some(last)) if span.start < span.end => last - first,
            _ => 0.0,
        };
        let points = self.points.get(span).unwrap_or_default();
        View { points, start: end.saturating_sub(length), end, lost }
    }
}

fn seconds(nanos: i64) -> f64 {
    nanos as f64 / 1e9
}

impl View<'_> {
    pub(crate) fn rate(&self) -> Option<f64> {
        Some(self.extrapolated(true)? / seconds(self.end.saturating_sub(self.start)))
    }

    pub(crate) fn increase(&self) -> Option<f64> {
        self.extrapolated(true)
    }

    pub(crate) fn delta(&self) -> Option<f64> {
        self.extrapolated(false)
    }

    /// The change over the whole range. Samples rarely sit on its ends, so the change between the first
    /// and the last is extended to each end that is near, or by half a sample distance to one that is
    /// not, and never to before a counter was zero.
    fn extrapolated(&self, counter: bool) -> Option<f64> {
        let [first, .., last] = self.points else { return None };
        let change = last.value - first.value + if counter { self.lost } else { 0.0 };
        let sampled = seconds(last.at - first.at);
        let distance = sampled / (self.points.len() - 1) as f64;
        let near = distance * 1.1;

        let mut to_start = seconds(first.at - self.start);
        if to_start >= near {
            to_start = distance / 2.0;
        }
        if counter && change > 0.0 && first.value >= 0.0 {
            to_start = to_start.min(sampled * (first.value / change));
        }
        let mut to_end = seconds(self.end - last.at);
        if to_end >= near {
            to_end = distance / 2.0;
        }
        Some(change * ((sampled + to_start + to_end) / sampled))
    }

    pub(crate) fn irate(&self) -> Option<f64> {
        let [.., before, last] = self.points else { return None };
        let change = if last.value < before.value { last.value } else { last.value - before.value };
        Some(change / seconds(last.at - before.at))
    }

    pub(crate) fn idelta(&self) -> Option<f64> {
        let [.., before, last] = self.points else { return None };
        Some(last.value - before.value)
    }

    pub(crate) fn deriv(&self) -> Option<f64> {
        let first = self.points.first()?;
        Some(self.regression(first.at)?.0)
    }

    /// The value that a straight line through the samples has some seconds after the step.
    pub(crate) fn predict_linear(&self, ahead: f64) -> Option<f64> {
        let (slope, intercept) = self.regression(self.end)?;
        Some(slope * ahead + intercept)
    }

    /// Least squares: slope per second, and value at the origin.
    fn regression(&self, origin: UnixNanos) -> Option<(f64, f64)> {
        let [first, _, ..] = self.points else { return None };
        if self.points.iter().all(|point| point.value == first.value) {
            return Some((0.0, first.value));
        }
        let count = self.points.len() as f64;
        let mean_x = self.points.iter().map(|point| seconds(point.at - origin)).sum::<f64>() / count;
        let mean_y = self.points.iter().map(|point| point.value).sum::<f64>() / count;
        let (mut covariance, mut variance) = (0.0, 0.0);
        for point in self.points {
            let x = seconds(point.at - origin) - mean_x;
            covariance += x * (point.value - mean_y);
            variance += x * x;
        }
        let slope = covariance / variance;
        Some((slope, mean_y - slope * mean_x))
    }

    pub(crate) fn resets(&self) -> f64 {
        self.points.windows(2).filter(|pair| matches!(pair, [one, other] if other.value < one.value)).count()
            as f64
    }

    pub(crate) fn changes(&self) -> f64 {
        let changed = |one: &Point, other: &Point| {
            one.value != other.value && !(one.value.is_nan() && other.value.is_nan())
        };
        self.points.windows(2).filter(|pair| matches!(pair, [one, other] if changed(one, other))).count()
            as f64
    }
}
