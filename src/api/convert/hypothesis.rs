use quell_proto::v1;

use super::{
    evidence::{ids, ids_from},
    wire::{Invalid, Wire, all, finite, list, number, optional, optional_time, required, timestamp, word},
};
use crate::domain::{Argument, Hop, Hypothesis, HypothesisId, RunbookRef};

impl Wire for Argument {
    type Message = v1::Argument;

    fn to_wire(&self) -> v1::Argument {
        v1::Argument {
            decibans: finite(self.decibans),
            text: self.text.clone(),
            evidence: ids(&self.evidence),
            test: self.test.clone(),
        }
    }

    fn from_wire(message: v1::Argument) -> Result<Self, Invalid> {
        Ok(Self {
            decibans: message.decibans,
            text: message.text,
            evidence: ids_from("evidence", &message.evidence)?,
            test: message.test,
        })
    }
}

impl Wire for Hop {
    type Message = v1::Hop;

    fn to_wire(&self) -> v1::Hop {
        v1::Hop {
            caller: self.caller.clone(),
            callee: self.callee.clone(),
            passed: self.passed.clone(),
            failed: self.failed.clone(),
        }
    }

    fn from_wire(message: v1::Hop) -> Result<Self, Invalid> {
        Ok(Self {
            caller: message.caller,
            callee: message.callee,
            passed: message.passed,
            failed: message.failed,
        })
    }
}

impl Wire for Hypothesis {
    type Message = v1::Hypothesis;

    fn to_wire(&self) -> v1::Hypothesis {
        v1::Hypothesis {
            id: self.id.to_string(),
            entity: Some(self.entity.to_wire()),
            fault: self.fault.as_str().to_owned(),
            change_id: self.change_id.clone().unwrap_or_default(),
            probability: finite(self.probability),
            onset: self.onset.map(timestamp),
            claim: self.claim.clone(),
            evidence: ids(&self.evidence_for()),
            against: ids(&self.evidence_against()),
            arguments: all(&self.arguments),
            prior: finite(self.prior),
            propagation: all(&self.propagation),
            runbook: self.runbook.as_ref().map(RunbookRef::to_string).unwrap_or_default(),
        }
    }

    /// `evidence` and `against` are not read: they follow from the arguments.
    fn from_wire(message: v1::Hypothesis) -> Result<Self, Invalid> {
        Ok(Self {
            id: HypothesisId(number("id", 'H', &message.id)?),
            entity: required("entity", message.entity)?,
            fault: word("fault", &message.fault)?,
            change_id: optional(message.change_id),
            runbook: optional(message.runbook).map(|text| runbook(&text)).transpose()?,
            claim: message.claim,
            prior: message.prior,
            arguments: list("arguments", message.arguments)?,
            probability: message.probability,
            onset: optional_time("onset", message.onset)?,
            propagation: list("propagation", message.propagation)?,
        })
    }
}

fn runbook(text: &str) -> Result<RunbookRef, Invalid> {
    let (runbook, hypothesis) =
        text.rsplit_once('/').ok_or_else(|| Invalid::new("runbook", "not of the form RUNBOOK/HYPOTHESIS"))?;
    Ok(RunbookRef { runbook: runbook.to_owned(), hypothesis: hypothesis.to_owned() })
}
