//! Slow growth: a level that held and then rose steadily, as leaks, backlogs and filling disks do.
//!
//! Such a fault does its damage long after it began, so the moment of the page says nothing about its cause.
//! A hinge (a level, then a straight line) is fitted to everything up to the highest value, by least squares;
//! its knee is when the growth began.

use quell_sdk::signal::{Point, UnixNanos};

use super::figure;
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::{Finding, Since},
        series::{Reading, read},
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// What can fill up.
const FILLS: [IndicatorKind; 6] = [
    IndicatorKind::Memory,
    IndicatorKind::Disk,
    IndicatorKind::FileDescriptors,
    IndicatorKind::Threads,
    IndicatorKind::Queue,
    IndicatorKind::Pool,
];
/// Samples of a growth, and part of its variance that a straight line has to explain.
const FEWEST: usize = 12;
const STRAIGHT: f64 = 0.9;
/// Least growth, as a part of the level that it began at.
const MUCH: f64 = 0.3;
/// How long before the onset a growth may have ended and still matter, as a part of how long it lasted.
const RECENT: f64 = 0.1;

/// Finds what grew steadily until the incident, or still does.
pub fn find(case: &Case, periods: &Periods) -> Vec<Finding> {
    let fills = case.now.series.iter().filter_map(|series| {
        let reading = read(series);
        let fills = FILLS.contains(&reading.kind) && reading.bad_up != Some(false);
        (fills && !counts(&series.name)).then_some((series, reading))
    });
    fills.filter_map(|(series, reading)| finding(series, &reading, periods)).collect()
}

/// Whether a name is that of a count since the start, which grows by nature.
fn counts(name: &str) -> bool {
    ["_total", "_count", "_sum", "_created", "_accepted", "_handled"].iter().any(|end| name.ends_with(end))
}

fn finding(series: &quell_sdk::signal::Series, reading: &Reading, periods: &Periods) -> Option<Finding> {
    let points: Vec<&Point> = series
        .points
        .iter()
        .filter(|point| point.value.is_finite() && point.at >= periods.start && point.at < periods.end)
        .collect();
    let (peak, highest) =
        points.iter().enumerate().max_by(|a, b| a.1.value.total_cmp(&b.1.value).then(a.0.cmp(&b.0)))?;
    let grown = points.get(..=peak)?;
    let hinge = hinge(grown)?;
    let (began, ended) = (grown.get(hinge.knee)?.at, grown.last()?.at);
    let lasted = ended - began;
    let matters = ended >= periods.onset - (lasted as f64 * RECENT) as UnixNanos;
    let rise = hinge.top - hinge.level;
    let is_much = rise >= MUCH * hinge.level.abs() && rise >= reading.smallest && rise > 0.0;
    if !matters || !is_much || hinge.straightness < STRAIGHT {
        return None;
    }
    let slack = lasted / 10;
    let minutes = lasted / 60_000_000_000;
    let service = series.service();
    Some(Finding {
        entity: Entity::service(service),
        signal: SignalKind::Metrics,
        kind: reading.kind,
        indicator: series.name.clone(),
        direction: Direction::Up,
        baseline: hinge.level,
        observed: hinge.top,
        unit: series.unit.clone(),
        decibans: 8.0 + 40.0 * (hinge.straightness - STRAIGHT),
        share: None,
        since: Some(Since { at: began, earliest: began - slack, latest: began + slack }),
        peer: None,
        language: Language::Promql,
        query: series.query.clone(),
        summary: format!(
            "{service} {} grew steadily for {minutes} min, from {} to {}",
            series.name,
            figure(hinge.level, &series.unit),
            figure(highest.value, &series.unit)
        ),
        numbers: vec![
            Number::new("level before", hinge.level, &series.unit),
            Number::new("highest", highest.value, &series.unit),
            Number::new("straightness of the growth", hinge.straightness, "1"),
        ],
        trust: Trust::Platform,
        divided_at: None,
        normal_until: None,
        text: String::new(),
    })
}

struct Hinge {
    /// Index at which the growth began.
    knee: usize,
    level: f64,
    top: f64,
    /// Part of the growing stretch's variance that the line explains.
    straightness: f64,
}

/// The best level followed by a rising line.
fn hinge(points: &[&Point]) -> Option<Hinge> {
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    let count = values.len();
    if count < FEWEST {
        return None;
    }
    let step = (count / 60).max(1);
    let best = (0..=count - FEWEST).step_by(step).filter_map(|knee| {
        let (flat, rising) = (values.get(..knee)?, values.get(knee..)?);
        let level = if flat.is_empty() { *rising.first()? } else { mean(flat) };
        let of_flat: f64 = flat.iter().map(|value| (value - level).powi(2)).sum();
        let (slope, start, of_line, of_all) = line(rising)?;
        let top = start + slope * (rising.len() - 1) as f64;
        let straightness = if of_all > 0.0 { 1.0 - of_line / of_all } else { 0.0 };
        (slope > 0.0).then_some((of_flat + of_line, Hinge { knee, level, top, straightness }))
    });
    best.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, hinge)| hinge)
}

/// Slope, start, squared error and total variance of the least-squares line.
fn line(values: &[f64]) -> Option<(f64, f64, f64, f64)> {
    let count = values.len() as f64;
    let (mean_x, mean_y) = ((count - 1.0) / 2.0, mean(values));
    let mut products = (0.0, 0.0);
    for (index, value) in values.iter().enumerate() {
        let x = index as f64 - mean_x;
        products.0 += x * (value - mean_y);
        products.1 += x * x;
    }
    (products.1 > 0.0).then(|| {
        let slope = products.0 / products.1;
        let start = mean_y - slope * mean_x;
        let error = |index: usize, value: &f64| (value - start - slope * index as f64).powi(2);
        let of_line = values.iter().enumerate().map(|(index, value)| error(index, value)).sum();
        let of_all = values.iter().map(|value| (value - mean_y).powi(2)).sum();
        (slope, start, of_line, of_all)
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        (0_i64..)
            .zip(values)
            .map(|(minute, value)| Point { at: minute * 60_000_000_000, value: *value })
            .collect()
    }

    #[test]
    fn a_leak_is_dated_to_where_it_began() {
        let values: Vec<f64> = (0..90)
            .map(|i| if i < 30 { 200.0 + f64::from(i % 3) } else { 200.0 + 5.0 * f64::from(i - 30) })
            .collect();
        let points = points(&values);
        let found = hinge(&points.iter().collect::<Vec<_>>()).expect("a hinge");
        assert!(found.knee.abs_diff(30) <= 3, "{}", found.knee);
        assert!(found.straightness > 0.99);
    }

    #[test]
    fn noise_is_not_growth() {
        let values: Vec<f64> = (0..90).map(|i| 200.0 + f64::from((i * 7919) % 13)).collect();
        let points = points(&values);
        let found = hinge(&points.iter().collect::<Vec<_>>());
        assert!(found.is_none_or(|found| found.straightness < STRAIGHT));
    }
}
