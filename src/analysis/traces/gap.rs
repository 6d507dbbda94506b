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

/// What a slow edge says for a node that it touches, and a healthy one against it, in decibans. A fault of a node
/// that spares one of its edges is rarer than one that spares none of what is seen.
const SLOW: f64 = 3.0;
const HEALTHY: f64 = 5.0;
/// Part of the blame from which on the other end of an edge is named as well.
const EITHER: f64 = 0.1;
/// Decibans from which on an edge is clearly slow.
const CLEAR: f64 = 10.0;

/// Calls of an edge from which on it can be called slow.
const ENOUGH: usize = 3;

/// Most edges that are blamed on a node.
const EDGES: usize = 150;

/// Edges of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Those that were seen often enough to be slow.
    edges: usize,
    /// Those that are as ever, one of few calls in part.
    healthy_out: f64,
    healthy_into: f64,
    /// Those that are slow, one that hardly is in part.
    slow: f64,
}

#[derive(Default)]
struct Gaps {
    normal: Vec<f64>,
    incident: Vec<(UnixNanos, f64)>,
}

impl Gaps {
    /// Whether its calls took as long as calls do, whatever the edge: 1 if so, less if there are few, else 0.
    fn healthy(&self, pooled: &[f64]) -> f64 {
        let Some(limit) = quantile(pooled, 0.99) else { return 0.0 };
        let slow = self.incident.iter().filter(|(_, seconds)| *seconds > limit).count();
        let calls = self.incident.len();
        if slow * 4 > calls { 0.0 } else { (calls as f64 / ENOUGH as f64).min(1.0) }
    }
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
    let mut seen: BTreeMap<Arc<str>, Seen> = BTreeMap::new();
    for ((caller, callee), gaps) in &edges {
        let (often, healthy) = (usize::from(gaps.incident.len() >= ENOUGH), gaps.healthy(&pooled));
        let of_caller = seen.entry(caller.clone()).or_default();
        of_caller.edges += often;
        of_caller.healthy_out += healthy;
        let of_callee = seen.entry(callee.clone()).or_default();
        of_callee.edges += often;
        of_callee.healthy_into += healthy;
    }
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
    for found in &shifted {
        let part = (found.decibans / CLEAR).min(1.0);
        for end in [&found.edge.0, &found.edge.1] {
            seen.entry(end.clone()).or_default().slow += part;
        }
    }
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
    if gaps.incident.len() < ENOUGH {
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

fn blame(mut shifted: Vec<Shifted>, seen: &BTreeMap<Arc<str>, Seen>) -> Vec<Finding> {
    // What lost least decides nothing, and blaming compares all with all.
    shifted.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then_with(|| a.edge.cmp(&b.edge)));
    shifted.truncate(EDGES);
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
                let all = seen.get(node).map_or(1, |seen| seen.edges);
                let part = touching.len() as f64 / all.max(1) as f64;
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
        for found in blamed {
            let (caller, callee) = &found.edge;
            let apart = speaks_for(callee, seen, |seen| seen.healthy_into)
                - speaks_for(caller, seen, |seen| seen.healthy_out);
            let of_callee = 1.0 / (1.0 + 10_f64.powf(-apart / 10.0));
            for (end, part) in [(callee, of_callee), (caller, 1.0 - of_callee)] {
                if *end == node || part >= EITHER {
                    findings.push(finding(end, &found, part.max(EITHER)));
                }
            }
        }
        shifted = rest;
    }
    findings
}

/// What the edges of a node say of it, in decibans: each slow one for it, each that is as ever against it. What a
/// node sends and what it takes can fail apart, so that only healthy edges of the same direction count.
fn speaks_for(node: &Arc<str>, seen: &BTreeMap<Arc<str>, Seen>, healthy: impl Fn(&Seen) -> f64) -> f64 {
    seen.get(node).map_or(0.0, |seen| SLOW * seen.slow - HEALTHY * healthy(seen))
}

/// `part` is that of the edge's loss which is blamed on this end of it.
fn finding(node: &Arc<str>, found: &Shifted, part: f64) -> Finding {
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
        share: Some(part),
        since: since(found.moments.clone()),
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
