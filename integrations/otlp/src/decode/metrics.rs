//! Data points to series.

use std::hash::{BuildHasher, Hasher};

use quell_sdk::signal::{MetricKind, Point};

use super::{
    Dropped, Limits, Reason,
    decoder::{Accepts, Decoder},
    exponential,
    labels::{self, LabelSource},
    names, value,
    wire::{
        self, Count, HistogramPoint, KeyValue, Metric, NumberPoint, ResourceMetrics, SummaryPoint,
        Temporality,
    },
};
use crate::series::{SeriesSet, Shape};

/// `DataPointFlags::NO_RECORDED_VALUE`.
const NO_VALUE: u64 = 1;

impl Decoder {
    pub(crate) fn points(&mut self, request: &wire::MetricsRequest<'_>, out: &mut SeriesSet) {
        for group in request.resource_metrics.iter().flatten() {
            self.points_of(group, out);
        }
    }

    /// Adds the data points of one resource.
    pub(crate) fn points_of(&mut self, group: &ResourceMetrics<'_>, out: &mut SeriesSet) {
        let mut hasher = out.hasher().build_hasher();
        value::hash_pairs(&group.resource.attributes, &mut hasher);
        let resource_hash = hasher.finish();
        for scope in &group.scope_metrics {
            for metric in &scope.metrics {
                let name = value::cut(&metric.name.0, self.limits.key_bytes);
                if name.is_empty() {
                    self.dropped.one(Reason::MissingName);
                    continue;
                }
                let monotonic = metric.sum.as_ref().is_some_and(|sum| sum.is_monotonic.0);
                let name = names::prometheus(name, value::cut(&metric.unit.0, 64), monotonic);
                Points {
                    resource: &group.resource.attributes,
                    resource_hash,
                    scope: &scope.scope.name.0,
                    name: &name,
                    unit: value::cut(&metric.unit.0, 64),
                    limits: &self.limits,
                    dropped: &mut self.dropped,
                    accepts: self.accepts,
                    out,
                }
                .metric(metric);
            }
        }
    }
}

/// The points of one metric of one resource and scope, on their way to series.
pub(super) struct Points<'a, 'b> {
    resource: &'a [KeyValue<'b>],
    resource_hash: u64,
    scope: &'a str,
    name: &'a str,
    unit: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) dropped: &'a mut Dropped,
    accepts: Accepts,
    out: &'a mut SeriesSet,
}

/// One value of one series within a point.
pub(super) struct Part<'a> {
    /// Appended to the metric's name: `_bucket`, `_sum`, ...
    pub(super) suffix: &'static str,
    /// `le` or `quantile`, with its value.
    pub(super) extra: Option<(&'static str, &'a str)>,
    pub(super) shape: Shape,
    pub(super) value: f64,
}

impl Points<'_, '_> {
    fn metric(&mut self, metric: &Metric<'_>) {
        if let Some(gauge) = &metric.gauge {
            self.meta(MetricKind::Gauge);
            self.numbers(&gauge.data_points, Shape::GAUGE);
        } else if let Some(sum) = &metric.sum {
            let delta = sum.aggregation_temporality == Temporality::Delta;
            let shape = match (sum.is_monotonic.0, delta) {
                (true, _) => Shape { kind: MetricKind::Counter, delta },
                // An up-and-down count told in steps: its level is the sum of the steps.
                (false, _) => Shape { kind: MetricKind::Gauge, delta },
            };
            self.meta(shape.kind);
            self.numbers(&sum.data_points, shape);
        } else if let Some(histogram) = &metric.histogram {
            self.meta(MetricKind::Histogram);
            let delta = histogram.aggregation_temporality == Temporality::Delta;
            for point in &histogram.data_points {
                self.histogram(point, delta);
            }
        } else if let Some(histogram) = &metric.exponential_histogram {
            self.meta(MetricKind::Histogram);
            let delta = histogram.aggregation_temporality == Temporality::Delta;
            for point in &histogram.data_points {
                exponential::point(self, point, delta);
            }
        } else if let Some(summary) = &metric.summary {
            self.meta(MetricKind::Summary);
            for point in &summary.data_points {
                self.summary(point);
            }
        }
    }

    fn meta(&mut self, kind: MetricKind) {
        self.out.describe(self.name, kind, self.unit, self.limits.series);
    }

