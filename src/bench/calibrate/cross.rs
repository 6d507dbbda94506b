use std::collections::BTreeSet;

use super::Sample;
use crate::{bench::Reliability, domain::CalibrationFigures};

/// Least probability that the log loss takes at its word, so that one certain error is not infinite.
const LEAST: f64 = 1e-6;

/// What each sample gets from a fit that knows nothing of its group.
pub(super) fn held_out(
    samples: &[Sample],
    fit: impl Fn(&[Sample]) -> Box<dyn Fn(f64) -> f64>,
) -> Vec<(f64, bool)> {
    let mut said = Vec::with_capacity(samples.len());
    for group in groups(samples) {
        let (out, others): (Vec<Sample>, Vec<Sample>) =
            samples.iter().cloned().partition(|sample| sample.group == group);
        let fitted = fit(&others);
        said.extend(out.iter().map(|sample| (fitted(sample.raw), sample.right)));
    }
    said
}

pub(super) fn groups(samples: &[Sample]) -> BTreeSet<&str> {
    samples.iter().map(|sample| sample.group.as_str()).collect()
}

pub(super) fn figures(said: &[(f64, bool)]) -> CalibrationFigures {
    let Some(reliability) = Reliability::of(said) else { return CalibrationFigures::default() };
    let loss = |(said, right): &(f64, bool)| -(if *right { *said } else { 1.0 - said }).max(LEAST).ln();
    CalibrationFigures {
        brier: reliability.brier,
        ece: reliability.ece,
        log_loss: said.iter().map(loss).sum::<f64>() / said.len() as f64,
    }
}
