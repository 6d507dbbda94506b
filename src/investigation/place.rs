//! Where the fault may be: what each entity shows of its own, with what others explain taken off.
//!
//! Deviations travel along calls. An entity is suspect for what no callee of it explains: its own time,
//! its own resources, the errors that begin at it, the code path that changed in it.

use std::collections::BTreeMap;

use super::symptoms::{Observations, Observed};
use crate::domain::{Decibans, Direction, Entity, EvidenceId, IndicatorKind, SignalKind};

/// One reason to look at an entity, or not to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reason {
    pub decibans: Decibans,
    pub test: &'static str,
    pub text: String,
    pub evidence: Vec<EvidenceId>,
}

/// An entity and what speaks for the fault being there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub entity: Entity,
    pub reasons: Vec<Reason>,
    /// Indexes of the entity's symptoms.
    pub symptoms: Vec<usize>,
}

impl Place {
    pub(super) fn decibans(&self) -> Decibans {
        self.reasons.iter().map(|reason| reason.decibans).sum()
    }
}

/// Classes of evidence of place, with what they may weigh at most. Local resources and vanished events
/// weigh most, since they do not travel; generic service metrics least, since they do.
struct Class {
    test: &'static str,
    kinds: &'static [IndicatorKind],
    /// Of the symptom's own decibans.
    factor: f64,
    most: Decibans,
    /// Part that remains when a callee shows the same class more strongly.
    explained: f64,
}

const CLASSES: &[Class] = &[
    Class { test: "self-time", kinds: &[IndicatorKind::SelfTime], factor: 0.8, most: 14.0, explained: 1.0 },
    Class {
        test: "network-gap",
        kinds: &[IndicatorKind::NetworkGap],
        factor: 0.8,
        most: 14.0,
        explained: 1.0,
    },
    Class { test: "errors-begin", kinds: &[IndicatorKind::Errors], factor: 0.7, most: 14.0, explained: 0.4 },
    Class { test: "structure", kinds: &[IndicatorKind::Structure], factor: 0.7, most: 14.0, explained: 0.35 },
    Class { test: "logs", kinds: &[IndicatorKind::Log], factor: 0.8, most: 14.0, explained: 0.4 },
    Class {
        test: "resources",
        kinds: &[
            IndicatorKind::Cpu,
            IndicatorKind::Memory,
            IndicatorKind::Disk,
            IndicatorKind::Restarts,
            IndicatorKind::Threads,
            IndicatorKind::FileDescriptors,
            IndicatorKind::Certificate,
            IndicatorKind::Lock,
            IndicatorKind::Replication,
            IndicatorKind::Quota,
            IndicatorKind::Startup,
            IndicatorKind::Node,
        ],
        factor: 0.6,
        most: 12.0,
        explained: 0.9,
    },
    Class {
        test: "pools-and-queues",
        kinds: &[IndicatorKind::Pool, IndicatorKind::Queue, IndicatorKind::Cache, IndicatorKind::Retries],
        factor: 0.4,
        most: 8.0,
        explained: 0.5,
    },
    Class {
        test: "service-level",
        kinds: &[
            IndicatorKind::Latency,
            IndicatorKind::Network,
            IndicatorKind::Traffic,
            IndicatorKind::Replicas,
            IndicatorKind::Other,
        ],
        factor: 0.25,
        most: 5.0,
        explained: 0.4,
    },
];

/// Classes that a failing callee brings about in its callers, and the part of them that then counts.
const PASSED_ON: [&str; 3] = ["self-time", "structure", "logs"];
const PASSED_ON_PART: f64 = 0.2;

/// Seconds of delay from which on callers give up waiting.
const STALL: f64 = 0.5;

/// All entities with symptoms, and the alerted service, most suspect first.
pub(super) fn places(observed: &Observations, service: &str) -> Vec<Place> {
    let below = observed.graph.below(service);
    let mut entities: BTreeMap<Entity, Vec<usize>> = BTreeMap::new();
    for (index, found) in observed.symptoms.iter().enumerate() {
        if !found.symptom.entity.name.is_empty() {
            entities.entry(found.symptom.entity.clone()).or_default().push(index);
        }
    }
    if !service.is_empty() {
        entities.entry(Entity::service(service)).or_default();
    }
    let knows_graph = !observed.graph.is_empty() && observed.graph.contains(service);
    let mut places: Vec<Place> = entities
        .into_iter()
        .map(|(entity, symptoms)| {
            let distance = below.get(&entity.name).or_else(|| below.get(&entity.service)).copied();
            let mut reasons: Vec<Reason> =
                CLASSES.iter().filter_map(|class| reason(class, &entity, &symptoms, observed)).collect();
            if reasons.is_empty() {
                reasons.push(Reason {
                    decibans: -12.0,
                    test: "nothing-of-its-own",
                    text: format!("{entity} shows no deviation of its own"),
                    evidence: Vec::new(),
                });
            }
            if let Some(reason) = position(&entity, service, distance, knows_graph) {
                reasons.push(reason);
            }
            Place { entity, reasons, symptoms }
        })
        .collect();
    places.sort_by(|a, b| b.decibans().total_cmp(&a.decibans()).then_with(|| a.entity.cmp(&b.entity)));
    places
}