    fn numbers(&mut self, points: &[NumberPoint<'_>], shape: Shape) {
        // Those of one series mostly come one after another.
        let mut last: Option<(&[KeyValue<'_>], usize)> = None;
        let mut run = Vec::with_capacity(points.len());
        for point in points {
            if !self.is_usable(point.time_unix_nano.0, point.flags) {
                continue;
            }
            let value = match (point.as_double, point.as_int) {
                (Some(double), _) => double.0,
                (None, Some(int)) => int.0 as f64,
                (None, None) => {
                    self.dropped.one(Reason::NoValue);
                    continue;
                }
            };
            let at = point.time_unix_nano.0;
            let goes_on = last.is_some_and(|(attributes, _)| attributes == point.attributes);
            if !goes_on || !value.is_finite() {
                let part = Part { suffix: "", extra: None, shape, value };
                let Some(slot) = self.slot(&point.attributes, &part) else { continue };
                if let Some((_, before)) = last.replace((&point.attributes, slot)) {
                    self.out.extend(before, &run);
                    run.clear();
                }
            }
            run.push(Point { at, value });
        }
        if let Some((_, slot)) = last {
            self.out.extend(slot, &run);
        }
    }

    fn histogram(&mut self, point: &HistogramPoint<'_>, delta: bool) {
        let (at, attributes) = (point.time_unix_nano.0, &point.attributes);
        if !self.is_usable(at, point.flags) {
            return;
        }
        let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
        if counts.len() > self.limits.buckets {
            self.dropped.one(Reason::TooManyBuckets);
            return;
        }
        let rising = bounds.iter().zip(bounds.iter().skip(1)).all(|(one, next)| one.0 < next.0);
        let finite = bounds.iter().all(|bound| bound.0.is_finite());
        let fits = counts.is_empty() && bounds.is_empty() || counts.len() == bounds.len() + 1;
        if !(rising && finite && fits) {
            self.dropped.one(Reason::MalformedHistogram);
            return;
        }
        let mut below = 0_u64;
        for (bound, count) in bounds.iter().zip(counts) {
            below = below.saturating_add(count.0);
            self.bucket(at, attributes, &bound.0.to_string(), below, delta);
        }
        self.totals(at, attributes, point.count.0, point.sum.map(|sum| sum.0), delta, true);
    }

    fn summary(&mut self, point: &SummaryPoint<'_>) {
        let (at, attributes) = (point.time_unix_nano.0, &point.attributes);
        if !self.is_usable(at, point.flags) {
            return;
        }
        if point.quantile_values.len() > self.limits.buckets {
            self.dropped.one(Reason::TooManyBuckets);
            return;
        }
        for pair in &point.quantile_values {
            let extra = pair.quantile.0.to_string();
            let part = Part {
                suffix: "",
                extra: Some(("quantile", &extra)),
                shape: Shape::GAUGE,
                value: pair.value.0,
            };
            self.part(at, attributes, &part);
        }
        self.totals(at, attributes, point.count.0, Some(point.sum.0), false, false);
    }

    /// One cumulative bucket.
    pub(super) fn bucket(&mut self, at: i64, attributes: &[KeyValue<'_>], le: &str, below: u64, delta: bool) {
        let shape = Shape { kind: MetricKind::Counter, delta };
        let part = Part { suffix: "_bucket", extra: Some(("le", le)), shape, value: below as f64 };
        self.part(at, attributes, &part);
    }

    /// `_bucket{le="+Inf"}`, `_count` and `_sum`.
    pub(super) fn totals(
        &mut self,
        at: i64,
        attributes: &[KeyValue<'_>],
        count: u64,
        sum: Option<f64>,
        delta: bool,
        buckets: bool,
    ) {
        if buckets {
            self.bucket(at, attributes, "+Inf", count, delta);
        }
        let shape = Shape { kind: MetricKind::Counter, delta };
        self.part(at, attributes, &Part { suffix: "_count", extra: None, shape, value: count as f64 });
        if let Some(value) = sum {
            self.part(at, attributes, &Part { suffix: "_sum", extra: None, shape, value });
        }
    }

    /// Whether the point has a moment and a value.
    pub(super) fn is_usable(&mut self, at: i64, flags: Count) -> bool {
        if flags.0 & NO_VALUE != 0 {
            self.dropped.one(Reason::NoValue);
            false
        } else if let Some(reason) = self.accepts.problem(at) {
            self.dropped.one(reason);
            false
        } else {
            true
        }
    }

    fn part(&mut self, at: i64, attributes: &[KeyValue<'_>], part: &Part<'_>) {
        if let Some(slot) = self.slot(attributes, part) {
            self.out.push(slot, Point { at, value: part.value });
        }
    }

    /// The series that a value belongs to; `None` when it is not kept.
    fn slot(&mut self, attributes: &[KeyValue<'_>], part: &Part<'_>) -> Option<usize> {
        if !part.value.is_finite() {
            self.dropped.one(Reason::NotFinite);
            return None;
        }
        let key = self.key(attributes, part);
        if let Some(slot) = self.out.slot(key) {
            return Some(slot);
        }
        let source =
            LabelSource { resource: self.resource, scope: self.scope, point: attributes, extra: part.extra };
        let labels = labels::build(source, self.limits, self.dropped);
        let name = format!("{}{}", self.name, part.suffix);
        let made = self.out.create(key, name, labels, part.shape, self.unit, self.limits);
        if made.is_none() {
            self.dropped.one(Reason::TooManySeries);
        }
        made
    }

    /// Identity of the series before names are made fit, which costs far less than the labels.
    fn key(&self, attributes: &[KeyValue<'_>], part: &Part<'_>) -> u64 {
        let mut hasher = self.out.hasher().build_hasher();
        hasher.write_u64(self.resource_hash);
        for text in [self.scope, self.name, part.suffix, part.extra.map_or("", |(_, text)| text)] {
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        }
        value::hash_pairs(attributes, &mut hasher);
        hasher.finish()
    }
}
