//! Excess on the call graph, from metrics alone.
//!
//! `X(v, t)` is what callers lost at `v` around the moment `t`: requests times added latency, or failed
//! requests, beyond what is lost on a normal day. What the callees of `v` lost is in it, so
//! `own(v, t) = max(0, X(v, t) - sum X(callee, t))`. Absolute excess compares a parent with its child, which
//! no z-score does (PetShop, Hardt et al., CLeaR 2024, and measured on it here). An entity explains the
//! incident as far as its own excess covers that of the alerted service moment by moment, and as far as it
//! keeps in step with it: what was also lost while nobody felt anything is somebody else's trouble. No onset
//! is needed for that.

use std::collections::BTreeMap;

use quell_sdk::signal::{Series, UnixNanos};

use super::{
    Graph,
    lost::{Lost, losses},
};
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::Finding,
        significance::decibans_of_z,
    },
    domain::{Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust},
};

/// Least part of the alerted service's excess that is worth telling.
const LEAST: f64 = 0.05;

/// Part of what no callee explains that is taken to be the alerted service's own.
const REMAINDER: f64 = 0.5;

/// What the graph says about who lost what.
#[derive(Debug, Default)]
pub struct Excess {
    pub findings: Vec<Finding>,
    /// For each kind that could be attributed: the part of the alerted service's excess that each service with
    /// a level and a traffic of its own explains, 0 to 1.
    pub shares: BTreeMap<IndicatorKind, BTreeMap<String, f64>>,
}

/// Share of an entity whose part in the loss could not be measured while others' could.
const UNMEASURED: f64 = 0.1;

impl Excess {
    /// What a service's own deviation of a kind counts for, given who lost what; `None` where that is not known.
    pub fn share(&self, kind: IndicatorKind, service: &str, alerted: &str) -> Option<f64> {
        let of = |shares: &BTreeMap<String, f64>| shares.get(service).copied().unwrap_or(UNMEASURED);
        match kind {
            // More or fewer requests matter as far as something was lost where they go.
            IndicatorKind::Traffic if service != alerted => {
                self.shares.values().map(of).max_by(f64::total_cmp)
            }
            _ => self.shares.get(&kind).map(of),
        }
    }
}

/// Attributes what the alerted service lost. Needs a graph, and per service one series of latency (or
/// success) and one of traffic.
pub fn find(case: &Case, graph: &Graph, periods: &Periods) -> Excess {
    let mut excess = Excess::default();
    for kind in [IndicatorKind::Latency, IndicatorKind::Errors] {
        let lost = losses(case, periods, kind);
        let Some(alerted) = lost.get(&case.service).filter(|lost| lost.total() > 0.0) else {
            continue;
        };
        let below = graph.below(&case.service);
        let mut shares = BTreeMap::new();
        for (service, found) in &lost {
            if !below.contains_key(service) && !graph.is_empty() {
                continue;
            }
            let mut share = explained(service, found, alerted, &lost, graph);
            if *service == case.service {
                share *= REMAINDER; // it may as well be what a callee without metrics lost
            }
            shares.insert(service.clone(), share);
            if share >= LEAST {
                excess.findings.push(finding(service, found, alerted, share, kind));
            }
        }
        excess.shares.insert(kind, shares);
    }
    excess.findings.sort_by(|a, b| {
        b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0)).then_with(|| a.entity.cmp(&b.entity))
    });
    excess
}

/// How much of the alerted service's excess an entity's own covers, times how much of the entity's own excess
/// fell together with it.
fn explained(
    service: &str,
    found: &Lost<'_>,
    alerted: &Lost<'_>,
    lost: &BTreeMap<String, Lost<'_>>,
    graph: &Graph,
) -> f64 {
    let callees: Vec<&Lost<'_>> = graph.callees(service).filter_map(|callee| lost.get(callee)).collect();
    let (mut covered, mut together, mut all) = (0.0, 0.0, 0.0);
    for (at, felt) in &alerted.moments {
        let below: f64 = callees.iter().map(|callee| callee.around(*at)).sum();
        let own = (found.around(*at) - below).max(0.0);
        covered += own.min(*felt);
        all += own;
        if *felt > 0.0 {
            together += own;
        }
    }
    if all <= 0.0 { 0.0 } else { covered / alerted.total() * together / all }
}

fn finding(service: &str, found: &Lost<'_>, alerted: &Lost<'_>, share: f64, kind: IndicatorKind) -> Finding {
    let what = if kind == IndicatorKind::Latency { "time" } else { "failed requests" };
    let series: &Series = found.series;
    // What was lost at the worst moment, in units of what is lost on a bad normal one.
    let times = alerted.peak() / alerted.noise.max(0.05 * alerted.peak());
    Finding {
        entity: Entity::service(service),
        signal: SignalKind::Metrics,
        kind: if kind == IndicatorKind::Latency { IndicatorKind::SelfTime } else { IndicatorKind::Errors },
        indicator: series.name.clone(),
        direction: Direction::Up,
        baseline: found.baseline,
        observed: found.observed,
        unit: series.unit.clone(),
        decibans: decibans_of_z(1.0 + 3.0 * times, 1),
        share: Some(share),
        since: None,
        peer: None,
        language: Language::Promql,
        query: series.query.clone(),
        summary: format!(
            "{service} itself accounts for {:.0} % of the excess {what}, its callees' part taken off ({} from {:.3} to \
             {:.3} at worst)",
            share * 100.0,
            series.name,
            found.baseline,
            found.worst
        ),
        numbers: vec![
            Number::new("normal median", found.baseline, &series.unit),
            Number::new("worst sample", found.worst, &series.unit),
            Number::new("requests where most was lost", found.requests, "1"),
            Number::new("share of the excess", share, "1"),
        ],
        trust: Trust::Platform,
        divided_at: None,
        normal_until: None,
        text: String::new(),
    }
}

/// A moment and an amount.
pub(super) type Amount = (UnixNanos, f64);