fn reason(class: &Class, entity: &Entity, symptoms: &[usize], observed: &Observations) -> Option<Reason> {
    let of_class: Vec<&Observed> = symptoms
        .iter()
        .filter_map(|index| observed.symptoms.get(*index))
        .filter(|found| class.kinds.contains(&found.symptom.kind))
        .collect();
    let strength = |found: &Observed| {
        let share = match (found.finding.share, found.finding.signal) {
            (None, _) => 1.0,
            // A level that was weighed against what was lost counts as far as it was lost there.
            (Some(share), SignalKind::Metrics) => share,
            (Some(share), _) => share.sqrt(),
        };
        let direction = match found.symptom.direction {
            Direction::Vanished | Direction::New => 1.1,
            // Fewer requests are what callers do when something is wrong.
            Direction::Down if found.symptom.kind == IndicatorKind::Traffic => 0.3,
            Direction::Up | Direction::Down => 1.0,
        };
        // A ratio of failures says nothing of how many they are, and travels up with every call.
        let volume = match (found.symptom.kind, found.finding.signal, found.finding.share) {
            (IndicatorKind::Errors, SignalKind::Metrics, None) => 0.4,
            _ => 1.0,
        };
        found.symptom.decibans * share * direction * volume
    };
    let best = of_class
        .iter()
        .copied()
        .max_by(|a, b| strength(a).total_cmp(&strength(b)).then_with(|| b.symptom.id.cmp(&a.symptom.id)))?;
    let own = strength(best);
    // Explaining away: what a callee shows more strongly, this entity may only be passing on.
    let callee = observed
        .graph
        .callees(&entity.name)
        .filter_map(|callee| {
            let strongest = observed
                .symptoms
                .iter()
                .filter(|found| {
                    found.symptom.entity.name == callee && class.kinds.contains(&found.symptom.kind)
                })
                .map(strength)
                .max_by(f64::total_cmp)?;
            (strongest >= 0.7 * own).then_some((strongest, callee))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    let failing = failing_callee(entity, observed);
    let passed_on = failing.is_some() && PASSED_ON.contains(&class.test);
    let lost = lost_node(entity, observed).filter(|_| class.test == "errors-begin" && !passed_on);
    let factor = class.factor
        * if passed_on {
            PASSED_ON_PART
        } else if lost.is_some() || callee.is_some() {
            class.explained
        } else {
            1.0
        };
    let mut text = best.finding.summary.clone();
    if let (Some(callee), true) = (failing, passed_on) {
        text.push_str(&format!(" ({callee}, which it depends on, fails, which explains most of this)"));
    } else if let Some(node) = lost {
        text.push_str(&format!(" ({node}, which it needs, is lost, so this counts less)"));
    } else if let Some((_, callee)) = callee
        && class.explained < 1.0
    {
        text.push_str(&format!(" (its callee {callee} shows the same more strongly, so this counts less)"));
    }
    let mut evidence: Vec<EvidenceId> = vec![best.symptom.evidence];
    let mut others: Vec<&Observed> =
        of_class.into_iter().filter(|found| found.symptom.id != best.symptom.id).collect();
    others.sort_by(|a, b| strength(b).total_cmp(&strength(a)));
    evidence.extend(others.into_iter().take(2).map(|found| found.symptom.evidence));
    Some(Reason { decibans: (own * factor).min(class.most), test: class.test, text, evidence })
}

/// Most errors of the system begin at this direct or indirect callee, or most of its time is lost there: then what
/// its callers log, wait for, retry and no longer get to is the callee's doing.
fn failing_callee<'a>(entity: &Entity, observed: &'a Observations) -> Option<&'a str> {
    let below = observed.graph.below(&entity.name);
    observed
        .symptoms
        .iter()
        .find(|found| {
            let stalls = matches!(found.symptom.kind, IndicatorKind::NetworkGap | IndicatorKind::SelfTime)
                && found.symptom.unit == "s"
                && found.symptom.observed >= STALL.max(10.0 * found.symptom.baseline);
            let fails = (found.symptom.kind == IndicatorKind::Errors || stalls)
                && found.finding.share.is_some_and(|share| share >= 0.5);
            (fails || is_lost_node(found))
                && found.symptom.decibans >= 10.0
                && below.get(&found.symptom.entity.name).is_some_and(|distance| *distance > 0)
        })
        .map(|found| found.symptom.entity.name.as_str())
}

fn is_lost_node(found: &Observed) -> bool {
    found.symptom.kind == IndicatorKind::Node && found.symptom.decibans >= 10.0
}

/// A node that was lost, and that the entity or what it calls has pods on: errors begin where pods are gone.
fn lost_node<'a>(entity: &Entity, observed: &'a Observations) -> Option<&'a str> {
    let mut lost = observed.symptoms.iter().filter(|found| is_lost_node(found)).peekable();
    lost.peek()?;
    let below = observed.graph.below(&entity.name);
    let mut lost = lost.map(|found| found.symptom.entity.name.as_str());
    lost.find(|node| below.get(*node).is_some_and(|distance| *distance > 0))
}

fn position(entity: &Entity, service: &str, distance: Option<usize>, knows_graph: bool) -> Option<Reason> {
    let reason = |decibans, text| Some(Reason { decibans, test: "on-path", text, evidence: Vec::new() });
    match distance {
        _ if !knows_graph || service.is_empty() => None,
        Some(0) => None,
        Some(distance) => reason(
            1.0 + (distance as f64).min(3.0) * 0.5,
            format!("{service} depends on {entity}, {distance} call(s) down"),
        ),
        None => reason(-8.0, format!("{entity} is not among what {service} is known to call")),
    }
}
