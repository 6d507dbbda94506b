//! From counts and shifts to decibans.
//!
//! A deciban is ten times the base-10 logarithm of a likelihood ratio. The likelihood ratio of the best
//! fitting rate against the normal one is `exp(G/2)` with Wilks' G; what one looks for among many gets
//! dearer by the number of places one looked at (Bonferroni). All strengths saturate: past a point more
//! data proves that something differs, not that it matters.

use crate::domain::Decibans;

/// Decibans per nat.
const PER_NAT: f64 = 10.0 / std::f64::consts::LN_10;

/// Strength at which every finding saturates.
pub const CEILING: Decibans = 20.0;

/// G statistic of a Poisson count against its expectation, signed by direction.
///
/// `2 (o ln(o/e) - (o - e))`; 0 when they agree.
pub fn poisson_g(observed: f64, expected: f64) -> f64 {
    if expected <= 0.0 && observed <= 0.0 {
        return 0.0;
    }
    let expected = expected.max(1e-9);
    let log_term = if observed > 0.0 { observed * (observed / expected).ln() } else { 0.0 };
    let g = (2.0 * (log_term - (observed - expected))).max(0.0);
    if observed < expected { -g } else { g }
}

/// G statistic of two Poisson counts over two exposures against one common rate, signed by the second.
///
/// Unlike [`poisson_g`] it knows that the normal rate is itself only an estimate.
pub fn rates_g(before: f64, exposure_before: f64, during: f64, exposure_during: f64) -> f64 {
    let exposure = exposure_before + exposure_during;
    if exposure_before <= 0.0 || exposure_during <= 0.0 || before + during <= 0.0 {
        return 0.0;
    }
    let rate = (before + during) / exposure;
    let term = |count: f64, expected: f64| if count > 0.0 { count * (count / expected).ln() } else { 0.0 };
    let g = 2.0 * (term(before, rate * exposure_before) + term(during, rate * exposure_during));
    if during / exposure_during < before / exposure_before { -g.max(0.0) } else { g.max(0.0) }
}

/// G statistic of two shares, `before` of `all_before` and `during` of `all_during`, against one common share;
/// signed by the second.
///
/// What is always so, or never, has no noise: four exceptions to a rule without exception say more than four
/// fewer of something that comes and goes.
pub fn binomial_g(before: f64, all_before: f64, during: f64, all_during: f64) -> f64 {
    if all_before <= 0.0 || all_during <= 0.0 {
        return 0.0;
    }
    let (before, during) = (before.clamp(0.0, all_before), during.clamp(0.0, all_during));
    let all = all_before + all_during;
    let share = (before + during) / all;
    let term =
        |count: f64, of: f64, share: f64| if count > 0.0 { count * (count / of / share).ln() } else { 0.0 };
    let g = 2.0
        * (term(before, all_before, share)
            + term(all_before - before, all_before, 1.0 - share)
            + term(during, all_during, share)
            + term(all_during - during, all_during, 1.0 - share));
    if during / all_during < before / all_before { -g.max(0.0) } else { g.max(0.0) }
}

/// How far a share of executions makes a rule, 0 to 1: what always happens follows from the code, what happens
/// half of the time from what was asked for, and a change of it may be a change of workload.
pub fn rule(share: f64) -> f64 {
    (2.0 * share.clamp(0.5, 1.0) - 1.0).powi(3)
}

/// Decibans of a G statistic among `places` that were looked at.
pub fn decibans_of_g(g: f64, places: usize) -> Decibans {
    (PER_NAT * (g.abs() / 2.0) - 10.0 * (places.max(1) as f64).log10()).clamp(0.0, CEILING)
}

