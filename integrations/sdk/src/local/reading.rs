//! What a series is read as, and reading it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    plan::{QUANTILE, ReadAs, matchers, per_second, quantile, rate, read_as, selector},
    promql::{Bucket, Counter, Grid, parse_bound, quantile_of, spans_of},
};
use crate::signal::{Labels, MetricKind, MetricMeta, Point, Series, Window};

/// Shortest range of a rate.
const SHORTEST: Duration = Duration::from_secs(10);

/// One series to be, and what it is made of.
pub(super) enum Reading<'a> {
    Level {
        series: &'a Series,
        unit: &'a str,
    },
    Rate {
        series: &'a Series,
        unit: String,
    },
    /// The buckets of one histogram with their bounds, ascending.
    Quantile {
        family: &'a str,
        labels: Labels,
        unit: &'a str,
        buckets: Vec<(f64, &'a Series)>,
    },
    Mean {
        family: &'a str,
        unit: &'a str,
        sum: &'a Series,
        count: &'a Series,
    },
}

impl Reading<'_> {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Level { series, .. } | Self::Rate { series, .. } => &series.name,
            Self::Quantile { family, .. } | Self::Mean { family, .. } => family,
        }
    }

    pub(super) fn labels(&self) -> &Labels {
        match self {
            Self::Level { series, .. } | Self::Rate { series, .. } => &series.labels,
            Self::Quantile { labels, .. } => labels,
            Self::Mean { count, .. } => &count.labels,
        }
    }
}

/// Decides for each series how it is read.
pub(super) fn readings<'a>(found: &[&'a Series], meta: &'a BTreeMap<String, MetricMeta>) -> Vec<Reading<'a>> {
    let mut readings = Vec::with_capacity(found.len());
    let mut histograms: BTreeMap<(&str, Labels), Vec<(f64, &Series)>> = BTreeMap::new();
    let mut sums: BTreeMap<(&str, &Labels), &Series> = BTreeMap::new();
    let mut counts: Vec<(&str, &Series)> = Vec::new();
    let mut quantiles: BTreeSet<&str> = BTreeSet::new();
    for series in found {
        let known = meta.get(&series.name);
        let (kind, unit) = match known {
            Some(meta) if meta.kind != MetricKind::Unknown => (meta.kind, meta.unit.as_str()),
            Some(meta) => (series.kind, meta.unit.as_str()),
            None => (series.kind, series.unit.as_str()),
        };
        match part(series, meta) {
            Some((family, "_bucket")) => {
                let Some(bound) = series.labels.get("le").and_then(|le| parse_bound(le)) else { continue };
                let mut labels = series.labels.clone();
                labels.remove("le");
                histograms.entry((family, labels)).or_default().push((bound, series));
            }
            Some((family, "_sum")) => {
                sums.insert((family, &series.labels), series);
            }
            Some((family, _)) => {
                counts.push((family, series));
                readings.push(Reading::Rate { series, unit: "1/s".to_owned() });
            }
            None if read_as(kind, &series.name) == ReadAs::Rate => {
                readings.push(Reading::Rate { series, unit: per_second(unit) });
            }
            None => {
                if kind == MetricKind::Summary {
                    quantiles.insert(&series.name);
                }
                readings.push(Reading::Level { series, unit });
            }
        }
    }
    let unit_of = |family: &str| meta.get(family).map_or("", |meta| meta.unit.as_str());
    for (family, count) in counts {
        let told = quantiles.contains(family)
            || meta.get(family).is_some_and(|meta| meta.kind == MetricKind::Histogram);
        if let (false, Some(sum)) = (told, sums.get(&(family, &count.labels))) {
            readings.push(Reading::Mean { family, unit: unit_of(family), sum, count });
        }
    }
    for ((family, labels), mut buckets) in histograms {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        readings.push(Reading::Quantile { family, labels, unit: unit_of(family), buckets });
    }
    readings
}

/// The histogram or summary that a series is a part of, and which part. Buckets show by their label,
/// even of a histogram that nothing is known of.
fn part<'a>(series: &'a Series, meta: &BTreeMap<String, MetricMeta>) -> Option<(&'a str, &'static str)> {
    ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| {
        let family = series.name.strip_suffix(suffix)?;
        let parts = match meta.get(family).map(|meta| meta.kind) {
            Some(MetricKind::Histogram) => true,
            Some(MetricKind::Summary) => suffix != "_bucket",
            _ => suffix == "_bucket" && series.labels.contains_key("le"),
        };
        parts.then_some((family, suffix))
    })
}

/// For each metric, the range of its rates.
fn ranges<'a>(found: &[&'a Series], step: Duration) -> BTreeMap<&'a str, Duration> {
    let least = SHORTEST.max(step.saturating_mul(4));
    let mut ranges: BTreeMap<&str, Duration> = BTreeMap::new();
    for series in found {
        let range = ranges.entry(&series.name).or_insert(least);
        *range = (*range).max(distance(&series.points).saturating_mul(4));
    }
    ranges
}

