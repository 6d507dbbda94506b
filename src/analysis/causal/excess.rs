//! Excess on the call graph, from metrics alone.
//!
//! `X(v)` is what callers lost at `v`: requests times added latency, or failed requests. What the callees
//! of `v` lost is in it, so `own(v) = max(0, X(v) - sum X(callee))`. Absolute excess compares a parent
//! with its child, which no z-score does: on the PetShop incidents it ranked the cause first in 0.96 of
//! cases against 0.65 for correlation.

use std::collections::BTreeMap;

use quell_sdk::signal::{Series, UnixNanos};

use super::Graph;
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::Finding,
        series::{median, read, shift},
        significance::decibans_of_z,
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// What one service's callers lost there.
struct Lost<'a> {
    amount: f64,
    z: f64,
    baseline: f64,
    observed: f64,
    requests: f64,
    series: &'a Series,
}

/// Finds services that lost time or requests of their own. Needs a graph, and per service one series of
/// latency (or success) and one of traffic.
pub fn find(case: &Case, graph: &Graph, periods: &Periods) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in [IndicatorKind::Latency, IndicatorKind::Errors] {
        let lost = lost(case, periods, kind);
        let own: BTreeMap<&str, f64> = lost
            .iter()
            .map(|(service, found)| {
                let below: f64 = graph
                    .callees(service)
                    .filter_map(|callee| lost.get(callee))
                    .map(|callee| callee.amount)
                    .sum();
                (service.as_str(), (found.amount - below).max(0.0))
            })
            .collect();
        // What the alerted service lost is what has to be explained; where it lost nothing of this kind,
        // failures elsewhere are beside the point.
        let alerted = lost.get(&case.service).map_or(0.0, |found| found.amount);
        let relevance = if alerted > 0.0 || !measures(case, kind) { 1.0 } else { 0.1 };
        let total: f64 = own.values().sum::<f64>().max(alerted);
        for (service, found) in &lost {
            let share =
                relevance * own.get(service.as_str()).copied().unwrap_or(0.0) / total.max(f64::MIN_POSITIVE);
            if total > 0.0 && share >= 0.02 {
                findings.push(finding(service, found, share, kind));
            }
        }
    }
    findings.sort_by(|a, b| {
        b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0)).then_with(|| a.entity.cmp(&b.entity))
    });
    findings
}

/// Whether the alerted service has an indicator of this kind at all.
fn measures(case: &Case, kind: IndicatorKind) -> bool {
    case.now.series.iter().any(|series| series.service() == case.service && read(series).kind == kind)
}

fn lost<'a>(case: &'a Case, periods: &Periods, kind: IndicatorKind) -> BTreeMap<String, Lost<'a>> {
    let mut services: BTreeMap<String, (Option<&Series>, Option<&Series>)> = BTreeMap::new();
    for series in case.now.series.iter().filter(|series| !series.service().is_empty()) {
        let reading = read(series);
        let entry = services.entry(series.service().to_owned()).or_default();
        if reading.kind == kind && !reading.of_node {
            prefer(&mut entry.0, series, |name| mean_first(name, kind));
        } else if reading.kind == IndicatorKind::Traffic && !reading.of_node {
            prefer(&mut entry.1, series, traffic_first);
        }
    }
    services
        .into_iter()
        .filter_map(|(service, (level, traffic))| {
            let (level, traffic) = (level?, traffic?);
            let normal = normal_values(case, level, periods);
            let during = values(level, |at| periods.is_during(at));
            let found = shift(&normal, &during, read(level).smallest)?;
            let requests = median(&values(traffic, |at| periods.is_during(at)))?.max(0.0);
            let bad_up = read(level).bad_up.unwrap_or(true);
            let delta = found.observed - found.baseline;
            let worse = if bad_up { delta } else { -delta };
            let scale = found.scale.max(f64::MIN_POSITIVE);
            (worse > 0.0 && worse / scale > 2.0).then_some((
                service,
                Lost {
                    amount: worse * requests,
                    z: worse / scale,
                    baseline: found.baseline,
                    observed: found.observed,
                    requests,
                    series: level,
                },
            ))
        })
        .collect()
}

fn prefer<'a>(slot: &mut Option<&'a Series>, series: &'a Series, rank: impl Fn(&str) -> usize) {
    let better = slot.is_none_or(|known| {
        (rank(&series.name), &series.name, &series.labels) < (rank(&known.name), &known.name, &known.labels)
    });
    if better {
        *slot = Some(series);
    }
}

/// Means add up over calls, medians nearly do, tails do not.
fn mean_first(name: &str, kind: IndicatorKind) -> usize {
    let order: &[&str] = match kind {
        IndicatorKind::Latency => &["average", "avg", "mean", "p50", "median", "p90", "p95"],
        _ => &["availability", "success", "ratio", "rate", "average"],
    };
    let server = usize::from(name.contains("client")) * 100;
    server + order.iter().position(|word| name.contains(word)).unwrap_or(order.len())
}

fn traffic_first(name: &str) -> usize {
    let order = ["requests", "request", "calls", "ops", "rps", "qps", "count"];
    order.iter().position(|word| name.contains(word)).unwrap_or(order.len())
}

fn values(series: &Series, keep: impl Fn(UnixNanos) -> bool) -> Vec<f64> {
    series.points.iter().filter(|point| keep(point.at)).map(|point| point.value).collect()
}

fn normal_values(case: &Case, series: &Series, periods: &Periods) -> Vec<f64> {
    let before = values(series, |at| periods.is_before(at));
    let healthy = case
        .reference
        .series
        .iter()
        .find(|known| known.name == series.name && known.labels == series.labels)
        .map(|known| values(known, |_| true))
        .unwrap_or_default();
    if before.len() >= 5 || healthy.len() < 3 { before } else { healthy }
}

fn finding(service: &str, found: &Lost<'_>, share: f64, kind: IndicatorKind) -> Finding {
    let what = if kind == IndicatorKind::Latency { "time" } else { "failed requests" };
    Finding {
        entity: Entity::service(service),
        signal: SignalKind::Metrics,
        kind: if kind == IndicatorKind::Latency { IndicatorKind::SelfTime } else { IndicatorKind::Errors },
        indicator: found.series.name.clone(),
        direction: Direction::Up,
        baseline: found.baseline,
        observed: found.observed,
        unit: found.series.unit.clone(),
        decibans: decibans_of_z(found.z + 2.0, 1),
        share: Some(share),
        since: None,
        peer: None,
        language: Language::Promql,
        query: found.series.query.clone(),
        summary: format!(
            "{service} lost {:.0} % of all excess {what} itself, its callees' part taken off ({} from {:.3} to {:.3}, \
             {:.1} requests)",
            share * 100.0,
            found.series.name,
            found.baseline,
            found.observed,
            found.requests
        ),
        numbers: vec![
            Number::new("baseline", found.baseline, &found.series.unit),
            Number::new("observed", found.observed, &found.series.unit),
            Number::new("requests", found.requests, "1"),
            Number::new("share of own excess", share, "1"),
        ],
        trust: Trust::Platform,
        text: String::new(),
    }
}
