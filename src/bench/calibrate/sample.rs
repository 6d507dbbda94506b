use crate::{
    bench::Report,
    domain::{Decibans, Verdict},
};

/// One answer with the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Raw score of the first hypothesis against the rest.
    pub raw: Decibans,
    /// The probability that the program gave it.
    pub said: f64,
    pub right: bool,
    /// Cases alike in cause share it.
    pub group: String,
}

/// The answers of a dataset that a table can learn from: those to a real incident that take it for one.
pub fn samples(report: &Report) -> Vec<Sample> {
    let of = |outcome: &crate::bench::Outcome| {
        let takes_part = !outcome.healthy && outcome.verdict != Some(Verdict::NotAnIncident);
        Some(Sample {
            raw: outcome.raw.filter(|_| takes_part)?,
            said: outcome.probability?,
            right: outcome.right,
            group: outcome.group.clone(),
        })
    };
    report.outcomes.iter().filter_map(of).collect()
}
