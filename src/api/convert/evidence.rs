use quell_proto::v1;

use super::wire::{
    Invalid, Wire, all, duration, finite, list, number, optional, optional_time, required, span, time,
    timestamp, word,
};
use crate::domain::{BlindSpot, Coverage, Entity, Evidence, EvidenceId, Number, Onset, Symptom, SymptomId};

pub(super) fn ids(evidence: &[EvidenceId]) -> Vec<String> {
    evidence.iter().map(EvidenceId::to_string).collect()
}

pub(super) fn ids_from(field: &str, texts: &[String]) -> Result<Vec<EvidenceId>, Invalid> {
    texts.iter().map(|text| number(field, 'E', text).map(EvidenceId)).collect()
}

impl Wire for Entity {
    type Message = v1::Entity;

    fn to_wire(&self) -> v1::Entity {
        v1::Entity {
            kind: self.kind.as_str().to_owned(),
            name: self.name.clone(),
            service: self.service.clone(),
        }
    }

    fn from_wire(message: v1::Entity) -> Result<Self, Invalid> {
        Ok(Self { kind: word("kind", &message.kind)?, name: message.name, service: message.service })
    }
}

impl Wire for Number {
    type Message = v1::Number;

    fn to_wire(&self) -> v1::Number {
        v1::Number { name: self.name.clone(), value: finite(self.value), unit: self.unit.clone() }
    }

    fn from_wire(message: v1::Number) -> Result<Self, Invalid> {
        Ok(Self { name: message.name, value: message.value, unit: message.unit })
    }
}

impl Wire for Evidence {
    type Message = v1::Evidence;

    fn to_wire(&self) -> v1::Evidence {
        v1::Evidence {
            id: self.id.to_string(),
            signal: self.signal.as_str().to_owned(),
            source: self.source.clone(),
            language: self.language.as_str().to_owned(),
            query: self.query.clone(),
            window: Some(self.window.to_wire()),
            completeness: Some(self.completeness.to_wire()),
            summary: self.summary.clone(),
            numbers: all(&self.numbers),
            link: self.link.clone().unwrap_or_default(),
            trust: self.trust.as_str().to_owned(),
            divided_at: self.divided_at.map(timestamp),
            normal_until: self.normal_until.map(timestamp),
        }
    }

    fn from_wire(message: v1::Evidence) -> Result<Self, Invalid> {
        Ok(Self {
            id: EvidenceId(number("id", 'E', &message.id)?),
            signal: word("signal", &message.signal)?,
            source: message.source,
            language: word("language", &message.language)?,
            query: message.query,
            window: required("window", message.window)?,
            divided_at: optional_time("divided_at", message.divided_at)?,
            normal_until: optional_time("normal_until", message.normal_until)?,
            completeness: required("completeness", message.completeness)?,
            summary: message.summary,
            numbers: list("numbers", message.numbers)?,
            link: optional(message.link),
            trust: word("trust", &message.trust)?,
        })
    }
}

impl Wire for Symptom {
    type Message = v1::Symptom;

    fn to_wire(&self) -> v1::Symptom {
        v1::Symptom {
            id: self.id.to_string(),
            entity: Some(self.entity.to_wire()),
            indicator: self.indicator.clone(),
            kind: self.kind.as_str().to_owned(),
            direction: self.direction.as_str().to_owned(),
            onset: self.onset.map(|onset| timestamp(onset.at)),
            onset_earliest: self.onset.map(|onset| timestamp(onset.earliest)),
            onset_latest: self.onset.map(|onset| timestamp(onset.latest)),
            baseline: finite(self.baseline),
            observed: finite(self.observed),
            unit: self.unit.clone(),
            decibans: finite(self.decibans),
            evidence: self.evidence.to_string(),
        }
    }

    fn from_wire(message: v1::Symptom) -> Result<Self, Invalid> {
        let onset = match optional_time("onset", message.onset)? {
            None => None,
            Some(at) => Some(Onset {
                at,
                earliest: time("onset_earliest", message.onset_earliest)?,
                latest: time("onset_latest", message.onset_latest)?,
            }),
        };
        Ok(Self {
            id: SymptomId(number("id", 'S', &message.id)?),
            entity: required("entity", message.entity)?,
            indicator: message.indicator,
            kind: word("kind", &message.kind)?,
            direction: word("direction", &message.direction)?,
            onset,
            baseline: message.baseline,
            observed: message.observed,
            unit: message.unit,
            decibans: message.decibans,
            evidence: EvidenceId(number("evidence", 'E', &message.evidence)?),
        })
    }
}

impl Wire for Coverage {
    type Message = v1::Coverage;

    fn to_wire(&self) -> v1::Coverage {
        v1::Coverage {
            source: self.source.clone(),
            signal: self.signal.as_str().to_owned(),
            completeness: Some(self.completeness.to_wire()),
            items: self.items,
            queries: self.queries,
            took: Some(duration(self.took)),
        }
    }

    fn from_wire(message: v1::Coverage) -> Result<Self, Invalid> {
        Ok(Self {
            source: message.source,
            signal: word("signal", &message.signal)?,
            completeness: required("completeness", message.completeness)?,
            items: message.items,
            queries: message.queries,
            took: span("took", message.took)?,
        })
    }
}

impl Wire for BlindSpot {
    type Message = v1::BlindSpot;

    fn to_wire(&self) -> v1::BlindSpot {
        v1::BlindSpot {
            source: self.source.clone(),
            signal: self.signal.as_str().to_owned(),
            because: self.because.clone(),
        }
    }

    fn from_wire(message: v1::BlindSpot) -> Result<Self, Invalid> {
        Ok(Self {
            source: message.source,
            signal: word("signal", &message.signal)?,
            because: message.because,
        })
    }
}
