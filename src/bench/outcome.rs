use serde::Serialize;

use super::{Answered, Label};
use crate::domain::{Action, Decibans, Verdict};

/// How one answer compares with the truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub case: String,
    /// What it is counted under: fault type, `healthy`, or `unnamed`.
    pub kind: String,
    /// Whether the answer is right: rank 1 is the true service; the commit, where there is one; no cause
    /// named, where nothing is wrong.
    pub right: bool,
    pub healthy: bool,
    /// The first service of the answer; empty when there is none.
    pub said: String,
    pub truth: Vec<String>,
    /// Of the first hypothesis.
    pub probability: Option<f64>,
    /// The true service's rank among services.
    pub rank: Option<usize>,
    /// Its place among the services as they were proposed, before any test.
    pub proposed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitOutcome>,
    /// `None` when there is no answer.
    pub verdict: Option<Verdict>,
    /// Raw score of the first hypothesis against the rest, in decibans.
    pub raw: Option<Decibans>,
    pub seconds: f64,
    /// Cases alike in cause share it.
    #[serde(skip)]
    pub group: String,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How the answer to a case with a known commit compares with the truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitOutcome {
    /// The very commit, or that none is to blame.
    pub right: bool,
    /// An innocent commit that was planted to look guilty is blamed.
    pub decoy: bool,
    /// Rank 1 is the service that failed first.
    pub first_failing: bool,
    /// Services said to suffer against those that do: shared over all.
    pub blast_jaccard: f64,
    /// The first way to recover is of the right class.
    pub remediation: bool,
    /// RootCauseBench's reward: 1 for the commit, 0 for a decoy, else at most one half from the rest.
    pub graded: f64,
}

/// Shortest abbreviation of a commit that names it.
const SHORTEST: usize = 7;

impl Outcome {
    /// Compares. No answer, or one without hypotheses, is wrong.
    pub fn of(case: &Answered, label: &Label) -> Self {
        let answer = case.answer.as_ref().ok();
        let services = answer.map(|answer| answer.services()).unwrap_or_default();
        let proposed = answer.map(|answer| answer.proposed()).unwrap_or_default();
        let find = |services: &[&str]| {
            let place = services.iter().position(|name| label.service.iter().any(|truth| truth == name));
            place.map(|place| place + 1)
        };
        let rank = find(&services);
        let commit = commit(case, label, rank == Some(1)).filter(|_| !label.healthy);
        let names_a_cause = answer.is_some_and(|answer| answer.names_a_cause());
        let right = match &commit {
            _ if label.healthy => answer.is_some() && !names_a_cause,
            Some(commit) => commit.right,
            None => rank == Some(1),
        };
        Self {
            case: case.case.clone(),
            kind: label.kind().to_owned(),
            right,
            healthy: label.healthy,
            said: services.first().map(|name| (*name).to_owned()).unwrap_or_default(),
            truth: label.service.clone(),
            probability: answer.and_then(|answer| answer.hypotheses.first()).map(|first| first.probability),
            rank,
            proposed: find(&proposed),
            commit,
            verdict: answer.map(|answer| answer.verdict),
            raw: answer.and_then(|answer| answer.raw),
            seconds: case.seconds,
            group: label.group(),
            failure: case.answer.as_ref().err().cloned(),
        }
    }

    /// Whether a wrong cause is named, or put first, with more than that confidence.
    pub fn is_wrong_above(&self, confidence: f64) -> bool {
        let claims = !self.healthy || self.verdict == Some(Verdict::CauseFound);
        !self.right && claims && self.probability.is_some_and(|probability| probability > confidence)
    }
}

fn commit(case: &Answered, label: &Label, first_failing: bool) -> Option<CommitOutcome> {
    let truth = label.commit.as_deref()?;
    let answer = case.answer.as_ref().ok();
    let top = answer.and_then(|answer| answer.change()).unwrap_or("none");
    let abbreviates = truth != "none" && top.chars().count() >= SHORTEST && truth.starts_with(top);
    let right = top == truth || abbreviates;
    let decoy = top != "none" && label.decoys.iter().any(|decoy| decoy.starts_with(top));
    let said: &[String] = answer.map(|answer| answer.blast_radius.as_slice()).unwrap_or_default();
    let blast_jaccard = jaccard(said, &label.blast_radius);
    let action = answer.and_then(|answer| answer.action);
    let remediation = action.is_some_and(|action| class(action) == label.remediation.as_deref());
    let rest = 0.5 * (weight(first_failing) * 0.5 + blast_jaccard * 0.3 + weight(remediation) * 0.2);
    let graded = if right {
        1.0
    } else if decoy {
        0.0
    } else {
        rest
    };
    Some(CommitOutcome { right, decoy, first_failing, blast_jaccard, remediation, graded })
}

fn weight(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Two empty sets are alike.
fn jaccard(one: &[String], other: &[String]) -> f64 {
    let one: std::collections::BTreeSet<&String> = one.iter().collect();
    let other: std::collections::BTreeSet<&String> = other.iter().collect();
    match one.union(&other).count() {
        0 => 1.0,
        all => one.intersection(&other).count() as f64 / all as f64,
    }
}

/// The class of remedy, in the labels' words, that an action belongs to.
fn class(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::RollbackCode | Action::StopRollout => "rollback",
        Action::RollbackConfig | Action::ConfigChange => "config-revert",
        Action::RollForward | Action::Hotfix => "roll-forward",
        Action::FeatureOff => "feature-flag-disable",
        Action::ScaleUp => "scale",
        Action::Failover | Action::Reroute => "failover",
        Action::RotateCredentials => "rotate-cert",
        Action::Drain => "reschedule",
        Action::Quarantine | Action::DataRepair => "purge-bad-data",
        Action::Escalate | Action::Wait => "escalate-upstream",
        Action::ScaleDownToKnownGood
        | Action::Restart
        | Action::ThrottleLoadShed
        | Action::Block
        | Action::Degrade
        | Action::DisableAutomation
        | Action::DataRestore
        | Action::FreeDisk
        | Action::Manual => return None,
    })
}
