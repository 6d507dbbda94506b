//! Hypotheses worth testing: suspect places crossed with fault classes, with changes, and with what
//! runbooks claim.

use std::sync::Arc;

use super::{
    board::{Board, Suspect},
    fault::{Prediction, SIGNATURES},
    symptoms::moment,
};
use crate::{
    domain::{
        Alert, ChangeKind, Decibans, Entity, EntityKind, FaultClass, Hypothesis, HypothesisId, RunbookRef,
    },
    runbook::{Library, Query, Runbook, RunbookHypothesis},
};

/// Places looked at, fault classes per place, changes per place, and hypotheses in all.
const PLACES: usize = 8;
const FAULTS: usize = 6;
const CHANGES: usize = 6;
const MOST: usize = 48;

/// A hypothesis with what its agent needs to test it.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub hypothesis: Hypothesis,
    /// Index of the change at fault among the case's.
    pub change: Option<usize>,
    /// The runbook whose checks bear on it.
    pub runbook: Option<(Arc<Runbook>, RunbookHypothesis)>,
    /// Number of the evidence that the first of those checks gives; the others follow. Numbers are given
    /// before agents start, so that they do not depend on who answers first.
    pub first_check: u32,
}

/// Proposes, most promising first.
pub(super) fn propose(board: &Board, library: &Library, alerts: &[Alert]) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    for place in board.places.iter().take(PLACES) {
        for (fault, prior) in likely_faults(board, &place.entity) {
            proposals.push(proposal(board, &place.entity, fault, prior, None));
        }
        for suspect in likely_changes(board, &place.entity) {
            let Some(change) = board.case.changes.get(suspect.candidate.change) else { continue };
            let fault = fault_of(change.kind);
            proposals.push(proposal(board, &place.entity, fault, prior_of(fault), Some(suspect)));
        }
    }
    proposals.truncate(MOST);
    attach_runbooks(&mut proposals, board, library, alerts);
    let known = board.observed.evidence.iter().map(|evidence| evidence.id.0).max().unwrap_or(0);
    let mut next = known + 1;
    for (number, proposal) in (1_u32..).zip(&mut proposals) {
        proposal.hypothesis.id = HypothesisId(number);
        proposal.first_check = next;
        let checks = proposal.runbook.as_ref().map_or(0, |(_, claimed)| claimed.expects.len());
        next = next.saturating_add(u32::try_from(checks).unwrap_or(u32::MAX));
    }
    proposals
}

/// The classes whose signature fits best at a place, if anything speaks for them at all: an agent for each of
/// the others would only say no. Where nothing speaks for any, what is seen stays without a reason.
fn likely_faults(board: &Board, entity: &Entity) -> Vec<(FaultClass, Decibans)> {
    let speaks = |prediction: &Prediction| {
        prediction.seen > 0.0 && board.look(entity, &prediction.sign).is_some_and(|seen| seen.strength > 0.2)
    };
    let mut fits: Vec<(f64, FaultClass, Decibans)> = SIGNATURES
        .iter()
        .filter(|signature| can_have(entity.kind, signature.fault))
        .filter(|signature| signature.predictions.iter().any(speaks))
        .map(|signature| {
            let fit: f64 = signature
                .predictions
                .iter()
                .filter_map(|prediction| {
                    let seen = board.look(entity, &prediction.sign)?;
                    Some(if seen.strength > 0.0 {
                        prediction.seen * seen.strength
                    } else {
                        prediction.unseen
                    })
                })
                .sum();
            (signature.prior + fit, signature.fault, signature.prior)
        })
        .collect();
    fits.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    if fits.is_empty() {
        return vec![(FaultClass::Slowdown, -2.0)];
    }
    fits.into_iter().take(FAULTS).map(|(_, fault, prior)| (fault, prior)).collect()
}

/// Whether that kind of thing can have that fault, as far as we could ever tell: what goes on inside somebody
/// else's service is theirs to know.
fn can_have(kind: EntityKind, fault: FaultClass) -> bool {
    let of_others = [
        FaultClass::ProviderOutage,
        FaultClass::DependencyDown,
        FaultClass::Network,
        FaultClass::Dns,
        FaultClass::CertificateExpiry,
        FaultClass::Quota,
    ];
    match kind {
        EntityKind::External => of_others.contains(&fault),
        _ => fault != FaultClass::ProviderOutage,
    }
}

/// Changes that may have reached a place, those whose content fits best first.
fn likely_changes<'a>(board: &'a Board, entity: &Entity) -> Vec<&'a Suspect> {
    // Nothing of ours is deployed on somebody else's host.
    if entity.kind == EntityKind::External {
        return Vec::new();
    }
    let latest = board.cause_by();
    let mut suspects: Vec<&Suspect> = board
        .suspects
        .values()
        .filter(|suspect| !suspect.candidate.undeployed && !suspect.overlap.harmless)
        .filter(|suspect| {
            suspect.candidate.rollouts.iter().any(|rollout| {
                (rollout.service == entity.service || rollout.service.is_empty()) && rollout.at <= latest
            })
        })
        .collect();
    suspects.sort_by(|a, b| {
        b.overlap.score.total_cmp(&a.overlap.score).then_with(|| a.candidate.change.cmp(&b.candidate.change))
    });
    suspects.truncate(CHANGES);
    suspects
}

