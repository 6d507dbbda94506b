//! Exponential histograms as explicit ones.
//!
//! Their buckets move with the data, while Prometheus' stay; a bucket that comes and goes would break
//! every rate. So they are counted into one fixed grid of powers of the square root of two, whose bounds
//! are also bounds of every exponential histogram of scale 1 or finer: nothing is misplaced, only
//! resolution is lost. Coarser ones fall on the upper bound of their bucket.

use super::{
    Reason,
    metrics::Points,
    wire::{Buckets, ExponentialPoint},
};

/// The grid: bounds `2^(n/2)` for n in this range, 2^-14 (61 µs in seconds) to 2^24 (16 MiB, or 4.6 h in
/// milliseconds). What is larger is in the bucket of infinity.
const LOWEST: i64 = -28;
const HIGHEST: i64 = 48;
/// Scales beyond what the specification's reference implementations use.
const SCALES: std::ops::RangeInclusive<i64> = -10..=20;

/// Turns one point into buckets, count and sum.
pub(super) fn point(points: &mut Points<'_, '_>, point: &ExponentialPoint<'_>, delta: bool) {
    let (at, attributes) = (point.time_unix_nano.0, &point.attributes);
    if !points.is_usable(at, point.flags) {
        return;
    }
    let buckets = point.positive.bucket_counts.len().max(point.negative.bucket_counts.len());
    if buckets > points.limits.buckets {
        points.dropped.one(Reason::TooManyBuckets);
        return;
    }
    let offsets = [&point.positive, &point.negative].map(|part| i32::try_from(part.offset.0));
    if !SCALES.contains(&point.scale.0) || offsets.iter().any(Result::is_err) {
        points.dropped.one(Reason::MalformedHistogram);
        return;
    }
    // What is not above zero is below every bound of the grid.
    let mut below = total(&point.negative).saturating_add(point.zero_count.0);
    let mut counts = grid(&point.positive, point.scale.0).into_iter();
    for step in LOWEST..=HIGHEST {
        below = below.saturating_add(counts.next().unwrap_or(0));
        let bound = 2_f64.powf(step as f64 / 2.0);
        points.bucket(at, attributes, &bound.to_string(), below, delta);
    }
    points.totals(at, attributes, point.count.0, point.sum.map(|sum| sum.0), delta, true);
}

fn total(buckets: &Buckets) -> u64 {
    buckets.bucket_counts.iter().fold(0, |sum, count| sum.saturating_add(count.0))
}

/// Counts per step of the grid, the first one with all that lies below it.
fn grid(buckets: &Buckets, scale: i64) -> Vec<u64> {
    let mut grid = vec![0_u64; usize::try_from(HIGHEST - LOWEST + 1).unwrap_or(0)];
    for (index, count) in buckets.bucket_counts.iter().enumerate() {
        // Bucket i holds (base^i, base^(i+1)], base = 2^(2^-scale); its upper bound is 2^(upper / 2^scale).
        let upper = i128::from(buckets.offset.0) + index as i128 + 1;
        // In half powers of two: ceil(upper * 2 / 2^scale).
        let step = if scale >= 1 {
            let width = 1_i128 << (scale - 1);
            upper.div_euclid(width) + i128::from(upper.rem_euclid(width) != 0)
        } else {
            upper << (1 - scale)
        };
        let place = (step - i128::from(LOWEST)).max(0);
        if let Some(sum) = usize::try_from(place).ok().and_then(|place| grid.get_mut(place)) {
            *sum = sum.saturating_add(count.0);
        }
    }
    grid
}
