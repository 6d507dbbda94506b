use std::time::Duration;

use quell_proto::v1::{self, event::Payload as Wired};

use super::{
    incident::number as incident_number,
    investigation,
    wire::{Invalid, Wire, all, clip, duration, list, number, required, span, time, timestamp},
};
use crate::domain::{
    Coverage, Event, Evidence, Hypothesis, HypothesisId, IncidentId, Investigation, Payload, Symptom,
};

impl Wire for Event {
    type Message = v1::Event;

    fn to_wire(&self) -> v1::Event {
        v1::Event {
            seq: self.seq,
            at: Some(timestamp(self.at)),
            incident_id: self.incident.0.clone(),
            r#type: self.payload.name().to_owned(),
            payload: Some(payload(&self.payload, &self.incident)),
        }
    }

    fn from_wire(message: v1::Event) -> Result<Self, Invalid> {
        let Some(payload) = message.payload else {
            let because =
                format!("none, or of a newer kind than this program knows: {}", clip(message.r#type));
            return Err(Invalid::new("payload", because));
        };
        Ok(Self {
            seq: message.seq,
            at: time("at", message.at)?,
            incident: IncidentId(message.incident_id),
            payload: payload_from(payload).map_err(|invalid| invalid.within("payload"))?,
        })
    }
}

fn payload(payload: &Payload, incident: &IncidentId) -> Wired {
    match payload {
        Payload::IncidentOpened { number, title, service, severity } => {
            Wired::IncidentOpened(v1::IncidentOpened {
                number: format!("INC-{number}"),
                title: title.clone(),
                service: service.clone(),
                severity: severity.clone(),
            })
        }
        Payload::AlertsReceived { alerts } => {
            Wired::AlertsReceived(v1::AlertsReceived { alerts: all(alerts) })
        }
        Payload::IncidentResolved { because } => {
            Wired::IncidentResolved(v1::IncidentResolved { because: because.clone() })
        }
        Payload::InvestigationRequested { investigation, budget_seconds } => {
            Wired::InvestigationRequested(v1::InvestigationRequested {
                investigation_id: investigation.clone(),
                budget: Some(duration(Duration::from_secs(*budget_seconds))),
            })
        }
        Payload::InvestigationStarted { investigation, attempt } => {
            Wired::InvestigationStarted(v1::InvestigationStarted {
                investigation_id: investigation.clone(),
                attempt: *attempt,
            })
        }
        Payload::CoverageReported { coverage } => Wired::Coverage(coverage.to_wire()),
        Payload::EvidenceFound { evidence } => Wired::Evidence(evidence.to_wire()),
        Payload::SymptomFound { symptom } => Wired::Symptom(symptom.to_wire()),
        Payload::HypothesisProposed { hypothesis } => Wired::Hypothesis(hypothesis.to_wire()),
        Payload::ArgumentMade { hypothesis, argument } => Wired::Argument(v1::ArgumentMade {
            hypothesis_id: hypothesis.to_string(),
            argument: Some(argument.to_wire()),
        }),
        Payload::RankingChanged { hypotheses, recovery_paths } => Wired::RankingChanged(v1::RankingChanged {
            hypotheses: all(hypotheses),
            recovery_paths: all(recovery_paths),
        }),
        Payload::InvestigationFinished { investigation: found } => {
            Wired::InvestigationFinished(investigation(found, Some(incident)))
        }
        Payload::ChangeSeen { change } => Wired::Change(v1::ChangeSeen { change: Some(change.to_wire()) }),
        Payload::NoteAdded { author, text } => {
            Wired::Note(v1::NoteAdded { author: author.clone(), text: text.clone() })
        }
    }
}

fn payload_from(payload: Wired) -> Result<Payload, Invalid> {
    Ok(match payload {
        Wired::IncidentOpened(opened) => Payload::IncidentOpened {
            number: incident_number(&opened.number)?,
            title: opened.title,
            service: opened.service,
            severity: opened.severity,
        },
        Wired::AlertsReceived(received) => {
            Payload::AlertsReceived { alerts: list("alerts", received.alerts)? }
        }
        Wired::IncidentResolved(resolved) => Payload::IncidentResolved { because: resolved.because },
        Wired::InvestigationRequested(requested) => Payload::InvestigationRequested {
            investigation: requested.investigation_id,
            budget_seconds: span("budget", requested.budget)?.as_secs(),
        },
        Wired::InvestigationStarted(started) => Payload::InvestigationStarted {
            investigation: started.investigation_id,
            attempt: started.attempt,
        },
        Wired::Coverage(coverage) => Payload::CoverageReported { coverage: Coverage::from_wire(coverage)? },
        Wired::Evidence(evidence) => Payload::EvidenceFound { evidence: Evidence::from_wire(evidence)? },
        Wired::Symptom(symptom) => Payload::SymptomFound { symptom: Symptom::from_wire(symptom)? },
        Wired::Hypothesis(hypothesis) => {
            Payload::HypothesisProposed { hypothesis: Box::new(Hypothesis::from_wire(hypothesis)?) }
        }
        Wired::Argument(made) => Payload::ArgumentMade {
            hypothesis: HypothesisId(number("hypothesis_id", 'H', &made.hypothesis_id)?),
            argument: required("argument", made.argument)?,
        },
        Wired::RankingChanged(ranking) => Payload::RankingChanged {
            hypotheses: list("hypotheses", ranking.hypotheses)?,
            recovery_paths: list("recovery_paths", ranking.recovery_paths)?,
        },
        Wired::InvestigationFinished(found) => {
            Payload::InvestigationFinished { investigation: Box::new(Investigation::from_wire(found)?) }
        }
        Wired::Change(seen) => Payload::ChangeSeen { change: required("change", seen.change)? },
        Wired::Note(note) => Payload::NoteAdded { author: note.author, text: note.text },
    })
}