fn fault_of(kind: ChangeKind) -> FaultClass {
    match kind {
        ChangeKind::Commit | ChangeKind::Deploy => FaultClass::BadRelease,
        ChangeKind::Flag => FaultClass::FeatureFlag,
        ChangeKind::Config | ChangeKind::Scale | ChangeKind::Infra | ChangeKind::Human => {
            FaultClass::BadConfig
        }
    }
}

/// Of the triggers of incidents, pushes of code are 37 %, of configuration 31 % (SRE Workbook, app. C).
fn prior_of(fault: FaultClass) -> Decibans {
    match fault {
        FaultClass::BadRelease => 0.0,
        FaultClass::BadConfig => -1.0,
        _ => -2.0,
    }
}

fn proposal(
    board: &Board,
    entity: &Entity,
    fault: FaultClass,
    prior: Decibans,
    suspect: Option<&Suspect>,
) -> Proposal {
    let change = suspect.and_then(|suspect| board.case.changes.get(suspect.candidate.change));
    let onset = board
        .place(entity)
        .into_iter()
        .flat_map(|place| &place.symptoms)
        .filter_map(|index| board.observed.symptoms.get(*index))
        .filter(|found| found.symptom.decibans >= 5.0)
        .filter_map(|found| found.finding.since)
        .map(|since| since.at)
        .filter(|at| *at >= board.observed.onset.since.earliest - 60_000_000_000)
        .min();
    let claim = match change {
        Some(change) => {
            let what = if change.title.is_empty() { change.id.as_str() } else { change.title.as_str() };
            format!("{} \"{what}\" broke {entity}", change.kind.as_str())
        }
        None => format!("{entity}: {}", fault.phrase()),
    };
    Proposal {
        hypothesis: Hypothesis {
            id: HypothesisId(0),
            entity: entity.clone(),
            fault,
            change_id: change.map(|change| change.id.clone()),
            runbook: None,
            claim,
            prior,
            arguments: Vec::new(),
            probability: 0.0,
            onset: onset.or(Some(board.observed.onset.since.at)).map(moment),
            propagation: Vec::new(),
        },
        change: suspect.map(|suspect| suspect.candidate.change),
        runbook: None,
        first_check: 0,
    }
}

/// Runbooks that match an entity's hypotheses lend them their checks; what only a runbook claims becomes a
/// hypothesis of its own.
fn attach_runbooks(proposals: &mut Vec<Proposal>, board: &Board, library: &Library, alerts: &[Alert]) {
    let entities: Vec<Entity> = board.places.iter().take(3).map(|place| place.entity.clone()).collect();
    for entity in entities {
        let faults: Vec<FaultClass> = proposals
            .iter()
            .filter(|proposal| proposal.hypothesis.entity == entity)
            .map(|proposal| proposal.hypothesis.fault)
            .collect();
        let query =
            Query { alerts, service: &entity.service, faults: &faults, text: &board.alert_text, limit: 6 };
        let matches = library.matching_native(&query);
        // A runbook knows most about its first hypothesis; the others are there to tell it from rivals.
        for is_first in [true, false] {
            for matched in &matches {
                for (index, claimed) in matched.runbook.hypotheses.iter().enumerate() {
                    let Some(fault) = claimed.fault.filter(|_| (index == 0) == is_first) else { continue };
                    attach(proposals, board, &entity, fault, &matched.runbook, claimed);
                }
            }
        }
    }
}

fn attach(
    proposals: &mut Vec<Proposal>,
    board: &Board,
    entity: &Entity,
    fault: FaultClass,
    runbook: &Arc<Runbook>,
    claimed: &RunbookHypothesis,
) {
    let reference = RunbookRef { runbook: runbook.id.clone(), hypothesis: claimed.key.clone() };
    let mut fitting: Vec<&mut Proposal> = proposals
        .iter_mut()
        .filter(|proposal| proposal.hypothesis.entity == *entity && proposal.hypothesis.fault == fault)
        .collect();
    if fitting.is_empty() {
        let is_mine = *entity == Entity::service(board.case.service.as_str());
        if is_mine && proposals.len() < MOST && super::fault::stands_alone(fault) {
            let mut proposal = proposal(board, entity, fault, prior_of(fault).min(-3.0), None);
            proposal.hypothesis.runbook = Some(reference);
            proposal.runbook = Some((runbook.clone(), claimed.clone()));
            proposals.push(proposal);
        }
        return;
    }
    for proposal in &mut fitting {
        // The best match comes first and stays.
        if proposal.runbook.is_none() {
            proposal.hypothesis.runbook = Some(reference.clone());
            proposal.runbook = Some((runbook.clone(), claimed.clone()));
        }
    }
}
