use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entity, EvidenceId, FaultClass};

/// Weight of evidence: ten times the base-10 logarithm of a likelihood ratio. +10 makes a claim ten times
/// as likely against its denial.
pub type Decibans = f64;

/// Number of a hypothesis within its investigation, shown as `H2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HypothesisId(pub u32);

impl fmt::Display for HypothesisId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "H{}", self.0)
    }
}

/// The runbook and the hypothesis in it that made a claim.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunbookRef {
    pub runbook: String,
    pub hypothesis: String,
}

impl fmt::Display for RunbookRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.runbook, self.hypothesis)
    }
}

/// Evidence weighed for (positive) or against (negative) a hypothesis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Argument {
    pub decibans: Decibans,
    pub text: String,
    pub evidence: Vec<EvidenceId>,
    /// The test that made it, e.g. `self-time` or `check:pool-waiting`. At most one argument of a test
    /// counts.
    pub test: String,
}

impl Argument {
    pub fn is_for(&self) -> bool {
        self.decibans > 0.0
    }
}

/// One step of the way from the cause to the alerted service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    pub caller: String,
    pub callee: String,
    /// Tests of the hop that passed: `edge`, `both-deviate`, `onset-order`.
    pub passed: Vec<String>,
    pub failed: Vec<String>,
}

/// A claim that one cause explains the symptoms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    pub id: HypothesisId,
    pub entity: Entity,
    pub fault: FaultClass,
    pub change_id: Option<String>,
    pub runbook: Option<RunbookRef>,
    pub claim: String,
    /// Before any evidence.
    pub prior: Decibans,
    /// In the order of their tests' names.
    pub arguments: Vec<Argument>,
    /// 0 to 1; over all hypotheses and "none of these" it sums to 1.
    pub probability: f64,
    pub onset: Option<Timestamp>,
    /// From the cause to the alerted service.
    pub propagation: Vec<Hop>,
}

impl Hypothesis {
    /// Prior and arguments together.
    pub fn log_odds(&self) -> Decibans {
        self.prior + self.arguments.iter().map(|argument| argument.decibans).sum::<f64>()
    }

    /// Evidence for it, without repeats, strongest argument first.
    pub fn evidence_for(&self) -> Vec<EvidenceId> {
        self.evidence_where(Argument::is_for)
    }

    /// Evidence against it, without repeats, strongest argument first.
    pub fn evidence_against(&self) -> Vec<EvidenceId> {
        self.evidence_where(|argument| argument.decibans < 0.0)
    }

    fn evidence_where(&self, keep: impl Fn(&Argument) -> bool) -> Vec<EvidenceId> {
        let mut arguments: Vec<_> = self.arguments.iter().filter(|argument| keep(argument)).collect();
        arguments.sort_by(|a, b| b.decibans.abs().total_cmp(&a.decibans.abs()));
        let mut ids = Vec::new();
        for id in arguments.iter().flat_map(|argument| &argument.evidence) {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        ids
    }
}
