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
    selected(&mut finite(values), 0.5)
}

/// Median, and third quartile minus first, of values in any order; `None` for no values.
pub fn median_and_range(values: &[f64]) -> Option<(f64, f64)> {
    let mut values = finite(values);
    let low = selected(&mut values, 0.25)?;
    let median = selected(&mut values, 0.5)?;
    Some((median, selected(&mut values, 0.75)? - low))
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

/// [`quantile`] of values in any order, without sorting all of them.
fn selected(values: &mut [f64], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let (_, low, above) = values.select_nth_unstable_by(position.floor() as usize, f64::total_cmp);
    let low = *low;
    let high = if position.fract() > 0.0 { above.iter().copied().min_by(f64::total_cmp)? } else { low };
    Some(low + (high - low) * position.fract())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_selected_is_what_sorting_gives(
            values in prop::collection::vec(any::<f64>(), 0..60),
            q in 0.0..=1.0_f64,
        ) {
            let mut values = finite(&values);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let expected = quantile(&sorted, q).map(f64::to_bits);
            prop_assert_eq!(selected(&mut values, q).map(f64::to_bits), expected);
        }
    }
}
