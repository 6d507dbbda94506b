use quell_proto::v1::{self, investigation::Verdict as WireVerdict};

use super::wire::{Invalid, Wire, all, duration, list, optional_time, required, span, time, timestamp};
use crate::domain::{IncidentId, Innocent, Investigation, Timings, Verdict};

/// An investigation as part of an incident; a bundle's has none.
pub fn investigation(investigation: &Investigation, incident: Option<&IncidentId>) -> v1::Investigation {
    v1::Investigation {
        incident_id: incident.map(|id| id.0.clone()).unwrap_or_default(),
        ..investigation.to_wire()
    }
}

impl Wire for Verdict {
    type Message = WireVerdict;

    fn to_wire(&self) -> WireVerdict {
        match self {
            Self::CauseFound => WireVerdict::CauseFound,
            Self::Inconclusive => WireVerdict::Inconclusive,
            Self::NotAnIncident => WireVerdict::NotAnIncident,
        }
    }

    fn from_wire(message: WireVerdict) -> Result<Self, Invalid> {
        match message {
            WireVerdict::CauseFound => Ok(Self::CauseFound),
            WireVerdict::Inconclusive => Ok(Self::Inconclusive),
            WireVerdict::NotAnIncident => Ok(Self::NotAnIncident),
            WireVerdict::Unspecified => Err(Invalid::new("verdict", "missing")),
        }
    }
}

impl Wire for Innocent {
    type Message = v1::InnocentChange;

    fn to_wire(&self) -> v1::InnocentChange {
        v1::InnocentChange {
            change_id: self.change_id.clone(),
            because: self.because.clone(),
            title: self.title.clone(),
            at: Some(timestamp(self.at)),
        }
    }

    fn from_wire(message: v1::InnocentChange) -> Result<Self, Invalid> {
        Ok(Self {
            change_id: message.change_id,
            title: message.title,
            at: time("at", message.at)?,
            because: message.because,
        })
    }
}

impl Wire for Timings {
    type Message = v1::Timings;

    fn to_wire(&self) -> v1::Timings {
        v1::Timings {
            collect: Some(duration(self.collect)),
            first_ranking: Some(duration(self.first_ranking)),
            total: Some(duration(self.total)),
            deadline_hit: self.deadline_hit,
        }
    }

    fn from_wire(message: v1::Timings) -> Result<Self, Invalid> {
        Ok(Self {
            collect: span("collect", message.collect)?,
            first_ranking: span("first_ranking", message.first_ranking)?,
            total: span("total", message.total)?,
            deadline_hit: message.deadline_hit,
        })
    }
}

impl Wire for Investigation {
    type Message = v1::Investigation;

    fn to_wire(&self) -> v1::Investigation {
        v1::Investigation {
            id: self.id.clone(),
            incident_id: String::new(),
            verdict: self.verdict.to_wire().into(),
            because: self.because.clone(),
            hypotheses: all(&self.hypotheses),
            recovery_paths: all(&self.recovery_paths),
            blast_radius: self.blast_radius.clone(),
            innocent: all(&self.innocent),
            blind_spots: all(&self.blind_spots),
            symptoms: all(&self.symptoms),
            evidence: all(&self.evidence),
            coverage: all(&self.coverage),
            timings: Some(self.timings.to_wire()),
            onset: self.onset.map(timestamp),
            window: Some(self.window.to_wire()),
            service: self.service.clone(),
            next_question: self.next_question.clone(),
        }
    }

    fn from_wire(message: v1::Investigation) -> Result<Self, Invalid> {
        Ok(Self {
            verdict: Verdict::from_wire(message.verdict())?,
            id: message.id,
            service: message.service,
            window: required("window", message.window)?,
            because: message.because,
            onset: optional_time("onset", message.onset)?,
            hypotheses: list("hypotheses", message.hypotheses)?,
            recovery_paths: list("recovery_paths", message.recovery_paths)?,
            blast_radius: message.blast_radius,
            innocent: list("innocent", message.innocent)?,
            blind_spots: list("blind_spots", message.blind_spots)?,
            symptoms: list("symptoms", message.symptoms)?,
            evidence: list("evidence", message.evidence)?,
            coverage: list("coverage", message.coverage)?,
            next_question: message.next_question,
            timings: required("timings", message.timings)?,
        })
    }
}
