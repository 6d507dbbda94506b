//! Whether more calls are slow than used to be, where some always are.

use crate::analysis::significance::binomial_g;

/// What one expects of a limit at the 95th percentile before having seen many calls: one in twenty above it,
/// as if seen in ten calls. A tail is known by its own calls alone only when there are many.
const EXPECTED: f64 = 0.5;
const SEEN_IN: f64 = 10.0;

/// G of so many slow calls in the incident against those among the normal values, signed.
pub(super) fn tail_g(normal: &[f64], slow: usize, calls: usize, limit: f64) -> f64 {
    let usual = normal.iter().filter(|value| **value > limit).count();
    binomial_g(usual as f64 + EXPECTED, normal.len() as f64 + SEEN_IN, slow as f64, calls as f64)
}
