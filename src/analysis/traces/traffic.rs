//! How many requests each service gets, from its entry spans.

use std::{collections::BTreeMap, sync::Arc};

use quell_sdk::local::plan::quoted;

use super::traced::{Side, Traced, since};
use crate::{
    analysis::{
        case::Periods,
        finding::Finding,
        significance::{decibans_of_g, rates_g},
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// Least change of a rate that is told: traffic breathes.
const LEAST: f64 = 1.5;

/// Least length of the incident, as a part of the time before it: less is a moment, not a rate.
const SEEN: f64 = 0.2;

/// Parts of the normal stretch whose own rates say how traffic breathes.
const PARTS: usize = 8;

#[derive(Default)]
struct Requests {
    counts: [f64; 2],
    parts: [f64; PARTS],
    moments: Vec<i64>,
}

/// Finds the services that get markedly more, or markedly fewer, requests than just before. A healthy
/// recording of another day does not say what is usual at this hour, so only the time before the onset
/// counts.
pub fn find(traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    let mut services: BTreeMap<Arc<str>, Requests> = BTreeMap::new();
    // Requests are counted from the first to the last that was traced: what lies outside is not known to be nothing.
    let first = traced.now.spans.first().map_or(periods.start, |span| span.start);
    let last = traced.now.spans.last().map_or(periods.end, |span| span.start + 1);
    let periods = &Periods { start: periods.start.max(first), end: periods.end.min(last), ..*periods };
    let seconds = [periods.seconds_before(), periods.seconds_during()];
    if seconds[0] < 5.0 || seconds[1] < (SEEN * seconds[0]).max(1.0) {
        return Vec::new();
    }
    for (forest, index, side) in traced.sided(periods) {
        let Some(span) = forest.spans.get(index).filter(|_| std::ptr::eq(forest, &raw const traced.now))
        else {
            continue;
        };
        let is_entry = forest
            .parent(index)
            .and_then(|parent| forest.spans.get(parent))
            .is_none_or(|parent| parent.service != span.service);
        if !is_entry {
            continue;
        }
        let requests = services.entry(span.service.clone()).or_default();
        requests.counts[usize::from(side == Side::Incident)] += 1.0;
        if side == Side::Incident {
            requests.moments.push(span.start);
        } else {
            let length = (periods.onset - periods.guard - periods.start).max(1);
            let part = (span.start - periods.start).max(0).saturating_mul(PARTS as i64) / length;
            if let Some(count) = usize::try_from(part).ok().and_then(|part| requests.parts.get_mut(part)) {
                *count += 1.0;
            }
        }
    }
    let places = services.len();
    services
        .into_iter()
        .filter_map(|(service, requests)| finding(&service, requests, seconds, places))
        .collect()
}

fn finding(service: &str, requests: Requests, seconds: [f64; 2], places: usize) -> Option<Finding> {
    let [before, during] = requests.counts;
    let (normal, observed) = (before / seconds[0], during / seconds[1]);
    let times = observed / normal.max(1e-9);
    if before < 10.0 || (1.0 / LEAST..LEAST).contains(&times) {
        return None;
    }
    // Load comes in waves: more than the busiest part of normal times is a surge, less is a wave.
    let parts = requests.parts.map(|count| count / (seconds[0] / PARTS as f64));
    let highest = parts.iter().copied().fold(0.0, f64::max);
    let lowest = parts.iter().copied().fold(f64::MAX, f64::min);
    if observed < highest * 1.2 && observed > lowest * 0.8 {
        return None;
    }
    let g = rates_g(before, seconds[0], during, seconds[1]);
    let decibans = decibans_of_g(g, places);
    let direction = if times > 1.0 { Direction::Up } else { Direction::Down };
    (decibans > 0.0).then(|| Finding {
        entity: Entity::service(service),
        signal: SignalKind::Traces,
        kind: IndicatorKind::Traffic,
        indicator: "requests".to_owned(),
        direction,
        baseline: normal,
        observed,
        unit: "1/s".to_owned(),
        decibans,
        share: None,
        since: since(requests.moments),
        peer: None,
        language: Language::Traceql,
        query: format!(
            "{{ resource.service.name = {0} }} !> {{ resource.service.name = {0} }}",
            quoted(service)
        ),
        summary: format!(
            "{service} gets {observed:.1} requests/s instead of {normal:.1}, {times:.1} times as many"
        ),
        numbers: vec![
            Number::new("normal requests", before, "1"),
            Number::new("requests", during, "1"),
            Number::new("normal rate of requests", normal, "1/s"),
            Number::new("rate of requests", observed, "1/s"),
        ],
        trust: Trust::Service,
        divided_at: None,
        normal_until: None,
        text: String::new(),
    })
}
