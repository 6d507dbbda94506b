use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, Event, Investigation, Payload, Timings, Verdict, Window};

/// Identity of an incident: `inc_` and a UUID v7 in simple form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub String);

impl fmt::Display for IncidentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    Open,
    Resolved,
}

impl IncidentStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// Where the incident's investigation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvestigationStatus {
    None,
    Pending,
    Running,
    Done,
}

impl InvestigationStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

/// An incident: a fold over its journal, nothing more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub number: u64,
    pub status: IncidentStatus,
    pub title: String,
    pub service: String,
    pub severity: String,
    pub opened_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// Newest state of each alert, by (source, fingerprint), in order of arrival.
    pub alerts: Vec<Alert>,
    pub last_seq: u64,
    pub investigation_status: InvestigationStatus,
    pub attempts: u32,
    /// The finished answer, or of a running one what is known so far: newest ranking, evidence, symptoms,
    /// coverage. Its verdict counts only once the status is `Done`.
    pub investigation: Option<Box<Investigation>>,
}

/// What an event did to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Applied,
    /// Seen before: `seq` is not above the last one.
    Repeated,
    /// `seq` skips numbers: something is missing in between.
    Gap,
}

impl Incident {
    /// The short name people say aloud, `INC-142`.
    pub fn short_name(&self) -> String {
        format!("INC-{}", self.number)
    }

    pub fn is_open(&self) -> bool {
        self.status == IncidentStatus::Open
    }

    /// Folds a journal from its start; `None` when the first event does not open an incident.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let mut incident = Self::open(events.next()?)?;
        for event in events {
            incident.apply(event);
        }
        Some(incident)
    }

    /// The incident that an `IncidentOpened` event begins.
    pub fn open(event: &Event) -> Option<Self> {
        let Payload::IncidentOpened { number, title, service, severity } = &event.payload else {
            return None;
        };
        Some(Self {
            id: event.incident.clone(),
            number: *number,
            status: IncidentStatus::Open,
            title: title.clone(),
            service: service.clone(),
            severity: severity.clone(),
            opened_at: event.at,
            resolved_at: None,
            alerts: Vec::new(),
            last_seq: event.seq,
            investigation_status: InvestigationStatus::None,
            attempts: 0,
            investigation: None,
        })
    }

    /// Applies the next event; events at or below `last_seq` change nothing.
    pub fn apply(&mut self, event: &Event) -> Transition {
        if event.seq <= self.last_seq {
            return Transition::Repeated;
        }
        let transition = if event.seq == self.last_seq + 1 { Transition::Applied } else { Transition::Gap };
        self.last_seq = event.seq;
        match &event.payload {
            Payload::AlertsReceived { alerts } => alerts.iter().for_each(|alert| self.upsert(alert)),
            Payload::IncidentResolved { .. } => {
                self.status = IncidentStatus::Resolved;
                self.resolved_at = Some(event.at);
            }
            Payload::InvestigationRequested { .. } => {
                self.investigation_status = InvestigationStatus::Pending;
            }
            Payload::InvestigationStarted { investigation, attempt } => {
                self.investigation_status = InvestigationStatus::Running;
                self.attempts = *attempt;
                // A new attempt numbers its evidence anew: nothing of an earlier one may remain.
                self.investigation = Some(Box::new(self.begun(investigation, event.at)));
            }
            Payload::RankingChanged { hypotheses, recovery_paths } => {
                if let Some(investigation) = self.running() {
                    investigation.hypotheses.clone_from(hypotheses);
                    investigation.recovery_paths.clone_from(recovery_paths);
                }
            }
            Payload::CoverageReported { coverage } => {
                if let Some(investigation) = self.running() {
                    investigation.coverage.push(coverage.clone());
                }
            }
            Payload::EvidenceFound { evidence } => {
                if let Some(investigation) = self.running() {
                    investigation.evidence.push(evidence.clone());
                }
            }
            Payload::SymptomFound { symptom } => {
                if let Some(investigation) = self.running() {
                    investigation.symptoms.push(symptom.clone());
                }
            }
            Payload::InvestigationFinished { investigation } => {
                self.investigation_status = InvestigationStatus::Done;
                self.investigation = Some(investigation.clone());
            }
            Payload::IncidentOpened { .. }
            | Payload::HypothesisProposed { .. }
            | Payload::ArgumentMade { .. }
            | Payload::ChangeSeen { .. }
            | Payload::NoteAdded { .. } => {}
        }
        transition
    }

    /// The answer of a running investigation; a finished one is not changed any more.
    fn running(&mut self) -> Option<&mut Investigation> {
        if self.investigation_status == InvestigationStatus::Running {
            self.investigation.as_deref_mut()
        } else {
            None
        }
    }

    fn begun(&self, id: &str, at: Timestamp) -> Investigation {
        Investigation {
            id: id.to_owned(),
            service: self.service.clone(),
            window: Window { start: self.opened_at.min(at), end: at },
            verdict: Verdict::Inconclusive,
            because: "the investigation is running".to_owned(),
            onset: None,
            hypotheses: Vec::new(),
            recovery_paths: Vec::new(),
            blast_radius: Vec::new(),
            innocent: Vec::new(),
            blind_spots: Vec::new(),
            symptoms: Vec::new(),
            evidence: Vec::new(),
            coverage: Vec::new(),
            next_question: String::new(),
            timings: Timings::default(),
        }
    }

    fn upsert(&mut self, alert: &Alert) {
        let same =
            |known: &&mut Alert| known.source == alert.source && known.fingerprint == alert.fingerprint;
        match self.alerts.iter_mut().find(same) {
            Some(known) => known.clone_from(alert),
            None => self.alerts.push(alert.clone()),
        }
    }
}
