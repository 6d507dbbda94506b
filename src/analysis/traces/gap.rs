//! Time between a caller's span and its callee's: the network, a proxy, a queue in front of the callee.
//!
//! A delay at one node shifts every edge that touches it, so blame goes to the node that covers most of
//! the shifted time, not to each edge.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quell_sdk::{
    local::plan::quoted,
    signal::{SpanKind, UnixNanos},
};

use super::{
    Forest,
    tail::tail_g,
    traced::{Side, Traced, since},
};
use crate::{
    analysis::{
        case::Periods, finding::Finding, hash::HashMap, series::quantile, significance::decibans_of_g,
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// The number of a finding that says how much time was lost in all.
pub(super) const LOST: &str = "time lost";
/// The number of a finding that says how many of its calls could be held to normal.
pub(super) const TIMED: &str = "calls that were timed";

type Edge = (Arc<str>, Arc<str>);

/// Part of all normal calls, on whatever edge, that take as long: from it on such a delay is usual in this system.
const USUAL: f64 = 0.01;
/// Weight of a usual delay that came more often.
const HICCUP: f64 = 0.4;

/// Most edges that are blamed on a node.
const EDGES: usize = 150;

#[derive(Default)]
struct Gaps {
    normal: Vec<f64>,
    incident: Vec<(UnixNanos, f64)>,
}

struct Shifted {
    edge: Edge,
    decibans: f64,
    seconds: f64,
    normal: f64,
    observed: f64,
    slow: usize,
    calls: usize,
    /// Spans that its query selects: also those that ended before what they called.
    spans: usize,
    moments: Vec<UnixNanos>,
}

/// Finds the edges whose gap grew, each blamed on one of its ends.
pub(super) fn find(traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    let mut edges: BTreeMap<Edge, Gaps> = BTreeMap::new();
    let mut pooled = Vec::new();
    let mut all: HashMap<Edge, usize> = HashMap::default();
    for (forest, index, side) in traced.sided(periods) {
        if side == Side::Incident {
            count(forest, index, &mut all);
        }
        if !traced.is_caller_half(forest, index) {
            continue;
        }
        let (Some(seconds), Some(caller), Some(callee)) = (
            gap(forest, index),
            forest.spans.get(index),
            forest.children(index).next().and_then(|child| forest.spans.get(child)),
        ) else {
            continue;
        };
        let gaps = edges.entry((caller.service.clone(), callee.service.clone())).or_default();
        match side {
            Side::Normal => {
                gaps.normal.push(seconds);
                pooled.push(seconds);
            }
            Side::Incident => gaps.incident.push((caller.end, seconds)),
        }
    }
    pooled.sort_by(f64::total_cmp);
    let places = edges.len();
    let seen: BTreeMap<Arc<str>, usize> = edges
        .iter()
        .filter(|(_, gaps)| gaps.incident.len() >= 3)
        .flat_map(|((caller, callee), _)| [caller.clone(), callee.clone()])
        .fold(BTreeMap::new(), |mut counts, node| {
            *counts.entry(node).or_default() += 1;
            counts
        });
    let requests = traced.requests(periods);
    let shifted: Vec<Shifted> = edges
        .into_iter()
        .filter_map(|(edge, gaps)| shifted(edge, gaps, &pooled, (places, traced.noticeable())))
        .map(|mut found| {
            found.decibans *= traced.felt(found.seconds, found.calls, requests);
            found.spans = all.get(&found.edge).copied().unwrap_or_default();
            let longer = pooled.len() - pooled.partition_point(|usual| *usual < found.observed);
            if longer as f64 > USUAL * pooled.len() as f64 {
                found.decibans *= HICCUP;
            }
            found
        })
        .collect();
    blame(shifted, &seen)
}

/// Counts a span for each service that it called, as the query of a finding selects it.
fn count(forest: &Forest<'_>, caller: usize, all: &mut HashMap<Edge, usize>) {
    let Some(span) = forest.spans.get(caller).filter(|span| span.kind != SpanKind::Server) else { return };
    let callees = forest.remote_children(caller).filter_map(|child| forest.spans.get(child));
    let callees: BTreeSet<&Arc<str>> = callees.map(|child| &child.service).collect();
    for callee in callees {
        *all.entry((span.service.clone(), callee.clone())).or_default() += 1;
    }
}

/// Seconds between the caller's half of a call and the callee's; `None` for an asynchronous callee, which
/// outlives its caller.
pub fn gap(forest: &Forest<'_>, caller: usize) -> Option<f64> {
    let callee = forest.children(caller).next().and_then(|child| forest.spans.get(child))?;
    let seconds = forest.spans.get(caller)?.seconds() - callee.seconds();
    (seconds >= 0.0).then_some(seconds)
}

fn shifted(edge: Edge, mut gaps: Gaps, pooled: &[f64], (places, least): (usize, f64)) -> Option<Shifted> {
    if gaps.incident.len() < 3 {
        return None;
    }
    gaps.normal.sort_by(f64::total_cmp);
    // An edge without a past of its own is held to what is normal for all edges.
    let normal = if gaps.normal.len() >= 8 { gaps.normal.as_slice() } else { pooled };
    if normal.len() < 8 {
        return None;
    }
    let usual = quantile(normal, 0.5)?;
    let limit = quantile(normal, 0.95)?.max(usual * 1.5).max(usual + least);
    let slow: Vec<_> = gaps.incident.iter().filter(|(_, seconds)| *seconds > limit).collect();
    let calls = gaps.incident.len();
    let g = tail_g(normal, slow.len(), calls, limit);
    let seconds: f64 = slow.iter().map(|(_, seconds)| seconds - usual).sum();
    let decibans = decibans_of_g(g.max(0.0), places);
    (decibans > 0.0 && !slow.is_empty()).then(|| Shifted {
        edge,
        decibans,
        seconds,
        normal: usual,
        observed: slow.iter().map(|(_, seconds)| seconds).sum::<f64>() / slow.len() as f64,
        slow: slow.len(),
        calls,
        spans: calls,
        moments: slow.iter().map(|(at, _)| *at).collect(),
    })
}

fn blame(mut shifted: Vec<Shifted>, seen: &BTreeMap<Arc<str>, usize>) -> Vec<Finding> {
    // What lost least decides nothing, and blaming compares all with all.
    shifted.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then_with(|| a.edge.cmp(&b.edge)));
    shifted.truncate(EDGES);
    let total: f64 = shifted.iter().map(|edge| edge.seconds).sum();
    let mut findings = Vec::new();
    while !shifted.is_empty() {
        let nodes: BTreeSet<Arc<str>> =
            shifted.iter().flat_map(|found| [found.edge.0.clone(), found.edge.1.clone()]).collect();
        // Seconds that a node's edges lost, by the part of its edges that are slow: a hub with one slow
        // edge of ten is not the place. On a tie the callee, whose side of the wire serves all callers.
        let Some(node) = nodes.into_iter().max_by(|a, b| {
            let score = |node: &Arc<str>| {
                let touching: Vec<_> =
                    shifted.iter().filter(|found| found.edge.0 == *node || found.edge.1 == *node).collect();
                let part = touching.len() as f64 / seen.get(node).copied().unwrap_or(1).max(1) as f64;
                let called = touching.iter().any(|found| found.edge.1 == *node);
                let seconds = touching.iter().map(|found| found.seconds).sum::<f64>();
                seconds * part * if called { 1.01 } else { 1.0 }
            };
            score(a).total_cmp(&score(b)).then_with(|| b.cmp(a))
        }) else {
            break;
        };
        let (blamed, rest): (Vec<_>, Vec<_>) =
            shifted.into_iter().partition(|found| found.edge.0 == node || found.edge.1 == node);
        findings.extend(blamed.into_iter().map(|found| finding(&node, found, total)));
        shifted = rest;
    }
    findings
}

fn finding(node: &Arc<str>, found: Shifted, total: f64) -> Finding {
    let (caller, callee) = &found.edge;
    let peer = if caller == node { callee } else { caller };
    let mut numbers = vec![
        Number::new(LOST, found.seconds, "s"),
        Number::new("normal gap", found.normal, "s"),
        Number::new("slow gap", found.observed, "s"),
        Number::new("slow calls", found.slow as f64, "1"),
        Number::new("calls", found.spans as f64, "1"),
    ];
    if found.spans != found.calls {
        numbers.push(Number::new(TIMED, found.calls as f64, "1"));
    }
    Finding {
        entity: Entity::service(&**node),
        signal: SignalKind::Traces,
        kind: IndicatorKind::NetworkGap,
        indicator: format!("{caller} -> {callee}"),
        direction: Direction::Up,
        baseline: found.normal,
        observed: found.observed,
        unit: "s".to_owned(),
        decibans: found.decibans,
        share: Some(found.seconds / total.max(f64::MIN_POSITIVE)),
        since: since(found.moments),
        peer: Some(peer.to_string()),
        language: Language::Traceql,
        query: format!(
            "{{ resource.service.name = {} }} < {{ resource.service.name = {} && kind != server }}",
            quoted(callee),
            quoted(caller)
        ),
        summary: format!(
            "calls {caller} -> {callee} lost {:.0} ms between the two (normally {:.1} ms) in {} of {} calls",
            found.observed * 1e3,
            found.normal * 1e3,
            found.slow,
            found.calls
        ),
        numbers,
        trust: Trust::Service,
        divided_at: None,
        normal_until: None,
        text: String::new(),
    }
}
