use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Argument, Change, Coverage, Evidence, Hypothesis, HypothesisId, IncidentId, Investigation,
    RecoveryPath, Symptom,
};

/// One numbered entry of an incident's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// 1, 2, 3, ... within the incident, without gaps.
    pub seq: u64,
    pub at: Timestamp,
    pub incident: IncidentId,
    pub payload: Payload,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload {
    /// Always the first.
    IncidentOpened {
        /// Counted per installation; shown as `INC-142`.
        number: u64,
        title: String,
        service: String,
        severity: String,
    },
    /// New, re-fired or resolved alerts; those already known unchanged are left out.
    AlertsReceived {
        alerts: Vec<Alert>,
    },
    IncidentResolved {
        because: String,
    },
    /// Work that a worker may claim.
    InvestigationRequested {
        investigation: String,
        budget_seconds: u64,
    },
    InvestigationStarted {
        investigation: String,
        /// 1 for the first; more when a restart took it up again.
        attempt: u32,
    },
    CoverageReported {
        coverage: Coverage,
    },
    EvidenceFound {
        evidence: Evidence,
    },
    SymptomFound {
        symptom: Symptom,
    },
    HypothesisProposed {
        hypothesis: Box<Hypothesis>,
    },
    ArgumentMade {
        hypothesis: HypothesisId,
        argument: Argument,
    },
    /// In rank order.
    RankingChanged {
        hypotheses: Vec<Hypothesis>,
        recovery_paths: Vec<RecoveryPath>,
    },
    InvestigationFinished {
        investigation: Box<Investigation>,
    },
    ChangeSeen {
        change: Change,
    },
    NoteAdded {
        author: String,
        text: String,
    },
}

impl Payload {
    /// Stable name, as in the JSON `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::IncidentOpened { .. } => "incident_opened",
            Self::AlertsReceived { .. } => "alerts_received",
            Self::IncidentResolved { .. } => "incident_resolved",
            Self::InvestigationRequested { .. } => "investigation_requested",
            Self::InvestigationStarted { .. } => "investigation_started",
            Self::CoverageReported { .. } => "coverage_reported",
            Self::EvidenceFound { .. } => "evidence_found",
            Self::SymptomFound { .. } => "symptom_found",
            Self::HypothesisProposed { .. } => "hypothesis_proposed",
            Self::ArgumentMade { .. } => "argument_made",
            Self::RankingChanged { .. } => "ranking_changed",
            Self::InvestigationFinished { .. } => "investigation_finished",
            Self::ChangeSeen { .. } => "change_seen",
            Self::NoteAdded { .. } => "note_added",
        }
    }
}
