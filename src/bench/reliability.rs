use serde::Serialize;

use super::{Interval, interval};

/// Bins of confidence, all of one width.
pub const BINS: usize = 10;

/// Confidence against truth, by bins of confidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reliability {
    pub bins: Vec<Bin>,
    /// Mean square of confidence against truth: 0 is perfect, 0.25 what always saying 50 % gets.
    pub brier: f64,
    /// Expected calibration error: how far confidence and share of right answers lie apart, over the bins,
    /// weighted by their cases.
    pub ece: f64,
}

/// Answers of about the same confidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub cases: usize,
    pub right: usize,
    /// Mean confidence; `None` when the bin is empty.
    pub said: Option<f64>,
    /// Where the share of right answers lies with 95 % confidence.
    pub interval: Option<Interval>,
}

impl Bin {
    /// Share of right answers.
    pub fn share(&self) -> Option<f64> {
        (self.cases > 0).then(|| self.right as f64 / self.cases as f64)
    }
}

impl Reliability {
    /// From each answer's confidence and whether it was right; `None` when there are none.
    pub fn of(said: &[(f64, bool)]) -> Option<Self> {
        if said.is_empty() {
            return None;
        }
        let count = said.len() as f64;
        let truth = |right: bool| f64::from(u8::from(right));
        let brier = said.iter().map(|(said, right)| (said - truth(*right)).powi(2)).sum::<f64>() / count;
        let bins: Vec<Bin> = (0..BINS)
            .map(|number| {
                let within: Vec<_> = said.iter().filter(|(said, _)| bin_of(*said) == number).collect();
                let right = within.iter().filter(|(_, right)| *right).count();
                let sum: f64 = within.iter().map(|(said, _)| said).sum();
                Bin {
                    from: number as f64 / BINS as f64,
                    to: (number + 1) as f64 / BINS as f64,
                    cases: within.len(),
                    right,
                    said: (!within.is_empty()).then(|| sum / within.len() as f64),
                    interval: interval(right, within.len()),
                }
            })
            .collect();
        let gap = |bin: &Bin| {
            bin.said.zip(bin.share()).map(|(said, share)| bin.cases as f64 * (said - share).abs())
        };
        let ece = bins.iter().filter_map(gap).sum::<f64>() / count;
        Some(Self { bins, brier, ece })
    }
}

fn bin_of(said: f64) -> usize {
    ((said * BINS as f64) as usize).min(BINS - 1)
}
