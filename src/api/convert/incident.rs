use quell_proto::v1;

use super::{
    investigation,
    wire::{Invalid, Wire, all, clip, list, optional_time, time, timestamp, word},
};
use crate::domain::{Incident, IncidentId, Investigation, InvestigationStatus};

impl Wire for Incident {
    type Message = v1::Incident;

    fn to_wire(&self) -> v1::Incident {
        v1::Incident {
            id: self.id.0.clone(),
            number: self.short_name(),
            status: self.status.as_str().to_owned(),
            title: self.title.clone(),
            service: self.service.clone(),
            severity: self.severity.clone(),
            opened_at: Some(timestamp(self.opened_at)),
            resolved_at: self.resolved_at.map(timestamp),
            alerts: all(&self.alerts),
            last_seq: self.last_seq,
            investigation: self.investigation.as_deref().map(|found| investigation(found, Some(&self.id))),
            investigation_status: self.investigation_status.as_str().to_owned(),
            attempts: self.attempts,
            answer: self.investigation.as_deref().map(|found| answer(found, self.investigation_status)),
        }
    }

    /// The answer in short is not read: it follows from the investigation.
    fn from_wire(message: v1::Incident) -> Result<Self, Invalid> {
        let investigation = message.investigation.map(Investigation::from_wire).transpose();
        Ok(Self {
            id: IncidentId(message.id),
            number: number(&message.number)?,
            status: word("status", &message.status)?,
            title: message.title,
            service: message.service,
            severity: message.severity,
            opened_at: time("opened_at", message.opened_at)?,
            resolved_at: optional_time("resolved_at", message.resolved_at)?,
            alerts: list("alerts", message.alerts)?,
            last_seq: message.last_seq,
            investigation_status: word("investigation_status", &message.investigation_status)?,
            attempts: message.attempts,
            investigation: investigation.map_err(|invalid| invalid.within("investigation"))?.map(Box::new),
        })
    }
}

fn answer(found: &Investigation, status: InvestigationStatus) -> v1::Answer {
    let first = found.hypotheses.first();
    let mut answer = first.map_or_else(v1::Answer::default, |first| v1::Answer {
        claim: first.claim.clone(),
        probability: first.probability,
        hypothesis_id: first.id.to_string(),
        entity: Some(first.entity.to_wire()),
        fault: first.fault.as_str().to_owned(),
        change_id: first.change_id.clone().unwrap_or_default(),
        ..v1::Answer::default()
    });
    if status == InvestigationStatus::Done {
        answer.set_verdict(found.verdict.to_wire());
    }
    answer
}

/// The number in `INC-142`.
pub(super) fn number(text: &str) -> Result<u64, Invalid> {
    text.strip_prefix("INC-")
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Invalid::new("number", format!("`{}` is not of the form INC-142", clip(text))))
}
