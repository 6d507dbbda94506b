//! Where a series changed its level: CUSUM over the standardised values (Page 1954), two-sided.

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value of the new level.
    pub index: usize,
    /// First and last index at which the change may lie, within one unit of log-likelihood.
    pub earliest: usize,
    pub latest: usize,
    /// Gain in log-likelihood over "no change", in units of the noise: n1 n2 / (n1 + n2) d^2 / 2.
    pub gain: f64,
}

/// Finds the split with the greatest gain for values whose noise is `scale`. Values are clipped at 8
/// scales, so that one spike does not make a level. `None` for fewer than four values.
pub fn change_point(values: &[f64], center: f64, scale: f64) -> Option<ChangePoint> {
    if values.len() < 4 {
        return None;
    }
    let standard: Vec<f64> = values
        .iter()
        .map(|value| ((value - center) / scale.max(f64::MIN_POSITIVE)).clamp(-8.0, 8.0))
        .collect();
    let total: f64 = standard.iter().sum();
    let count = standard.len() as f64;
    let mut gains = Vec::with_capacity(standard.len() - 1);
    let mut left = 0.0;
    for (index, value) in standard.iter().enumerate().take(standard.len() - 1) {
        left += value;
        let n_left = (index + 1) as f64;
        let n_right = count - n_left;
        let difference = (total - left) / n_right - left / n_left;
        gains.push(n_left * n_right / count * difference * difference / 2.0);
    }
    let (best, gain) =
        gains.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    let near = |found: &f64| gain - found <= 1.0;
    let earliest = gains.iter().position(near).unwrap_or(best);
    let latest = gains.iter().rposition(near).unwrap_or(best);
    Some(ChangePoint { index: best + 1, earliest: earliest + 1, latest: latest + 1, gain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_step() {
        let values: Vec<f64> = (0..30).map(|i| if i < 18 { 1.0 } else { 9.0 }).collect();
        let found = change_point(&values, 1.0, 1.0).expect("long enough");
        assert_eq!((found.index, found.earliest, found.latest), (18, 18, 18));
        assert!(found.gain > 100.0);
    }

    #[test]
    fn noise_has_little_gain() {
        let values: Vec<f64> = (0..30).map(|i| f64::from((i * 7) % 5) - 2.0).collect();
        assert!(change_point(&values, 0.0, 1.5).expect("long enough").gain < 4.0);
    }
}
