use super::Sample;
use crate::domain::Decibans;

/// Nats per deciban.
const NATS: f64 = std::f64::consts::LN_10 / 10.0;
/// Standard deviation of the prior over both parameters: the incidents at hand are few, and whoever set the weights
/// of the arguments had seen them, so that what fits them best promises too much to others.
const PRIOR: f64 = 1.5;
/// Rounds of Newton's method; a handful is enough.
const ROUNDS: usize = 100;
/// Distance between points of the table, in decibans, and most of them.
const STEP: f64 = 2.0;
const POINTS: f64 = 100.0;

/// Probability as a logistic function of the raw score: two parameters (Platt 1999).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Platt {
    /// Probability's log-odds per log-odds of raw score; not negative. 1 takes raw scores at their word.
    pub slope: f64,
    /// Log-odds at a raw score of 0.
    pub offset: f64,
}

/// The most probable parameters, given the samples and the prior that raw scores are what they claim to be.
pub fn platt(samples: &[Sample]) -> Platt {
    let free = descend(samples, |_| true);
    if free.slope >= 0.0 { free } else { descend(samples, |parameter| parameter == 1) }
}

impl Platt {
    pub fn apply(&self, raw: Decibans) -> f64 {
        let odds = self.slope * raw * NATS + self.offset;
        1.0 / (1.0 + (-odds).exp())
    }

    /// Points over the range of the samples; beyond it nothing was seen.
    pub fn points(&self, samples: &[Sample]) -> Vec<(Decibans, f64)> {
        let raws = || samples.iter().map(|sample| sample.raw);
        let Some(low) = raws().reduce(f64::min) else { return Vec::new() };
        let high = raws().fold(low, f64::max);
        let steps = ((high - low) / STEP).ceil().clamp(0.0, POINTS);
        let mut points: Vec<(Decibans, f64)> = (0..=steps as u32)
            .map(|step| if steps > 0.0 { low + (high - low) * f64::from(step) / steps } else { low })
            .map(|raw| (raw, self.apply(raw)))
            .collect();
        points.dedup_by(|next, kept| next.0 <= kept.0);
        points
    }

    /// Minus the log of the posterior, up to a constant.
    fn cost(&self, samples: &[Sample]) -> f64 {
        let prior = ((self.slope - 1.0).powi(2) + self.offset.powi(2)) / (2.0 * PRIOR * PRIOR);
        let data: f64 = samples
            .iter()
            .map(|sample| {
                let odds = self.slope * sample.raw * NATS + self.offset;
                let odds = if sample.right { -odds } else { odds };
                // ln(1 + e^odds), which does not overflow.
                sample.weight * (odds.max(0.0) + (-odds.abs()).exp().ln_1p())
            })
            .sum();
        data + prior
    }
}

/// Newton's method with halved steps over the parameters that may move: 0 is the slope, 1 the offset. A slope
/// that may not move is 0. The cost is strictly convex, so what it finds is the one minimum.
fn descend(samples: &[Sample], may_move: impl Fn(usize) -> bool) -> Platt {
    let mut at = Platt { slope: if may_move(0) { 1.0 } else { 0.0 }, offset: 0.0 };
    for _ in 0..ROUNDS {
        let precision = 1.0 / (PRIOR * PRIOR);
        let (mut down, mut across) = ((at.slope - 1.0) * precision, at.offset * precision);
        let (mut aa, mut ab, mut bb) = (precision, 0.0, precision);
        for sample in samples {
            let x = sample.raw * NATS;
            let said = at.apply(sample.raw);
            let miss = sample.weight * (said - f64::from(u8::from(sample.right)));
            let spread = sample.weight * said * (1.0 - said);
            down += miss * x;
            across += miss;
            aa += spread * x * x;
            ab += spread * x;
            bb += spread;
        }
        let (slope, offset) = if may_move(0) {
            let determinant = aa * bb - ab * ab;
            ((bb * down - ab * across) / determinant, (aa * across - ab * down) / determinant)
        } else {
            (0.0, across / bb)
        };
        let cost = at.cost(samples);
        let next = (0..40)
            .map(|halvings| 0.5_f64.powi(halvings))
            .map(|part| Platt { slope: at.slope - part * slope, offset: at.offset - part * offset })
            .find(|next| next.cost(samples) < cost);
        let Some(next) = next else { break };
        at = next;
        if slope.abs().max(offset.abs()) < 1e-10 {
            break;
        }
    }
    at
}
