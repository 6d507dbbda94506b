//! What all agents of one investigation may look at: observations, places and changes, read only.

use std::collections::BTreeMap;

use super::{
    fault::Sign,
    place::{Place, places},
    symptoms::{Observations, Observed},
};
use crate::{
    analysis::{
        Case,
        changes::{Candidate, Content, Document, Effect, Overlap, candidates, effect},
    },
    domain::{Direction, Entity, EntityKind, EvidenceId, IndicatorKind, SignalKind},
};

/// A change that may have done it.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    pub candidate: Candidate,
    pub overlap: Overlap,
    pub effect: Effect,
}

/// The shared facts.
pub(super) struct Board {
    pub case: Case,
    pub observed: Observations,
    pub places: Vec<Place>,
    /// By index of the change among the case's.
    pub suspects: BTreeMap<usize, Suspect>,
    /// Greatest overlap of any change with the symptoms.
    pub best_overlap: f64,
    /// Signals that answered.
    pub seen: Vec<SignalKind>,
    /// Text of the alerts, in lower case.
    pub alert_text: String,
    /// How many times the usual traffic the alerted service gets, with its evidence.
    pub traffic: Option<(f64, EvidenceId)>,
}

impl Board {
    pub(super) fn new(case: Case, observed: Observations, seen: Vec<SignalKind>, alert_text: String) -> Self {
        let places = places(&observed, &case.service);
        let mut document = Document::default();
        document.add(&alert_text, 0.7);
        for found in &observed.symptoms {
            let weight = (found.symptom.decibans / 12.0).min(1.0);
            let by_kind = match found.symptom.kind {
                IndicatorKind::Log | IndicatorKind::Errors => 1.0,
                IndicatorKind::Structure | IndicatorKind::SelfTime => 0.6,
                _ => 0.5,
            };
            document.add(&found.finding.text, weight * by_kind);
            document.add(&found.finding.indicator, weight * by_kind);
        }
        let content = Content::new(&case.changes);
        let suspects: BTreeMap<usize, Suspect> = candidates(&case.changes)
            .into_iter()
            .map(|candidate| {
                let overlap = content.overlap(candidate.change, &document);
                let effect = case.changes.get(candidate.change).map(effect).unwrap_or_default();
                (candidate.change, Suspect { candidate, overlap, effect })
            })
            .collect();
        let best_overlap = suspects.values().map(|suspect| suspect.overlap.score).fold(0.0, f64::max);
        let traffic = traffic(&observed, &case.service);
        Self { case, observed, places, suspects, best_overlap, seen, alert_text, traffic }
    }

    /// Latest moment at which a change may have caused the incident.
    pub(super) fn cause_by(&self) -> i64 {
        self.observed.onset.cause_by(&self.observed.periods)
    }

    /// The Kubernetes namespace that telemetry gives for a service.
    pub(super) fn namespace(&self, service: &str) -> Option<&str> {
        let of_series =
            self.case.now.series.iter().filter(|series| series.service() == service).find_map(|series| {
                series
                    .labels
                    .get("k8s_namespace_name")
                    .or_else(|| series.labels.get("namespace"))
                    .map(String::as_str)
            });
        of_series.or_else(|| {
            let mut spans = self.case.now.spans.iter().filter(|span| &*span.service == service);
            spans.next().and_then(|span| span.attribute("k8s.namespace.name"))
        })
    }

    /// The place of an entity, if it has one.
    pub(super) fn place(&self, entity: &Entity) -> Option<&Place> {
        self.places.iter().find(|place| place.entity == *entity)
    }

    fn of(&self, name: &str) -> impl Iterator<Item = &Observed> {
        self.observed.symptoms.iter().filter(move |found| {
            found.symptom.entity.name == name
                || (found.symptom.entity.service == name
                    && matches!(found.symptom.entity.kind, EntityKind::Pod | EntityKind::Node))
        })
    }