/// Decibans of a robust z among `places` that were looked at.
///
/// Telemetry has heavy tails, so the strength grows with |z| itself, not with its square: 3 is noise, 6 is
/// worth a look, 20 is as sure as it gets.
pub fn decibans_of_z(z: f64, places: usize) -> Decibans {
    let magnitude = if z.is_finite() { z.abs() } else { 0.0 };
    (1.6 * (magnitude - 3.0) - 2.0 * (places.max(1) as f64).log10()).clamp(0.0, CEILING)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_shares_are_no_evidence(all in 1_u32..500, part in 0.0..=1.0_f64, times in 1_u32..20) {
            let (before, all) = ((f64::from(all) * part).floor(), f64::from(all));
            let times = f64::from(times);
            prop_assert!(binomial_g(before, all, before * times, all * times).abs() < 1e-6);
        }

        #[test]
        fn a_share_that_fell_is_signed_down(
            all in [1_u32..500, 1_u32..500],
            parts in [0.0..=1.0_f64, 0.0..=1.0_f64],
        ) {
            let all = all.map(f64::from);
            let (before, during) = ((all[0] * parts[0]).floor(), (all[1] * parts[1]).floor());
            let g = binomial_g(before, all[0], during, all[1]);
            let (usual, now) = (before / all[0], during / all[1]);
            prop_assert!(g.is_finite());
            prop_assert!(if now < usual { g <= 0.0 } else { g >= 0.0 }, "{g}");
            prop_assert!((now - usual).abs() < 1e-9 || g.abs() > 0.0, "{usual} {now}");
        }

        #[test]
        fn the_further_the_share_the_stronger(
            all in [2_u32..500, 2_u32..500],
            part in 0.0..=1.0_f64,
            step in 0_u32..500,
        ) {
            let before = (f64::from(all[0]) * part).floor();
            let g = |during: u32| binomial_g(before, f64::from(all[0]), f64::from(during), f64::from(all[1]));
            let step = step.min(all[1] - 1);
            prop_assert!(g(step) <= g(step + 1) + 1e-9, "{} {}", g(step), g(step + 1));
        }

        #[test]
        fn a_rule_is_the_stricter_the_fewer_exceptions(one in 0.0..=1.0_f64, other in 0.0..=1.0_f64) {
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(rule(less) <= rule(more));
            prop_assert!((0.0..=1.0).contains(&rule(one)));
        }
    }

    #[test]
    fn what_happens_always_is_a_rule_and_what_happens_half_of_the_time_is_none() {
        assert!((rule(1.0) - 1.0).abs() < 1e-9);
        assert!(rule(0.5).abs() < 1e-9 && rule(0.0).abs() < 1e-9);
    }

    #[test]
    fn four_exceptions_to_a_rule_say_more_than_four_fewer_of_what_comes_and_goes() {
        let of_rule = binomial_g(100.0, 100.0, 16.0, 20.0);
        let of_choice = binomial_g(50.0, 100.0, 6.0, 20.0);
        assert!(of_rule < of_choice && of_choice < 0.0, "{of_rule} {of_choice}");
    }

    #[test]
    fn equal_rates_are_no_evidence() {
        assert!(poisson_g(10.0, 10.0).abs() < 1e-9);
        assert!(rates_g(100.0, 10.0, 50.0, 5.0).abs() < 1e-9);
        assert!(decibans_of_g(0.0, 1) < 1e-9);
    }

    #[test]
    fn a_vanished_call_is_near_proof_and_signed_down() {
        let g = rates_g(100.0, 50.0, 0.0, 20.0);
        assert!(g < -20.0, "{g}");
        assert!(decibans_of_g(g, 100) > 10.0);
    }

    #[test]
    fn strength_never_leaves_its_bounds() {
        for g in [0.0, 1.0, 1e6, f64::MAX] {
            assert!((0.0..=CEILING).contains(&decibans_of_g(g, 10)));
        }
        for z in [f64::NAN, f64::INFINITY, -1e300, 4.0] {
            assert!((0.0..=CEILING).contains(&decibans_of_z(z, 10)));
        }
    }
}
