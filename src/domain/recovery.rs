use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Action, Approval, Blast, Entity, EvidenceId, HypothesisId, Language, Risk};

/// Rank-independent number of a recovery path within its investigation, shown as `P1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathId(pub u32);

impl fmt::Display for PathId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "P{}", self.0)
    }
}

/// Role of a step in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Save evidence that the act would destroy.
    Capture,
    /// Make sure that acting is safe now.
    Check,
    Act,
    Verify,
    Widen,
    Undo,
    FollowUp,
}

impl StepKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Check => "check",
            Self::Act => "act",
            Self::Verify => "verify",
            Self::Widen => "widen",
            Self::Undo => "undo",
            Self::FollowUp => "follow_up",
        }
    }
}

/// One thing for a person to do. quell shows it and never runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub kind: StepKind,
    pub text: String,
    pub language: Language,
    /// Exact text to run, variables filled in; empty when there is nothing to run.
    pub command: String,
}

/// How to see that a path worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    pub language: Language,
    pub query: String,
    /// In the grammar of runbook expectations, e.g. `< 0.01`.
    pub expect: String,
    /// How long it has to hold.
    pub hold: Duration,
    /// When it should hold at the latest.
    pub within: Duration,
}

/// One term of a score, so that the order can be explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    pub name: String,
    pub value: f64,
    pub text: String,
}

/// An ordered way to recover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecoveryPath {
    pub id: PathId,
    pub action: Action,
    pub target: Entity,
    pub title: String,
    /// Hypotheses under which it would help, most probable first.
    pub hypotheses: Vec<HypothesisId>,
    pub steps: Vec<Step>,
    pub risk: Risk,
    pub reversible: bool,
    pub blast: Blast,
    /// From deciding to seeing that it took effect.
    pub eta: Duration,
    /// 0 to 1.
    pub probability_of_fix: f64,
    /// User-minutes saved, net of harm.
    pub score: f64,
    pub factors: Vec<Factor>,
    pub verification: Option<Verification>,
    /// When to stop and take the next path.
    pub stop_rule: String,
    pub approval: Approval,
    /// Gates that moved or marked it, as reasons.
    pub gates: Vec<String>,
    pub evidence_for: Vec<EvidenceId>,
    pub evidence_against: Vec<EvidenceId>,
    /// Runbook that it comes from, if one.
    pub runbook: Option<String>,
}
