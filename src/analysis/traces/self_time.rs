//! Where time was really spent.
//!
//! A slow callee makes every caller slow. What is a service's own is the time of its spans that no child
//! covers; the excess of that time over the operation's normal 95th percentile, summed over calls, is
//! seconds that this service added to the incident, and its share of the whole is comparable between a
//! parent and its child, as a z-score is not.

use std::collections::BTreeMap;

use quell_sdk::signal::{SpanKind, UnixNanos};

use super::{
    gap::{LOST, TIMED},
    tail::tail_g,
    traced::{Side, Traced, since, traceql},
};
use crate::{
    analysis::{
        case::Periods,
        finding::Finding,
        hash::HashMap,
        series::quantile,
        significance::{CEILING, decibans_of_g},
    },
    domain::{Direction, Entity, EntityKind, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// Part of the calls that has to be slow for all to count as slow.
const HALF: f64 = 0.5;
/// Time added per call, in units of the usual time, from which on it does not matter how many are slow.
const MUCH: f64 = 5.0;

#[derive(Default)]
struct Operation {
    normal: Vec<f64>,
    incident: Vec<(UnixNanos, f64)>,
}

/// Spans of an operation in the incident: all, and those of clients.
type Spans = HashMap<u32, [usize; 2]>;

struct Own {
    excess: f64,
    decibans: f64,
    best: Best,
    moments: Vec<UnixNanos>,
}

struct Best {
    excess: f64,
    service: String,
    operation: String,
    normal: f64,
    observed: f64,
    slow: usize,
    calls: usize,
    /// Spans that its query selects: also those whose time is not its own.
    spans: usize,
}

/// Finds the entities whose own time grew.
pub(super) fn find(traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    let mut operations: HashMap<(usize, u32), Operation> = HashMap::default();
    let mut spans: Spans = HashMap::default();
    for (forest, index, side) in traced.sided(periods) {
        let (Some(span), Some(owner)) = (forest.spans.get(index), traced.owner(forest, index)) else {
            continue;
        };
        if side == Side::Incident {
            let [all, of_clients] = spans.entry(forest.operation(index)).or_default();
            *all += 1;
            *of_clients += usize::from(span.kind == SpanKind::Client);
        }
        if traced.is_caller_half(forest, index) {
            continue; // its own time is the network's: see `gap`
        }
        let seconds = forest.self_nanos(index) as f64 / 1e9;
        let operation = operations.entry((owner, forest.operation(index))).or_default();
        match side {
            Side::Normal => operation.normal.push(seconds),
            Side::Incident => operation.incident.push((span.end, seconds)),
        }
    }
    let places = operations.len();
    let requests = traced.requests(periods);
    let mut operations: Vec<((&Entity, u32), Operation)> = operations
        .into_iter()
        .filter_map(|((owner, id), operation)| Some(((traced.owners().get(owner)?, id), operation)))
        .collect();
    operations.sort_unstable_by_key(|(place, _)| *place);
    let mut owners: BTreeMap<Entity, Own> = BTreeMap::new();
    for ((entity, id), operation) in &mut operations {
        let found = excess(operation, traced.operations.name(*id), places, traced.noticeable());
        if let Some(mut found) = found {
            found.decibans *= traced.felt(found.best.excess, found.best.calls, requests);
            let [all, of_clients] = spans.get(id).copied().unwrap_or_default();
            found.best.spans = if entity.kind == EntityKind::Service { all } else { of_clients };
            let own = owners.entry((*entity).clone());
            own.and_modify(|own| own.add(&found)).or_insert_with(|| Own::from(found));
        }
    }
    let total: f64 = owners.values().map(|own| own.excess).sum();
    let mut findings: Vec<Finding> =
        owners.into_iter().filter_map(|(entity, own)| finding(entity, own, total)).collect();
    findings.sort_by(|a, b| {
        let share = |finding: &Finding| finding.share.unwrap_or(0.0);
        share(b).total_cmp(&share(a)).then_with(|| a.entity.cmp(&b.entity))
    });
    findings
}

struct Excess {
    best: Best,
    decibans: f64,
    moments: Vec<UnixNanos>,
}

fn excess(operation: &mut Operation, name: (&str, &str), places: usize, least: f64) -> Option<Excess> {
    if operation.normal.len() < 8 || operation.incident.len() < 3 {
        return None;
    }
    operation.normal.sort_by(f64::total_cmp);
    let usual = quantile(&operation.normal, 0.5)?;
    let limit = quantile(&operation.normal, 0.95)?.max(usual * 1.2).max(usual + least);
    let slow: Vec<_> = operation.incident.iter().filter(|(_, seconds)| *seconds > limit).collect();
    let calls = operation.incident.len();
    let seconds: f64 = slow.iter().map(|(_, seconds)| seconds - usual).sum();
    let normal_slow: f64 =
        operation.normal.iter().filter(|seconds| **seconds > limit).map(|seconds| seconds - usual).sum();
    // The same tail in normal times is not an excess.
    let net = seconds - normal_slow / operation.normal.len() as f64 * calls as f64;
    if net <= 0.0 || slow.is_empty() {
        return None;
    }
    let g = tail_g(&operation.normal, slow.len(), calls, limit);
    // A tenth more time, however surely, wakes nobody.
    let added = net / calls as f64 / usual.max(0.001);
    // Few slow calls are a tail, unless they are so slow that all calls together suffer.
    let part = (slow.len() as f64 / calls as f64 / HALF).min(1.0).sqrt().max((added / MUCH).min(1.0));
    let decibans = decibans_of_g(g.max(0.0), places) * (added / 0.5).min(1.0) * part;
    let observed = slow.iter().map(|(_, seconds)| seconds).sum::<f64>() / slow.len() as f64;
    Some(Excess {
        decibans,
        moments: slow.iter().map(|(at, _)| *at).collect(),
        best: Best {
            excess: net,
            service: name.0.to_owned(),
            operation: name.1.to_owned(),
            normal: usual,
            observed,
            slow: slow.len(),
            calls,
            spans: calls,
        },
    })
}

impl From<Excess> for Own {
    fn from(found: Excess) -> Self {
        Self { excess: found.best.excess, decibans: found.decibans, best: found.best, moments: found.moments }
    }
}

impl Own {
    fn add(&mut self, found: &Excess) {
        self.excess += found.best.excess;
        self.decibans = (self.decibans + 0.3 * found.decibans).max(found.decibans).min(CEILING);
        self.moments.extend_from_slice(&found.moments);
        if found.best.excess > self.best.excess {
            self.best = Best {
                service: found.best.service.clone(),
                operation: found.best.operation.clone(),
                ..found.best
            };
        }
    }
}

fn finding(entity: Entity, own: Own, total: f64) -> Option<Finding> {
    if own.decibans <= 0.0 {
        return None;
    }
    let share = own.excess / total.max(f64::MIN_POSITIVE);
    let Best { service, operation, normal, observed, slow, calls, spans, .. } = own.best;
    let mut numbers = vec![
        Number::new(LOST, own.excess, "s"),
        Number::new("share of all excess", share, "1"),
        Number::new("normal self time", normal, "s"),
        Number::new("slow self time", observed, "s"),
        Number::new("slow calls", slow as f64, "1"),
        Number::new("calls", spans as f64, "1"),
    ];
    if spans != calls {
        numbers.push(Number::new(TIMED, calls as f64, "1"));
    }
    Some(Finding {
        signal: SignalKind::Traces,
        kind: IndicatorKind::SelfTime,
        direction: Direction::Up,
        baseline: normal,
        observed,
        unit: "s".to_owned(),
        decibans: own.decibans,
        share: Some(share),
        since: since(own.moments),
        peer: (service != entity.name).then(|| service.clone()),
        language: Language::Traceql,
        query: traceql(&entity, &service, &operation),
        summary: format!(
            "{entity} spent {:.1} s more than normal of its own, {:.0} % of all excess time; most in {operation}: \
             {slow} of {calls} calls took {:.0} ms instead of {:.0} ms",
            own.excess,
            share * 100.0,
            observed * 1e3,
            normal * 1e3
        ),
        numbers,
        trust: Trust::Service,
        divided_at: None,
        normal_until: None,
        text: String::new(),
        indicator: operation,
        entity,
    })
}
