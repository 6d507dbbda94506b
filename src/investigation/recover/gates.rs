//! Rules beyond the sum: what other people's incidents taught, each given as a reason.

use std::time::Duration;

use super::paths::Context;
use crate::{
    domain::{
        Action, Approval, Blast, EntityKind, Factor, FaultClass, Hypothesis, RecoveryPath, Risk, SignalKind,
        Step, StepKind,
    },
    investigation::board::Board,
};

/// Probability of a bad change from which on undoing it need not wait for certainty.
const CHANGE_IS_LIKELY: f64 = 0.5;
/// Chance of a reversible path that bars irreversible ones from the first rank.
const REVERSIBLE_IS_GOOD: f64 = 0.3;

/// Applies the gates to scored paths: adds penalties and reasons, puts paths in rank order.
pub(super) fn rank(paths: &mut [RecoveryPath], hypotheses: &[Hypothesis], context: &Context<'_>) {
    for path in paths.iter_mut() {
        capture_first(path);
        not_when_downstream_is_full(path, hypotheses);
        shed_before_adding(path, hypotheses);
        headroom(path);
        approval(path);
        blind(path, context);
    }
    paths.sort_by(|a, b| {
        let unknown = |path: &RecoveryPath| path.risk == Risk::Unknown;
        unknown(a)
            .cmp(&unknown(b))
            .then_with(|| b.score.total_cmp(&a.score))
            .then_with(|| b.probability_of_fix.total_cmp(&a.probability_of_fix))
            .then_with(|| (a.action, &a.target, &a.title).cmp(&(b.action, &b.target, &b.title)))
    });
    undo_a_likely_change_first(paths, hypotheses);
    irreversible_never_first(paths);
}

/// Whether there is anything that an action would take back. Where changes are known and none reached the place, there
/// is nothing to roll back; where they are not, somebody may know of one. A rollout can only be stopped when one
/// is known to be under way.
pub(super) fn has_what_it_undoes(action: Action, hypothesis: &Hypothesis, board: &Board) -> bool {
    let undoes = matches!(
        action,
        Action::RollbackCode | Action::RollbackConfig | Action::FeatureOff | Action::StopRollout
    );
    if !undoes || hypothesis.change_id.is_some() {
        return true;
    }
    let latest = board.cause_by();
    let reached = board.suspects.values().filter(|suspect| !suspect.candidate.undeployed).any(|suspect| {
        let of_place = |service: &str| service == hypothesis.entity.service || service.is_empty();
        suspect.candidate.rollouts.iter().any(|rollout| of_place(&rollout.service) && rollout.at <= latest)
    });
    reached || (action != Action::StopRollout && !board.seen.contains(&SignalKind::Changes))
}

/// A mitigation need not wait for certainty: likely change, quick undo.
fn undo_a_likely_change_first(paths: &mut [RecoveryPath], hypotheses: &[Hypothesis]) {
    let changed: f64 = hypotheses
        .iter()
        .filter(|hypothesis| hypothesis.change_id.is_some())
        .map(|hypothesis| hypothesis.probability)
        .sum();
    if changed < CHANGE_IS_LIKELY {
        return;
    }
    let undoes = |path: &RecoveryPath| {
        matches!(path.action, Action::RollbackCode | Action::RollbackConfig | Action::FeatureOff)
            && path.reversible
            && path.eta < Duration::from_secs(600)
    };
    if let Some(index) = paths.iter().position(undoes) {
        if let Some(moved) = paths.get_mut(..=index) {
            moved.rotate_right(1);
        }
        if let Some(path) = paths.first_mut() {
            path.gates.push(format!(
                "a change did it with {:.0} %, and undoing it is quick: no need to know what in it is wrong",
                changed * 100.0
            ));
        }
    }
}

/// What cannot be undone never comes first while something that can has a fair chance.
fn irreversible_never_first(paths: &mut [RecoveryPath]) {
    let is_hard = |path: &RecoveryPath| !path.reversible || path.blast == Blast::Data;
    if !paths.first().is_some_and(is_hard) {
        return;
    }
    let better =
        paths.iter().position(|path| !is_hard(path) && path.probability_of_fix >= REVERSIBLE_IS_GOOD);
    if let Some(index) = better {
        if let Some(moved) = paths.get_mut(..=index) {
            moved.rotate_right(1);
        }
        if let Some(path) = paths.first_mut() {
            path.gates.push("comes before what cannot be undone".to_owned());
        }
    }
}

/// A restart destroys evidence and starts cold.
fn capture_first(path: &mut RecoveryPath) {
    if path.action != Action::Restart {
        return;
    }
    if !path.steps.iter().any(|step| step.kind == StepKind::Capture) {
        let capture = Step {
            kind: StepKind::Capture,
            text: "Save logs and a thread or heap dump first: a restart destroys them".to_owned(),
            language: crate::domain::Language::Text,
            command: String::new(),
        };
        path.steps.insert(0, capture);
    }
    path.gates.push("evidence is captured before it; one pod first, since caches start cold".to_owned());
}

/// More of a service makes it worse for what it waits for.
fn not_when_downstream_is_full(path: &mut RecoveryPath, hypotheses: &[Hypothesis]) {
    if path.action != Action::ScaleUp {
        return;
    }
    let full = hypotheses.iter().find(|hypothesis| {
        hypothesis.probability >= 0.3
            && (matches!(
                hypothesis.fault,
                FaultClass::PoolExhaustion
                    | FaultClass::SlowQuery
                    | FaultClass::Quota
                    | FaultClass::LockContention
                    | FaultClass::DependencyDown
                    | FaultClass::ProviderOutage
            ) || matches!(hypothesis.entity.kind, EntityKind::Database | EntityKind::External))
    });
    if let Some(full) = full {
        penalise(
            path,
            0.9,
            "downstream",
            format!("more replicas press harder on what is full: {}", full.claim),
        );
    }
}

/// Retries feed on capacity.
fn shed_before_adding(path: &mut RecoveryPath, hypotheses: &[Hypothesis]) {
    let storm = hypotheses
        .iter()
        .any(|hypothesis| hypothesis.fault == FaultClass::RetryStorm && hypothesis.probability >= 0.3);
    if storm && path.action == Action::ScaleUp {
        penalise(
            path,
            0.7,
            "retry storm",
            "shed load before adding capacity: retries take whatever is added".to_owned(),
        );
    }
}

fn headroom(path: &mut RecoveryPath) {
    if matches!(path.action, Action::Failover | Action::Drain | Action::Reroute) {
        path.gates.push(
            "only where the target has headroom (below 80 % with both loads) and no replication lag"
                .to_owned(),
        );
    }
}

fn approval(path: &mut RecoveryPath) {
    if !path.reversible || path.blast == Blast::Data {
        path.approval = Approval::TwoHumans;
        path.gates.push("cannot be undone: two people decide".to_owned());
    }
}

/// What was not seen was not ruled out.
fn blind(path: &mut RecoveryPath, context: &Context<'_>) {
    if context.signals_seen <= 1 {
        path.gates
            .push(format!("check first: only {} of 4 kinds of signals could be read", context.signals_seen));
    }
}

fn penalise(path: &mut RecoveryPath, part: f64, name: &str, because: String) {
    let penalty = path.score.abs() * part;
    path.score -= penalty;
    path.factors.push(Factor { name: name.to_owned(), value: -penalty, text: because.clone() });
    path.gates.push(because);
}
