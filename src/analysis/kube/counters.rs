//! Counters and states as samples give them: how much they rose, and when.

use quell_sdk::signal::{Point, Series, UnixNanos};

use crate::analysis::series::median;

/// Whether a query gives a rate per second rather than a count so far.
fn is_rate(query: &str) -> bool {
    query.contains("rate(")
}

/// How much counters of one container rose, and when: the series, the moment, by how much. A count that fell
/// begins anew.
pub(super) fn increments(series: &[&Series], indexes: &[usize]) -> Vec<(usize, UnixNanos, f64)> {
    let of = || indexes.iter().filter_map(|index| Some((*index, *series.get(*index)?)));
    // The same container may be told of by two exporters, or both as a rate and as it is.
    let rates = of()
        .filter(|(_, one)| is_rate(&one.query))
        .map(|(index, one)| rises(&one.points).map(|(at, count)| (index, at, count)).collect::<Vec<_>>());
    let total =
        |rises: &Vec<(usize, UnixNanos, f64)>| rises.iter().fold(0.0, |sum, (_, _, count)| sum + count);
    if let Some(most) = rates.max_by(|a, b| total(a).total_cmp(&total(b))) {
        return most;
    }
    let mut all: Vec<(UnixNanos, f64, usize)> = of()
        .flat_map(|(index, one)| one.points.iter().map(move |point| (point.at, point.value, index)))
        .filter(|(_, value, _)| value.is_finite())
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let later = all.iter().skip(1);
    all.iter()
        .zip(later)
        .filter(|(before, after)| after.1 > before.1 && before.1 >= 0.0)
        .map(|(before, after)| (after.2, after.0, (after.1 - before.1).min(MOST)))
        .collect()
}

/// Most restarts between two samples that are believed.
const MOST: f64 = 1_000.0;

/// Rates times the distance of samples.
fn rises(points: &[Point]) -> impl Iterator<Item = (UnixNanos, f64)> {
    let gaps: Vec<f64> =
        points.iter().zip(points.iter().skip(1)).map(|(one, next)| (next.at - one.at) as f64 / 1e9).collect();
    let gap = median(&gaps).unwrap_or(0.0);
    points
        .iter()
        .filter(|point| point.value.is_finite() && point.value > 0.0)
        .map(move |point| (point.at, (point.value * gap).min(MOST)))
}

/// How often what a query counts happened between two moments, by its samples: the sum of a rate over time, or how
/// much a count rose.
pub fn restarts(query: &str, points: &[Point], from: UnixNanos, until: UnixNanos) -> f64 {
    let within = |(at, _): &(UnixNanos, f64)| *at >= from && *at < until;
    if is_rate(query) {
        return rises(points).filter(within).map(|(_, count)| count).sum();
    }
    let finite: Vec<&Point> = points.iter().filter(|point| point.value.is_finite()).collect();
    finite
        .iter()
        .zip(finite.iter().skip(1))
        .filter(|(before, after)| after.value > before.value && before.value >= 0.0)
        .map(|(before, after)| (after.at, (after.value - before.value).min(MOST)))
        .filter(within)
        .map(|(_, count)| count)
        .sum()
}

/// Whether a state is on right after a moment, or was at its last sample right before.
pub(super) fn is_on_near(series: &Series, at: UnixNanos) -> bool {
    series.points.iter().any(|point| {
        point.value > 0.0
            && point.at >= at - 30_000_000_000
            && point.at <= at + 120_000_000_000
            && (point.at >= at || series.points.last().is_some_and(|last| last.at == point.at))
    })
}

/// Part and whole at the moments of the part, the whole as it was last.
pub(super) fn joined<'a>(
    part: &'a [Point],
    whole: &'a [Point],
) -> impl Iterator<Item = (UnixNanos, f64, f64)> + 'a {
    let mut next = whole.iter().peekable();
    let mut last = whole.first().map(|point| point.value);
    part.iter().filter(|point| point.value.is_finite()).filter_map(move |point| {
        while let Some(of_whole) = next.next_if(|of_whole| of_whole.at <= point.at) {
            last = Some(of_whole.value);
        }
        last.filter(|whole| whole.is_finite()).map(|whole| (point.at, point.value, whole))
    })
}
