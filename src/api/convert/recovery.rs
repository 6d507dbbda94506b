use quell_proto::v1;

use super::{
    evidence::{ids, ids_from},
    wire::{Invalid, Wire, all, duration, finite, list, number, optional, required, span, word},
};
use crate::domain::{Factor, HypothesisId, PathId, RecoveryPath, Step, Verification};

impl Wire for Step {
    type Message = v1::Step;

    fn to_wire(&self) -> v1::Step {
        v1::Step {
            kind: self.kind.as_str().to_owned(),
            text: self.text.clone(),
            language: self.language.as_str().to_owned(),
            command: self.command.clone(),
        }
    }

    fn from_wire(message: v1::Step) -> Result<Self, Invalid> {
        Ok(Self {
            kind: word("kind", &message.kind)?,
            text: message.text,
            language: word("language", &message.language)?,
            command: message.command,
        })
    }
}

impl Wire for Verification {
    type Message = v1::Verification;

    fn to_wire(&self) -> v1::Verification {
        v1::Verification {
            language: self.language.as_str().to_owned(),
            query: self.query.clone(),
            expect: self.expect.clone(),
            hold: Some(duration(self.hold)),
            within: Some(duration(self.within)),
        }
    }

    fn from_wire(message: v1::Verification) -> Result<Self, Invalid> {
        Ok(Self {
            language: word("language", &message.language)?,
            query: message.query,
            expect: message.expect,
            hold: span("hold", message.hold)?,
            within: span("within", message.within)?,
        })
    }
}

impl Wire for Factor {
    type Message = v1::Factor;

    fn to_wire(&self) -> v1::Factor {
        v1::Factor { name: self.name.clone(), value: finite(self.value), text: self.text.clone() }
    }

    fn from_wire(message: v1::Factor) -> Result<Self, Invalid> {
        Ok(Self { name: message.name, value: message.value, text: message.text })
    }
}

impl Wire for RecoveryPath {
    type Message = v1::RecoveryPath;

    fn to_wire(&self) -> v1::RecoveryPath {
        v1::RecoveryPath {
            id: self.id.to_string(),
            action: self.action.as_str().to_owned(),
            target: self.target.to_string(),
            title: self.title.clone(),
            probability_of_fix: finite(self.probability_of_fix),
            score: finite(self.score),
            steps: all(&self.steps),
            risk: self.risk.as_str().to_owned(),
            reversible: self.reversible,
            blast: self.blast.as_str().to_owned(),
            eta: Some(duration(self.eta)),
            verification: self.verification.as_ref().map(Wire::to_wire),
            stop_rule: self.stop_rule.clone(),
            evidence: ids(&self.evidence_for),
            against: ids(&self.evidence_against),
            factors: all(&self.factors),
            gates: self.gates.clone(),
            hypotheses: self.hypotheses.iter().map(HypothesisId::to_string).collect(),
            runbook: self.runbook.clone().unwrap_or_default(),
            approval: self.approval.as_str().to_owned(),
            target_entity: Some(self.target.to_wire()),
        }
    }

    fn from_wire(message: v1::RecoveryPath) -> Result<Self, Invalid> {
        let verification = message.verification.map(Verification::from_wire).transpose();
        let hypothesis = |text: &String| number("hypotheses", 'H', text).map(HypothesisId);
        Ok(Self {
            id: PathId(number("id", 'P', &message.id)?),
            action: word("action", &message.action)?,
            target: required("target_entity", message.target_entity)?,
            title: message.title,
            hypotheses: message.hypotheses.iter().map(hypothesis).collect::<Result<_, _>>()?,
            steps: list("steps", message.steps)?,
            risk: word("risk", &message.risk)?,
            reversible: message.reversible,
            blast: word("blast", &message.blast)?,
            eta: span("eta", message.eta)?,
            probability_of_fix: message.probability_of_fix,
            score: message.score,
            factors: list("factors", message.factors)?,
            verification: verification.map_err(|invalid| invalid.within("verification"))?,
            stop_rule: message.stop_rule,
            approval: word("approval", &message.approval)?,
            gates: message.gates,
            evidence_for: ids_from("evidence", &message.evidence)?,
            evidence_against: ids_from("against", &message.against)?,
            runbook: optional(message.runbook),
        })
    }
}
