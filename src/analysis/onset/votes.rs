//! Votes of series: where the level of an indicator changed.
//!
//! Metrics, and per service the latency, error ratio and error logs of its entry spans, are standardised
//! against normal; each says where it changed level, if it did. Indicators of the alerted service count more.

use std::{collections::BTreeMap, sync::Arc};

use quell_sdk::signal::{SpanStatus, UnixNanos};

use super::find::bin_width;
use crate::analysis::{
    case::Case,
    finding::Since,
    kube::Cluster,
    series::{Healthy, Usual, change_point, median, median_and_range, read},
    traces::Traced,
};

/// Least gain in log-likelihood of a change of level that is heard.
const HEARD: f64 = 10.0;

/// Values from which on a healthy recording says what is normal, rather than the first part of this one.
const ENOUGH: usize = 10;

/// One indicator's word.
pub(super) struct Vote {
    pub since: Since,
    pub weight: f64,
}

/// All votes on a change.
pub struct Votes(pub(super) Vec<Vote>);

impl Votes {
    /// The votes on a change within `[start, end)` and before the moment of the page.
    pub fn new(
        case: &Case,
        healthy: &Healthy<'_>,
        traced: &Traced<'_>,
        cluster: &Cluster,
        (start, end): (UnixNanos, UnixNanos),
        at: UnixNanos,
    ) -> Self {
        let until = at.clamp(start, end);
        let width = bin_width(start, end);
        let mut votes = of_metrics(case, healthy, until);
        votes.extend(of_cluster(case, cluster, (start, until), width));
        votes.extend(of_rows(case, traced, (start, until), width));
        Self(votes)
    }
}

fn of_metrics(case: &Case, healthy: &Healthy<'_>, until: UnixNanos) -> Vec<Vote> {
    let mut votes = Vec::new();
    for series in &case.now.series {
        let reading = read(series);
        let Some(bad_up) = reading.bad_up else { continue };
        let points: Vec<_> = series.points.iter().filter(|point| point.at <= until).collect();
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        let usual = healthy.get(series).filter(|usual| usual.count >= ENOUGH);
        let moments: Vec<UnixNanos> = points.iter().map(|point| point.at).collect();
        let weight = if series.service() == case.service { 1.0 } else { 0.25 };
        if let Some(vote) = vote(&values, &moments, usual, Some(bad_up), reading.smallest, weight) {
            votes.push(vote);
        }
    }
    votes
}

/// What Kubernetes says is wrong with each service and node, over time.
fn of_cluster(
    case: &Case,
    cluster: &Cluster,
    (start, until): (UnixNanos, UnixNanos),
    width: UnixNanos,
) -> Vec<Vote> {
    let rows = cluster.troubles((start, until), width);
    let votes = rows.iter().filter_map(|(name, row)| {
        let weight = if *name == case.service { 1.0 } else { 0.5 };
        let moments: Vec<UnixNanos> = (0..).zip(row).map(|(index, _)| start + width * index).collect();
        let values: Vec<f64> = row.iter().map(|count| count.sqrt()).collect();
        vote(&values, &moments, None, Some(true), 0.5, weight)
    });
    votes.collect()
}

#[derive(Default, Clone)]
struct Bin {
    calls: f64,
    failed: f64,
    log_seconds: f64,
    error_logs: f64,
}

/// Latency, error ratio and error logs of each service over time.
fn of_rows(
    case: &Case,
    traced: &Traced<'_>,
    (start, until): (UnixNanos, UnixNanos),
    width: UnixNanos,
) -> Vec<Vote> {
    let count = usize::try_from((until - start) / width).unwrap_or(0).min(10_000) + 1;
    let mut rows: BTreeMap<Arc<str>, Vec<Bin>> = BTreeMap::new();
    let slot =
        |at: UnixNanos| usize::try_from((at - start) / width).ok().filter(|_| at >= start && at <= until);
    for (index, span) in case.now.spans.iter().enumerate() {
        let is_entry = traced
            .now
            .parent(index)
            .and_then(|parent| case.now.spans.get(parent))
            .is_none_or(|parent| parent.service != span.service);
        if !is_entry {
            continue;
        }
        let row = rows.entry(span.service.clone()).or_insert_with(|| vec![Bin::default(); count]);
        if let Some(bin) = slot(span.end).and_then(|slot| row.get_mut(slot)) {
            bin.calls += 1.0;
            bin.failed += f64::from(u8::from(span.status == SpanStatus::Error));
            bin.log_seconds += span.seconds().max(1e-6).ln();
        }
    }
    for record in case.now.logs.iter().filter(|record| record.severity.is_error()) {
        let row = rows.entry(record.service.clone()).or_insert_with(|| vec![Bin::default(); count]);
        if let Some(bin) = slot(record.at).and_then(|slot| row.get_mut(slot)) {
            bin.error_logs += 1.0;
        }
    }
    let mut votes = Vec::new();
    for (service, bins) in &rows {
        let weight = if **service == *case.service { 2.0 } else { 0.5 };
        let moment = |index: usize| start + width * i64::try_from(index).unwrap_or(0);
        let busy: Vec<(usize, &Bin)> = bins.iter().enumerate().filter(|(_, bin)| bin.calls >= 3.0).collect();
        let moments: Vec<UnixNanos> = busy.iter().map(|(index, _)| moment(*index)).collect();
        let latency: Vec<f64> = busy.iter().map(|(_, bin)| bin.log_seconds / bin.calls).collect();
        votes.extend(vote(&latency, &moments, None, Some(true), 0.2, weight));
        let errors: Vec<f64> = busy.iter().map(|(_, bin)| bin.failed / bin.calls).collect();
        votes.extend(vote(&errors, &moments, None, Some(true), 0.04, weight));
        let all: Vec<UnixNanos> = (0..bins.len()).map(moment).collect();
        let logs: Vec<f64> = bins.iter().map(|bin| bin.error_logs.sqrt()).collect();
        votes.extend(vote(&logs, &all, None, Some(true), 1.0, weight));
    }
    votes
}

fn vote(
    values: &[f64],
    moments: &[UnixNanos],
    usual: Option<&Usual>,
    bad_up: Option<bool>,
    smallest: f64,
    weight: f64,
) -> Option<Vote> {
    let early = values.get(..(values.len() * 2 / 5).max(3).min(values.len()))?;
    let (center, range) = match usual {
        Some(usual) => usual.normal.map(|normal| (normal.level, normal.range))?,
        None => median_and_range(early)?,
    };
    let scale = range.max(0.05 * center.abs()).max(smallest / 2.0).max(1e-9);
    let found = change_point(values, center, scale)?;
    let after = median(values.get(found.index..)?)?;
    let before = median(values.get(..found.index)?)?;
    let is_bad = bad_up.is_none_or(|up| (after > before) == up);
    let moment = |index: usize| moments.get(index).copied();
    (found.gain >= HEARD && is_bad && (after - before).abs() > smallest).then_some(())?;
    Some(Vote {
        since: Since {
            at: moment(found.index)?,
            earliest: moment(found.earliest.saturating_sub(1))?,
            latest: moment(found.latest)?,
        },
        weight: weight * found.gain.min(100.0).sqrt(),
    })
}
