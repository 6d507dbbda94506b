//! All shifted series of a case.

use quell_sdk::signal::{Series, UnixNanos};

use super::{Healthy, Usual, change_point, indicator::Reading, read, shift};
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::{Finding, Since},
        significance::decibans_of_z,
    },
    domain::{Direction, Entity, EntityKind, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// Finds the series that left their normal level in the incident. Only the bad direction counts where the
/// indicator has one: an error rate that fell is recovery, not a symptom.
pub fn find(case: &Case, healthy: &Healthy<'_>, periods: &Periods) -> Vec<Finding> {
    let places = case.now.series.len();
    let mut findings: Vec<Finding> = case
        .now
        .series
        .iter()
        .filter_map(|series| finding(series, healthy.get(series), periods, places))
        .collect();
    findings.sort_by(|a, b| {
        b.decibans
            .total_cmp(&a.decibans)
            .then_with(|| (&a.entity, &a.indicator).cmp(&(&b.entity, &b.indicator)))
    });
    findings
}

fn finding(series: &Series, healthy: Option<&Usual>, periods: &Periods, places: usize) -> Option<Finding> {
    let reading = read(series);
    let during: Vec<f64> = values(series, |at| periods.is_during(at));
    if during.is_empty() {
        return None;
    }
    let before: Vec<f64> = values(series, |at| periods.is_before(at));
    let mut found = match (before.len() >= 3, healthy.filter(|healthy| healthy.count >= 3)) {
        (true, None) => shift(&before, &during, reading.smallest)?,
        (false, Some(healthy)) => healthy.normal?.shift(&during, reading.smallest)?,
        (true, Some(healthy)) => {
            // Just before is the better level, a whole recording the better noise: a value that the
            // healthy system shows on other days is not a symptom.
            let near = shift(&before, &during, reading.smallest)?;
            let far = healthy.normal?.shift(&during, reading.smallest)?;
            if near.z.signum() != far.z.signum() {
                return None;
            }
            if near.z.abs() < far.z.abs() { near } else { far }
        }
        (false, None) => return None,
    };
    if let Some(limit) = crossed(&reading, &during) {
        found.z = -found.z.abs().max(limit);
    }
    let bad = match reading.bad_up {
        Some(up) => (found.z > 0.0) == up,
        None => true,
    };
    // A configured bound is no symptom; a certificate's countdown is one only when it runs out.
    let silent = (reading.kind == IndicatorKind::Quota && reading.bad_up.is_none())
        || (reading.kind == IndicatorKind::Certificate && crossed(&reading, &during).is_none());
    // What a service sees as a client is its callees' doing.
    let as_client = reading.kind == IndicatorKind::Latency
        && (series.name.starts_with("client") || series.name.contains("_client_"));
    let decibans = decibans_of_z(found.z, places / 20) * if as_client { 0.4 } else { 1.0 };
    if !bad || silent || decibans <= 0.0 {
        return None;
    }
    let direction = if found.z > 0.0 { Direction::Up } else { Direction::Down };
    let indicator = name_with_labels(series);
    Some(Finding {
        entity: entity(series, &reading),
        signal: SignalKind::Metrics,
        kind: reading.kind,
        summary: format!(
            "{} {} went {} from {} to {}",
            series.service(),
            indicator,
            direction.as_str(),
            figure(found.baseline, &series.unit),
            figure(found.observed, &series.unit)
        ),
        indicator,
        direction,
        baseline: found.baseline,
        observed: found.observed,
        unit: series.unit.clone(),
        decibans,
        share: None,
        since: since(series, &found, periods),
        peer: None,
        language: Language::Promql,
        query: series.query.clone(),
        numbers: vec![
            Number::new("baseline", found.baseline, &series.unit),
            Number::new("observed", found.observed, &series.unit),
            Number::new("robust z", found.z, "sigma"),
        ],
        trust: Trust::Platform,
        divided_at: None,
        normal_until: None,
        text: String::new(),
    })
}

fn values(series: &Series, keep: impl Fn(UnixNanos) -> bool) -> Vec<f64> {
    series.points.iter().filter(|point| keep(point.at)).map(|point| point.value).collect()
}

/// A countdown that ran out is certain, however gently it fell.
fn crossed(reading: &Reading, during: &[f64]) -> Option<f64> {
    (reading.kind == IndicatorKind::Certificate && during.iter().any(|value| *value <= 0.0)).then_some(20.0)
}

fn entity(series: &Series, reading: &Reading) -> Entity {
    let service = series.service().to_owned();
    match series.labels.get("node") {
        Some(node) if reading.of_node || service.is_empty() => {
            Entity { kind: EntityKind::Node, name: node.clone(), service }
        }
        _ => Entity::service(service),
    }
}

/// Beginnings of labels that say where a series comes from, not what it measures.
const OF_THE_PLACE: [&str; 8] =
    ["otel_", "telemetry_", "deployment_environment", "k8s_", "service_", "host_", "process_", "exported_"];

/// The metric's name with the labels that tell it from its siblings.
fn name_with_labels(series: &Series) -> String {
    let telling: Vec<String> = series
        .labels
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "service" | "job" | "instance" | "pod" | "node"))
        .filter(|(name, _)| !OF_THE_PLACE.iter().any(|start| name.starts_with(start)))
        .take(4)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if telling.is_empty() { series.name.clone() } else { format!("{}{{{}}}", series.name, telling.join(",")) }
}

/// A number as a person reads it, with its unit.
pub fn figure(value: f64, unit: &str) -> String {
    let magnitude = value.abs();
    let number = if magnitude >= 1000.0 {
        format!("{value:.0}")
    } else if magnitude >= 10.0 {
        format!("{value:.1}")
    } else if magnitude >= 0.1 || magnitude == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    };
    match unit {
        "" | "1" => number,
        "%" => format!("{number} %"),
        unit => format!("{number} {unit}"),
    }
}

fn since(series: &Series, found: &super::Shift, periods: &Periods) -> Option<Since> {
    let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
    let change = change_point(&values, found.baseline, found.scale)?;
    let at = |index: usize| series.points.get(index).map(|point| point.at);
    let (Some(at_best), Some(earliest), Some(latest)) =
        (at(change.index), at(change.earliest.saturating_sub(1)), at(change.latest))
    else {
        return None;
    };
    // A level that changed long before the incident is another story.
    (at_best < periods.end).then_some(Since { at: at_best, earliest, latest })
}