/// Typical distance of samples, in whole seconds rounded up: the median of the first few.
fn distance(points: &[Point]) -> Duration {
    let mut gaps: Vec<i64> =
        points.iter().zip(points.iter().skip(1)).take(31).map(|(one, next)| next.at - one.at).collect();
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
    Duration::from_secs(u64::try_from(median).unwrap_or(0).div_ceil(1_000_000_000))
}

/// Where and how series are read.
pub(super) struct Context<'a> {
    grid: Grid,
    window: Window,
    /// For each metric, the range of its rates.
    ranges: BTreeMap<&'a str, Duration>,
}

impl<'a> Context<'a> {
    pub(super) fn new(found: &[&'a Series], grid: Grid, window: Window, step: Duration) -> Self {
        Self { grid, window, ranges: ranges(found, step) }
    }

    /// Most points that a reading gives.
    pub(super) fn upper_bound(&self, reading: &Reading<'_>) -> usize {
        match reading {
            Reading::Level { series, .. } => self.clip(series).len(),
            _ => self.grid.count,
        }
    }

    /// The series, unless it has no point within the window.
    pub(super) fn read(&self, reading: &Reading<'_>) -> Option<Series> {
        let (points, query, unit) = match reading {
            Reading::Level { series, unit } => {
                (self.clip(series).to_vec(), selector(&series.name, &matchers(&series.labels)), *unit)
            }
            Reading::Rate { series, unit } => {
                let points = self.points(self.rates(series).into_iter());
                (points, self.rate_of(series), unit.as_str())
            }
            Reading::Quantile { family, labels, unit, buckets } => {
                let (_, bucket) = buckets.first()?;
                let range = self.range(&bucket.name);
                let query = quantile(family, &matchers(labels), range, labels.keys().map(String::as_str));
                (self.quantiles(buckets), query, *unit)
            }
            Reading::Mean { unit, sum, count, .. } => {
                let pairs = self.rates(sum).into_iter().zip(self.rates(count));
                let points = self.points(pairs.map(|(sum, count)| Some(sum? / count?)));
                (points, format!("{} / {}", self.rate_of(sum), self.rate_of(count)), *unit)
            }
        };
        if points.is_empty() {
            return None;
        }
        let mut labels = reading.labels().clone();
        match reading {
            Reading::Quantile { .. } => labels.insert("quantile".to_owned(), QUANTILE.1.to_owned()),
            Reading::Mean { .. } => labels.insert("quantile".to_owned(), "mean".to_owned()),
            Reading::Level { .. } | Reading::Rate { .. } => None,
        };
        let (name, unit) = (reading.name().to_owned(), unit.to_owned());
        Some(Series { name, labels, kind: MetricKind::Gauge, unit, points, query })
    }

    fn clip<'s>(&self, series: &'s Series) -> &'s [Point] {
        let start = series.points.partition_point(|point| point.at < self.window.start_nanos());
        let end = series.points.partition_point(|point| point.at < self.window.end_nanos());
        series.points.get(start..end).unwrap_or_default()
    }

    fn range(&self, name: &str) -> Duration {
        self.ranges.get(name).copied().unwrap_or(SHORTEST)
    }

    fn rate_of(&self, series: &Series) -> String {
        rate(&series.name, &matchers(&series.labels), self.range(&series.name))
    }

    /// The rate of a counter at each step.
    fn rates(&self, series: &Series) -> Vec<Option<f64>> {
        let length = i64::try_from(self.range(&series.name).as_nanos()).unwrap_or(i64::MAX);
        let counter = Counter::new(&series.points);
        spans_of(&series.points, self.grid.times(), length)
            .map(|(end, span)| counter.view(span, end, length).rate())
            .collect()
    }

    fn quantiles(&self, buckets: &[(f64, &Series)]) -> Vec<Point> {
        let rates: Vec<_> = buckets.iter().map(|(bound, series)| (*bound, self.rates(series))).collect();
        let mut there = Vec::with_capacity(rates.len());
        let quantiles = (0..self.grid.count).map(|index| {
            there.clear();
            there.extend(rates.iter().filter_map(|(bound, rates)| {
                Some(Bucket { bound: *bound, count: rates.get(index).copied().flatten()? })
            }));
            (!there.is_empty()).then(|| quantile_of(QUANTILE.0, &mut there))
        });
        self.points(quantiles)
    }

    fn points(&self, values: impl Iterator<Item = Option<f64>>) -> Vec<Point> {
        let mut points = Vec::with_capacity(self.grid.count);
        let there = self.grid.times().zip(values).filter_map(|(at, value)| Some(Point { at, value: value? }));
        points.extend(there.filter(|point| point.value.is_finite()));
        points
    }
}
