//! Where errors began: a failed span none of whose children failed.
//!
//! Errors travel up a trace; only the deepest failed span says who failed. When that span is a call that
//! left no span at the other end, the other end is who failed.

use std::collections::BTreeMap;

use quell_sdk::{
    local::plan::quoted,
    signal::{SpanStatus, UnixNanos},
};

use super::traced::{Side, Traced, since};
use crate::{
    analysis::{
        case::Periods,
        finding::Finding,
        hash::HashMap,
        significance::{decibans_of_g, rates_g},
    },
    domain::{Direction, Entity, EntityKind, IndicatorKind, Language, Number, SignalKind, Trust},
};

#[derive(Default)]
struct Origin {
    normal: f64,
    incident: f64,
    moments: Vec<UnixNanos>,
    messages: BTreeMap<String, usize>,
    operations: BTreeMap<u32, usize>,
    callers: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, Default)]
struct Calls {
    normal: f64,
    incident: f64,
}

/// Finds the entities at which errors begin more often than they used to.
pub fn find(traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    // Of entities of one kind and name, whoever's they are, the first that failed stands for all.
    let mut numbers: HashMap<(EntityKind, &str), usize> = HashMap::default();
    let places: Vec<usize> = traced
        .owners()
        .iter()
        .map(|owner| {
            let next = numbers.len();
            *numbers.entry((owner.kind, owner.name.as_str())).or_insert(next)
        })
        .collect();
    let mut origins: HashMap<usize, (Entity, Origin)> = HashMap::default();
    let mut calls: HashMap<usize, Calls> = HashMap::default();
    for (forest, index, side) in traced.sided(periods) {
        let (Some(span), Some(owner)) = (forest.spans.get(index), traced.owner(forest, index)) else {
            continue;
        };
        let (Some(place), Some(owner)) = (places.get(owner).copied(), traced.owners().get(owner)) else {
            continue;
        };
        let count = calls.entry(place).or_default();
        match side {
            Side::Normal => count.normal += 1.0,
            Side::Incident => count.incident += 1.0,
        }
        let failed =
            |index: usize| forest.spans.get(index).is_some_and(|span| span.status == SpanStatus::Error);
        if !failed(index) || forest.children(index).any(failed) {
            continue;
        }
        let (_, origin) = origins.entry(place).or_insert_with(|| (owner.clone(), Origin::default()));
        match side {
            Side::Normal => origin.normal += 1.0,
            Side::Incident => {
                origin.incident += 1.0;
                origin.moments.push(span.end);
                *origin.operations.entry(forest.operation(index)).or_default() += 1;
                *origin.callers.entry(span.service.to_string()).or_default() += 1;
                if !span.message.is_empty() && origin.messages.len() < 64 {
                    *origin.messages.entry(span.message.chars().take(200).collect()).or_default() += 1;
                }
            }
        }
    }
    let places = calls.len();
    let mut origins: Vec<(usize, (Entity, Origin))> = origins.into_iter().collect();
    origins.sort_unstable_by(|(_, (a, _)), (_, (b, _))| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    let total: f64 = origins.iter().map(|(_, of)| of).map(|(_, origin)| origin.incident).sum();
    let mut findings: Vec<Finding> = origins
        .into_iter()
        .filter_map(|(place, (entity, origin))| {
            let of = calls.get(&place).copied().unwrap_or_default();
            finding(traced, entity, origin, of, total, places)
        })
        .collect();
    findings.sort_by(|a, b| b.decibans.total_cmp(&a.decibans).then_with(|| a.entity.cmp(&b.entity)));
    findings
}

fn finding(
    traced: &Traced<'_>,
    mut entity: Entity,
    origin: Origin,
    calls: Calls,
    total: f64,
    places: usize,
) -> Option<Finding> {
    // Without a past, half an error stands for "hardly ever".
    let g = if calls.normal > 0.0 {
        rates_g(origin.normal, calls.normal, origin.incident, calls.incident)
    } else {
        rates_g(0.0, calls.incident, origin.incident, calls.incident)
    };
    let decibans = decibans_of_g(g.max(0.0), places);
    if g <= 0.0 || decibans < 1.0 {
        return None;
    }
    let most = |counts: &BTreeMap<String, usize>| {
        counts.iter().max_by_key(|(_, count)| **count).map(|(text, _)| text.clone())
    };
    let (_, operation) = origin
        .operations
        .iter()
        .max_by_key(|(_, count)| **count)
        .map_or(("", ""), |(id, _)| traced.operations.name(*id));
    let caller = most(&origin.callers).unwrap_or_default();
    if entity.service != entity.name {
        entity.service.clone_from(&caller);
    }
    let message = most(&origin.messages).unwrap_or_default();
    let query = traceql(&entity, &caller);
    let rate = origin.incident / calls.incident.max(1.0);
    let normal = if calls.normal > 0.0 { origin.normal / calls.normal } else { 0.0 };
    let said = if message.is_empty() { String::new() } else { format!(": \"{message}\"") };
    Some(Finding {
        signal: SignalKind::Traces,
        kind: IndicatorKind::Errors,
        indicator: operation.to_owned(),
        direction: if origin.normal < 0.5 { Direction::New } else { Direction::Up },
        baseline: normal,
        observed: rate,
        unit: "1".to_owned(),
        decibans,
        share: Some(origin.incident / total.max(1.0)),
        since: since(origin.moments),
        peer: (caller != entity.name).then_some(caller),
        language: Language::Traceql,
        query,
        summary: format!(
            "{} errors begin at {entity}, {:.0} % of all; most in {operation}{said}",
            origin.incident,
            origin.incident / total.max(1.0) * 100.0
        ),
        numbers: vec![
            Number::new("errors that begin here", origin.incident, "1"),
            Number::new("calls", calls.incident, "1"),
            Number::new("error ratio", rate, "1"),
            Number::new("normal error ratio", normal, "1"),
        ],
        trust: Trust::Service,
        divided_at: None,
        normal_until: None,
        text: message,
        entity,
    })
}

/// TraceQL that selects the spans where errors begin: those that failed and have no child that failed.
fn traceql(entity: &Entity, caller: &str) -> String {
    let name = quoted(&entity.name);
    let own = if entity.name == caller {
        format!("resource.service.name = {name}")
    } else {
        let keys = [
            "peer.service",
            "server.address",
            "net.peer.name",
            "upstream.host",
            "db.namespace",
            "db.name",
            "db.system.name",
            "db.system",
            "messaging.destination.name",
        ];
        let named: Vec<String> = keys.iter().map(|key| format!("span.{key} = {name}")).collect();
        format!("(resource.service.name = {name} || {})", named.join(" || "))
    };
    format!("{{ status = error }} !< {{ {own} && status = error }}")
}
