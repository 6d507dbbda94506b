//! Quantiles of classic histograms.

use std::{borrow::Cow, collections::BTreeMap};

use super::value::Column;
use crate::signal::Labels;

/// One bucket at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    /// Upper bound, included.
    pub(crate) bound: f64,
    /// Observations up to the bound.
    pub(crate) count: f64,
}

/// A bucket's bound and its count at each step.
type Member = (f64, Vec<Option<f64>>);

/// The quantile of each histogram among the columns, which are told apart by their labels without `le`.
pub(super) fn quantiles<'a>(wanted: &[f64], columns: Vec<Column<'a>>) -> Vec<Column<'a>> {
    let mut groups: BTreeMap<Labels, Vec<Member>> = BTreeMap::new();
    for column in columns {
        let Some(bound) = column.labels.get("le").and_then(|le| parse_bound(le)) else { continue };
        let mut labels = column.labels.into_owned();
        labels.remove("le");
        groups.entry(labels).or_default().push((bound, column.values));
    }
    let mut buckets = Vec::new();
    groups
        .into_iter()
        .map(|(labels, mut members)| {
            members.sort_by(|one, other| one.0.total_cmp(&other.0));
            let values = wanted
                .iter()
                .enumerate()
                .map(|(index, wanted)| {
                    buckets.clear();
                    let there = members.iter().filter_map(|(bound, values)| {
                        Some(Bucket { bound: *bound, count: values.get(index).copied().flatten()? })
                    });
                    buckets.extend(there);
                    (!buckets.is_empty()).then(|| quantile_of(*wanted, &mut buckets))
                })
                .collect();
            Column::computed(Cow::Owned(labels), values)
        })
        .filter(|column| !column.is_empty())
        .collect()
}

/// The bound that a `le` label states.
pub(crate) fn parse_bound(le: &str) -> Option<f64> {
    le.parse().ok().filter(|bound: &f64| !bound.is_nan())
}

/// The quantile of one histogram at one moment, from its buckets in ascending order of their bounds,
/// interpolated within a bucket. NaN when there is nothing to tell it from.
pub(crate) fn quantile_of(wanted: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if wanted.is_nan() {
        return f64::NAN;
    }
    if wanted < 0.0 {
        return f64::NEG_INFINITY;
    }
    if wanted > 1.0 {
        return f64::INFINITY;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.bound == kept.bound;
        if same {
            kept.count += next.count;
        }
        same
    });
    // A scrape between two updates can leave a bucket behind the one below it.
    let mut highest = f64::NEG_INFINITY;
    for bucket in buckets.iter_mut() {
        highest = highest.max(bucket.count);
        bucket.count = highest;
    }
    let [inner @ .., before_last, last] = buckets.as_slice() else { return f64::NAN };
    if last.bound != f64::INFINITY || last.count == 0.0 || last.count.is_nan() {
        return f64::NAN;
    }
    let rank = wanted * last.count;
    let finite = inner.iter().chain([before_last]);
    let mut below = Bucket { bound: 0.0, count: 0.0 };
    for (index, bucket) in finite.enumerate() {
        if bucket.count >= rank {
            if index == 0 && bucket.bound <= 0.0 {
                return bucket.bound;
            }
            let share = (rank - below.count) / (bucket.count - below.count);
            return below.bound + (bucket.bound - below.bound) * share;
        }
        below = *bucket;
    }
    before_last.bound
}
