use serde::Serialize;

/// Quantile of the normal distribution for 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Where a share lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Wilson's score interval for `right` out of `all`; `None` when there are none. Unlike the textbook interval it
/// is sound for few cases and for shares near 0 and 1 (Wilson 1927).
pub fn interval(right: usize, all: usize) -> Option<Interval> {
    if all == 0 {
        return None;
    }
    let count = all as f64;
    let share = right.min(all) as f64 / count;
    let square = Z * Z;
    let center = (share + square / (2.0 * count)) / (1.0 + square / count);
    let half =
        Z / (1.0 + square / count) * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    // Rounding must not keep a share out of its own interval.
    Some(Interval { low: (center - half).clamp(0.0, share), high: (center + half).clamp(share, 1.0) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        // The roots of (p - share)² = z² p (1 - p) / n.
        let close = |got: Option<Interval>, low: f64, high: f64| {
            let got = got.expect("an interval");
            assert!((got.low - low).abs() < 5e-4 && (got.high - high).abs() < 5e-4, "{got:?}");
        };
        close(interval(8, 10), 0.4902, 0.9433);
        close(interval(0, 10), 0.0, 0.2775);
        close(interval(50, 100), 0.4038, 0.5962);
        assert_eq!(interval(0, 0), None);
    }

    proptest! {
        #[test]
        fn it_holds_the_share_and_narrows(all in 1_usize..500, part in 0.0_f64..=1.0) {
            let right = (all as f64 * part) as usize;
            let few = interval(right, all).expect("an interval");
            let many = interval(right * 10, all * 10).expect("an interval");
            let share = right as f64 / all as f64;
            prop_assert!(0.0 <= few.low && few.low <= share && share <= few.high && few.high <= 1.0);
            prop_assert!(many.high - many.low < few.high - few.low);
        }
    }
}