    /// How strongly a sign is seen at an entity, 0 to 1, with a text and evidence; `None` when no signal
    /// could have shown it.
    pub(super) fn look(&self, entity: &Entity, sign: &Sign) -> Option<Seen> {
        let name = entity.name.as_str();
        match sign {
            Sign::Own(kinds, directions) => self.shown(kinds, strongest(self.of(name), kinds, directions)),
            Sign::AtCallers(kinds, directions) => {
                let callers: Vec<&str> = self.observed.graph.callers(name).collect();
                let of_callers = callers.iter().flat_map(|caller| self.of(caller));
                self.shown(kinds, strongest(of_callers, kinds, directions))
            }
            Sign::AtCallees(kinds, directions) => {
                let callees: Vec<&str> = self.observed.graph.callees(name).collect();
                let of_callees = callees.iter().flat_map(|callee| self.of(callee));
                self.shown(kinds, strongest(of_callees, kinds, directions))
            }
            Sign::AtOutside(kinds) => {
                let outside = self.observed.symptoms.iter().filter(|found| {
                    found.symptom.entity.kind == EntityKind::External
                        && (found.symptom.entity.name == name
                            || self.observed.graph.calls(name, &found.symptom.entity.name))
                });
                Some(strongest(outside, kinds, &[Direction::Up, Direction::New]))
            }
            Sign::Says(words) => {
                let alert = (name == self.case.service).then_some(self.alert_text.as_str());
                let seen = says(self.of(name), words, alert.filter(|_| self.can_say()));
                // What Kubernetes says it may say in a metric, where nobody logs anything.
                (seen.strength > 0.0 || self.can_say()).then_some(seen)
            }
            Sign::CallersSay(words) => self.can_say().then(|| {
                let callers: Vec<&str> = self.observed.graph.callers(name).collect();
                // An external's own failures are told in its callers' words.
                let own = self.of(name).filter(|_| entity.name != entity.service);
                says(callers.iter().flat_map(|caller| self.of(caller)).chain(own), words, None)
            }),
            Sign::MoreRequests => match (self.traffic, traffic(&self.observed, name)) {
                (Some((times, evidence)), Some((own, of_own))) if times >= 1.5 && own >= 1.5 => Some(Seen {
                    strength: ((times - 1.0) / 2.0).min(1.0),
                    text: format!("{} gets {times:.1} times its usual requests", self.case.service),
                    evidence: if evidence == of_own { vec![evidence] } else { vec![evidence, of_own] },
                }),
                _ => Some(Seen::nothing()),
            },
            Sign::Is(kind) => Some(Seen {
                strength: f64::from(u8::from(entity.kind == *kind)),
                text: match kind {
                    EntityKind::External => format!("{entity} is somebody else's"),
                    _ => format!("{entity} is a {}", kind.as_str()),
                },
                evidence: Vec::new(),
            }),
            Sign::Silent => Some(Seen {
                strength: f64::from(u8::from(
                    !self.observed.services.iter().any(|service| service == name)
                        && self.observed.graph.callers(name).next().is_some(),
                )),
                text: format!("{entity} reports no telemetry of its own"),
                evidence: Vec::new(),
            }),
            Sign::Changed => {
                let before = self.cause_by();
                let recent = |at: i64| at <= before && at >= before - 3_600_000_000_000;
                let changed = self.suspects.values().any(|suspect| {
                    !suspect.overlap.harmless
                        && suspect
                            .candidate
                            .rollouts
                            .iter()
                            .any(|rollout| rollout.service == entity.service && recent(rollout.at))
                });
                Some(Seen {
                    strength: f64::from(u8::from(changed)),
                    text: format!("{entity} changed within the hour before"),
                    evidence: Vec::new(),
                })
            }
        }
    }

    /// What was seen; `None` when it was not, and no signal could have shown it.
    fn shown(&self, kinds: &[IndicatorKind], seen: Seen) -> Option<Seen> {
        (seen.strength > 0.0 || self.can_show(kinds)).then_some(seen)
    }

    fn can_show(&self, kinds: &[IndicatorKind]) -> bool {
        let needs = |kind: &IndicatorKind| match kind {
            IndicatorKind::SelfTime | IndicatorKind::NetworkGap | IndicatorKind::Structure => {
                SignalKind::Traces
            }
            IndicatorKind::Log => SignalKind::Logs,
            _ => SignalKind::Metrics,
        };
        kinds.iter().any(|kind| self.seen.contains(&needs(kind)))
    }

    fn can_say(&self) -> bool {
        self.seen.contains(&SignalKind::Logs) || self.seen.contains(&SignalKind::Traces)
    }
}

/// What looking for a sign gave.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    /// 0 (not at all) to 1 (as strongly as can be).
    pub strength: f64,
    pub text: String,
    pub evidence: Vec<EvidenceId>,
}

impl Seen {
    fn nothing() -> Self {
        Self { strength: 0.0, text: String::new(), evidence: Vec::new() }
    }
}

fn strongest<'a>(
    symptoms: impl Iterator<Item = &'a Observed>,
    kinds: &[IndicatorKind],
    directions: &[Direction],
) -> Seen {
    symptoms
        .filter(|found| kinds.contains(&found.symptom.kind) && directions.contains(&found.symptom.direction))
        .max_by(|a, b| {
            a.symptom.decibans.total_cmp(&b.symptom.decibans).then_with(|| b.symptom.id.cmp(&a.symptom.id))
        })
        .map_or_else(Seen::nothing, |found| Seen {
            strength: (found.symptom.decibans / 10.0).min(1.0) * found.finding.share.map_or(1.0, f64::sqrt),
            text: found.finding.summary.clone(),
            evidence: vec![found.symptom.evidence],
        })
}

fn says<'a>(symptoms: impl Iterator<Item = &'a Observed>, words: &[&str], alert: Option<&str>) -> Seen {
    let found = symptoms
        .filter(|found| !matches!(found.symptom.direction, Direction::Vanished | Direction::Down))
        .filter(|found| !found.finding.text.is_empty())
        .filter_map(|found| {
            let text = found.finding.text.to_lowercase();
            words.iter().find(|word| text.contains(**word)).map(|word| (found, *word))
        })
        .max_by(|a, b| {
            a.0.symptom
                .decibans
                .total_cmp(&b.0.symptom.decibans)
                .then_with(|| b.0.symptom.id.cmp(&a.0.symptom.id))
        });
    match (found, alert.and_then(|text| words.iter().find(|word| text.contains(**word)))) {
        (Some((found, word)), _) => Seen {
            strength: (0.3 + found.symptom.decibans / 12.0).min(1.0),
            text: format!("{} says \"{word}\": {}", found.symptom.entity, found.finding.summary),
            evidence: vec![found.symptom.evidence],
        },
        (None, Some(word)) => {
            Seen { strength: 0.5, text: format!("the alert says \"{word}\""), evidence: Vec::new() }
        }
        (None, None) => Seen::nothing(),
    }
}

/// The strongest rise of the alerted service's traffic.
fn traffic(observed: &Observations, service: &str) -> Option<(f64, EvidenceId)> {
    observed
        .symptoms
        .iter()
        .filter(|found| found.symptom.entity.name == service && found.symptom.kind == IndicatorKind::Traffic)
        .filter(|found| found.symptom.direction == Direction::Up && found.symptom.baseline > 0.0)
        .map(|found| (found.symptom.observed / found.symptom.baseline, found.symptom.evidence))
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)))
}
