//! Robust two-sided shift of a level.
//!
//! As in BARO (Pham et al., FSE 2024): the incident's median against the normal median over the normal
//! interquartile range. What decides is the floor of that range: a series that was flat makes any wiggle
//! look infinite. The floor here is the largest of the range itself, 5 % of the level, a tenth of the
//! standard deviation, and half of the smallest step that the unit makes worth waking anybody for.

use super::{median, median_and_range};

/// A shift of a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    pub baseline: f64,
    pub observed: f64,
    /// Noise of one sample, floored.
    pub scale: f64,
    /// `(observed - baseline) / scale`.
    pub z: f64,
}

/// Greatest shift told, in units of the scale.
const MOST: f64 = 1000.0;

/// What is normal for a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Median.
    pub level: f64,
    /// Third quartile minus first.
    pub range: f64,
    /// Standard deviation.
    deviation: f64,
}

impl Normal {
    /// `None` for fewer than three values.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 3 {
            return None;
        }
        let (level, range) = median_and_range(values)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        Some(Self { level, range, deviation: variance.sqrt() })
    }

    /// Compares values of the incident with normal ones. `smallest` is the least step that matters in the
    /// series' unit (0 when unknown). `None` when there are none of the incident.
    pub fn shift(&self, incident: &[f64], smallest: f64) -> Option<Shift> {
        let baseline = self.level;
        let observed = sustained(incident, baseline)?;
        let scale = self
            .range
            .max(0.05 * baseline.abs())
            .max(0.1 * self.deviation)
            .max(0.5 * smallest)
            .max(f64::MIN_POSITIVE.sqrt());
        // Against a level without any noise every step is infinite; past a point it only says "surely".
        let z = ((observed - baseline) / scale).clamp(-MOST, MOST);
        Some(Shift { baseline, observed, scale, z })
    }
}

/// Compares values of the incident with normal ones, as [`Normal::shift`] does. `None` when either side has too
/// little to say: fewer than three normal values, or none of the incident.
pub fn shift(normal: &[f64], incident: &[f64], smallest: f64) -> Option<Shift> {
    Normal::of(normal)?.shift(incident, smallest)
}

/// The level that the incident held longest away from normal: the median of the half of it that deviates
/// more. An incident whose end is recorded too, or whose onset is a little late, keeps its level that way,
/// while a single spike does not become one.
fn sustained(incident: &[f64], baseline: f64) -> Option<f64> {
    let mut by_deviation: Vec<f64> = incident.to_vec();
    by_deviation.sort_by(|a, b| (b - baseline).abs().total_cmp(&(a - baseline).abs()));
    by_deviation.truncate(incident.len().div_ceil(2).max(2));
    median(&by_deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_series_that_wiggles_is_not_a_finding() {
        let normal = [100.0; 20];
        let found = shift(&normal, &[101.0, 102.0, 101.0], 0.0).expect("enough values");
        assert!(found.z < 1.0, "{found:?}");
    }

    #[test]
    fn a_step_is_found_in_both_directions() {
        let normal: Vec<f64> = (0..40).map(|i| 10.0 + f64::from(i % 5) * 0.1).collect();
        assert!(shift(&normal, &[20.0, 21.0, 20.0], 0.0).expect("values").z > 10.0);
        assert!(shift(&normal, &[1.0, 1.2, 1.0], 0.0).expect("values").z < -10.0);
    }

    #[test]
    fn one_spike_is_not_a_level() {
        let normal: Vec<f64> = (0..40).map(|i| 10.0 + f64::from(i % 5) * 0.1).collect();
        let mut incident = vec![10.1; 9];
        incident.push(500.0);
        assert!(shift(&normal, &incident, 0.0).expect("values").z < 3.0);
    }

    #[test]
    fn too_little_to_say_is_said() {
        assert_eq!(shift(&[1.0, 2.0], &[9.0], 0.0), None);
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[], 0.0), None);
    }
}
