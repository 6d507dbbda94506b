use std::time::Duration;

use jiff::Timestamp;
use quell_sdk::{Completeness, signal::Window};
use serde::{Deserialize, Serialize};

use super::{Evidence, Hypothesis, RecoveryPath, SignalKind, Symptom};

/// What an investigation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    CauseFound,
    Inconclusive,
    NotAnIncident,
}

impl Verdict {
    pub fn phrase(self) -> &'static str {
        match self {
            Self::CauseFound => "cause found",
            Self::Inconclusive => "inconclusive",
            Self::NotAnIncident => "not an incident",
        }
    }
}

/// A change that is not to blame, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Innocent {
    pub change_id: String,
    pub title: String,
    pub at: Timestamp,
    pub because: String,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlindSpot {
    pub source: String,
    pub signal: SignalKind,
    pub because: String,
}

/// What one source gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    pub source: String,
    pub signal: SignalKind,
    pub completeness: Completeness,
    /// Series, records, spans, changes or edges.
    pub items: u64,
    pub queries: u32,
    pub took: Duration,
}

/// How long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    pub collect: Duration,
    pub first_ranking: Duration,
    pub total: Duration,
    /// The budget ran out and work was cut.
    pub deadline_hit: bool,
}

/// The answer, at any time of its making.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Investigation {
    pub id: String,
    /// The alerted service.
    pub service: String,
    pub window: Window,
    pub verdict: Verdict,
    /// Why this verdict.
    pub because: String,
    pub onset: Option<Timestamp>,
    /// In rank order.
    pub hypotheses: Vec<Hypothesis>,
    /// In rank order.
    pub recovery_paths: Vec<RecoveryPath>,
    /// Services that suffer from the first hypothesis, in order of name; the cause is not among them.
    pub blast_radius: Vec<String>,
    pub innocent: Vec<Innocent>,
    pub blind_spots: Vec<BlindSpot>,
    pub symptoms: Vec<Symptom>,
    pub evidence: Vec<Evidence>,
    pub coverage: Vec<Coverage>,
    /// What separates the leading hypotheses most cheaply; empty when the first is clear.
    pub next_question: String,
    pub timings: Timings,
}

impl Investigation {
    /// What a list of incidents shows of it: the verdict, the times, and the first hypothesis without its
    /// arguments.
    #[must_use]
    pub fn in_short(self) -> Self {
        let first = self.hypotheses.into_iter().next();
        Self {
            because: String::new(),
            hypotheses: first
                .map(|first| Hypothesis { arguments: Vec::new(), propagation: Vec::new(), ..first })
                .into_iter()
                .collect(),
            recovery_paths: Vec::new(),
            blast_radius: Vec::new(),
            innocent: Vec::new(),
            blind_spots: Vec::new(),
            symptoms: Vec::new(),
            evidence: Vec::new(),
            coverage: Vec::new(),
            next_question: String::new(),
            ..self
        }
    }
}
