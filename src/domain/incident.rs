use std::{collections::HashMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Alert, Event, Investigation, Payload, Timings, Verdict, Window};

/// Alerts of one event that are looked for one by one; for more an index pays.
const FEW: usize = 8;

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
            Payload::AlertsReceived { alerts } => self.upsert(alerts),
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

    fn upsert(&mut self, news: &[Alert]) {
        if news.len() > FEW {
            return self.upsert_many(news);
        }
        for alert in news {
            let same =
                |known: &&mut Alert| known.fingerprint == alert.fingerprint && known.source == alert.source;
            match self.alerts.iter_mut().find(same) {
                Some(known) => known.clone_from(alert),
                None => self.alerts.push(alert.clone()),
            }
        }
    }

    /// In a storm thousands join thousands, so that none must be looked for one by one.
    fn upsert_many(&mut self, news: &[Alert]) {
        let mut places = HashMap::with_capacity(self.alerts.len() + news.len());
        for (place, alert) in self.alerts.iter().enumerate() {
            places.entry((alert.fingerprint.as_str(), alert.source.as_str())).or_insert(place);
        }
        let mut next = self.alerts.len();
        let places: Vec<usize> = news
            .iter()
            .map(|alert| {
                *places.entry((alert.fingerprint.as_str(), alert.source.as_str())).or_insert_with(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        for (alert, place) in news.iter().zip(places) {
            match self.alerts.get_mut(place) {
                Some(known) => known.clone_from(alert),
                // new ones were counted in the order in which they stand
                None => self.alerts.push(alert.clone()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AlertStatus;

    fn alert(number: usize, status: AlertStatus) -> Alert {
        let mut alert = Alert::group_end("test", "g", Timestamp::UNIX_EPOCH);
        alert.fingerprint = number.to_string();
        alert.status = status;
        alert
    }

    fn incident(events: &[Vec<Alert>]) -> Vec<Alert> {
        let (id, at) = (IncidentId("inc_1".to_owned()), Timestamp::UNIX_EPOCH);
        let opened = Payload::IncidentOpened {
            number: 1,
            title: String::new(),
            service: String::new(),
            severity: String::new(),
        };
        let news = events.iter().map(|alerts| Payload::AlertsReceived { alerts: alerts.clone() });
        let events: Vec<Event> = (1..)
            .zip([opened].into_iter().chain(news))
            .map(|(seq, payload)| Event { seq, at, incident: id.clone(), payload })
            .collect();
        Incident::fold(&events).unwrap().alerts
    }

    #[test]
    fn many_alerts_at_once_are_as_one_by_one() {
        let firing = |number| alert(number, AlertStatus::Firing);
        let first: Vec<Alert> = (0..2 * FEW).map(firing).collect();
        // known ones with news, new ones, and both twice
        let second: Vec<Alert> = (FEW..4 * FEW)
            .map(|number| alert(number, AlertStatus::Resolved))
            .chain((3 * FEW..5 * FEW).map(firing))
            .collect();
        let at_once = incident(&[first.clone(), second.clone()]);
        let one_by_one: Vec<Vec<Alert>> = first.into_iter().chain(second).map(|alert| vec![alert]).collect();
        assert_eq!(at_once, incident(&one_by_one));
        assert_eq!(at_once.len(), 5 * FEW);
        assert_eq!(at_once[2 * FEW].status, AlertStatus::Resolved);
        assert_eq!(at_once[3 * FEW].status, AlertStatus::Firing);
    }
}
