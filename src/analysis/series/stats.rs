//! Order statistics.

/// Quantile of sorted values by linear interpolation; `None` for no values.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let low = sorted.get(position.floor() as usize)?;
    let high = sorted.get(position.ceil() as usize)?;
    Some(low + (high - low) * position.fract())
}

/// Median of values in any order; `None` for no values.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// Third quartile minus first, of values in any order; 0 for fewer than two.
pub fn interquartile_range(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    match (quantile(&sorted, 0.25), quantile(&sorted, 0.75)) {
        (Some(low), Some(high)) => high - low,
        _ => 0.0,
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}
