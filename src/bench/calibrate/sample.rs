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
    /// How many cases it stands for: less than one where a case was answered under several conditions.
    pub weight: f64,
}

/// The answers of a dataset that a table can learn from: those to a real incident that take it for one. Each case
/// was answered under so many `conditions`, this report being of one of them.
pub fn samples(report: &Report, conditions: usize) -> Vec<Sample> {
    let of = |outcome: &crate::bench::Outcome| {
        let takes_part = !outcome.healthy && outcome.verdict != Some(Verdict::NotAnIncident);
        Some(Sample {
            raw: outcome.raw.filter(|_| takes_part)?,
            said: outcome.probability?,
            right: outcome.right,
            group: outcome.group.clone(),
            weight: 1.0 / conditions.max(1) as f64,
        })
    };
    report.outcomes.iter().filter_map(of).collect()
}
