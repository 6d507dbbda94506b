use std::collections::BTreeSet;

use crate::{
    domain::{Action, Decibans, Investigation, Verdict},
    investigation,
};

/// What one case was answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub case: String,
    /// From opening the bundle to the answer.
    pub seconds: f64,
    /// The answer, or why there is none.
    pub answer: Result<Answer, String>,
}

/// The part of an investigation that is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub verdict: Verdict,
    /// In rank order.
    pub hypotheses: Vec<Named>,
    pub blast_radius: Vec<String>,
    /// Of the first recovery path.
    pub action: Option<Action>,
    /// Raw score of the first hypothesis against the rest.
    pub raw: Option<Decibans>,
    /// End of what was recorded.
    pub end: jiff::Timestamp,
}

/// One hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Place in the order in which hypotheses were proposed, before any was tested.
    pub proposed: u32,
    pub service: String,
    pub change: Option<String>,
    pub probability: f64,
}

impl Answer {
    /// An investigation that ran out of time without an answer is none.
    pub(super) fn of(found: &Investigation) -> Result<Self, String> {
        if found.verdict == Verdict::Inconclusive && found.timings.deadline_hit {
            return Err(format!("no answer within the budget: {}", found.because));
        }
        let named = found.hypotheses.iter().map(|hypothesis| Named {
            proposed: hypothesis.id.0,
            service: hypothesis.entity.service.clone(),
            change: hypothesis.change_id.clone().filter(|change| !change.is_empty()),
            probability: hypothesis.probability,
        });
        Ok(Self {
            verdict: found.verdict,
            hypotheses: named.collect(),
            blast_radius: found.blast_radius.clone(),
            action: found.recovery_paths.first().map(|path| path.action),
            raw: investigation::raw_score(&found.hypotheses),
            end: found.window.end,
        })
    }

    /// Whether a cause is named.
    pub fn names_a_cause(&self) -> bool {
        self.verdict == Verdict::CauseFound
    }

    /// Services by rank, each once.
    pub fn services(&self) -> Vec<&str> {
        distinct(self.hypotheses.iter().map(|named| named.service.as_str()))
    }

    /// Services in the order in which they were proposed, each once.
    pub fn proposed(&self) -> Vec<&str> {
        let mut order: Vec<&Named> = self.hypotheses.iter().collect();
        order.sort_by_key(|named| named.proposed);
        distinct(order.into_iter().map(|named| named.service.as_str()))
    }

    /// The change that is blamed; `None` when no cause is named, or one that is no change.
    pub fn change(&self) -> Option<&str> {
        let first = self.hypotheses.first().filter(|_| self.names_a_cause())?;
        first.change.as_deref()
    }
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !name.is_empty() && seen.insert(*name)).collect()
}
