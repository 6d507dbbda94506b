use proptest::prelude::*;

use super::*;
use crate::bench::Reliability;

/// Cases whose right answers come as often as `truth` says, by a fixed sequence that fills `[0, 1)` evenly.
fn drawn(count: u32, truth: impl Fn(f64) -> f64) -> Vec<Sample> {
    let golden = 0.618_033_988_749_895_f64;
    (0..count)
        .map(|number| {
            let raw = -20.0 + 40.0 * f64::from(number) / f64::from(count);
            let chance = (f64::from(number) * golden).fract();
            let said = truth(raw);
            Sample { raw, said, right: chance < said, group: format!("g{}", number % 17), weight: 1.0 }
        })
        .collect()
}

fn sigmoid(raw: f64) -> f64 {
    1.0 / (1.0 + 10_f64.powf(-raw / 10.0))
}

fn apply(points: &[(f64, f64)], raw: f64) -> f64 {
    crate::domain::CalibrationTable::new(points.to_vec(), Default::default()).expect("a table").apply(raw)
}

/// The least squares among all ways to cut into runs whose means do not fall.
fn brute_force(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let count = values.len();
    let mut best: Option<(f64, Vec<f64>)> = None;
    for cuts in 0..1_u32 << (count - 1) {
        let mut fitted = Vec::new();
        let mut start = 0;
        for end in 1..=count {
            if end == count || cuts >> (end - 1) & 1 == 1 {
                let weight: f64 = weights[start..end].iter().sum();
                let sum: f64 = (start..end).map(|place| values[place] * weights[place]).sum();
                fitted.extend(std::iter::repeat_n(sum / weight, end - start));
                start = end;
            }
        }
        if fitted.array_windows().any(|[one, two]| one > two) {
            continue;
        }
        let cost: f64 =
            (0..count).map(|place| weights[place] * (values[place] - fitted[place]).powi(2)).sum();
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, fitted));
        }
    }
    best.expect("one run is always monotone").1
}

proptest! {
    #[test]
    fn pooling_finds_the_least_squares(
        items in prop::collection::vec((0.0_f64..1.0, 0.1_f64..5.0), 1..9)
    ) {
        let (values, weights): (Vec<f64>, Vec<f64>) = items.into_iter().unzip();
        let expected = brute_force(&values, &weights);
        for (got, expected) in pav(&values, &weights).iter().zip(&expected) {
            prop_assert!((got - expected).abs() < 1e-9, "{got} {expected}");
        }
    }

    #[test]
    fn both_fits_are_monotone_probabilities(
        items in prop::collection::vec((-300.0_f64..300.0, any::<bool>()), 1..60)
    ) {
        let samples: Vec<Sample> = items
            .into_iter()
            .map(|(raw, right)| Sample { raw: raw.round(), said: 0.5, right, group: "g".to_owned(), weight: 1.0 })
            .collect();
        for points in [isotonic(&samples), platt(&samples).points(&samples)] {
            prop_assert!(!points.is_empty());
            prop_assert!(points.iter().all(|(raw, value)| raw.is_finite() && (0.0..=1.0).contains(value)));
            prop_assert!(points.array_windows().all(|[one, two]| one.0 < two.0 && one.1 <= two.1), "{points:?}");
        }
    }
}

#[test]
fn what_is_calibrated_stays_as_it_is() {
    let samples = drawn(4_000, sigmoid);
    let (by_steps, by_curve) = (isotonic(&samples), platt(&samples));
    assert!((by_curve.slope - 1.0).abs() < 0.05 && by_curve.offset.abs() < 0.05, "{by_curve:?}");
    let by_curve = by_curve.points(&samples);
    for raw in [-15.0, -6.0, 0.0, 6.0, 15.0] {
        for points in [&by_steps, &by_curve] {
            assert!((apply(points, raw) - sigmoid(raw)).abs() < 0.06, "{raw}: {}", apply(points, raw));
        }
    }
}

#[test]
fn what_claims_too_much_is_taken_down() {
    // Says 20 decibans, and is right as if it were 5.
    let samples = drawn(2_000, |raw| sigmoid(raw / 4.0));
    let fitted = platt(&samples);
    assert!((fitted.slope - 0.25).abs() < 0.03, "{fitted:?}");
    assert!((apply(&isotonic(&samples), 18.0) - sigmoid(4.5)).abs() < 0.08);
}

#[test]
fn a_score_that_says_nothing_gets_the_share_of_right_answers() {
    // The higher the score, the more often wrong: no monotone map can use it.
    let samples = drawn(500, |raw| sigmoid(-raw));
    let fitted = platt(&samples);
    assert!(fitted.slope == 0.0 && (fitted.apply(10.0) - 0.5).abs() < 0.05, "{fitted:?}");
    let flat = isotonic(&samples);
    assert!((apply(&flat, -20.0) - apply(&flat, 20.0)).abs() < 0.1);
}

#[test]
fn a_few_right_answers_are_no_certainty() {
    let samples: Vec<Sample> = (0..5)
        .map(|number| Sample {
            raw: f64::from(number),
            said: 1.0,
            right: true,
            group: String::new(),
            weight: 1.0,
        })
        .collect();
    assert!(apply(&isotonic(&samples), 4.0) < 0.99);
    assert!(platt(&samples).apply(4.0) < 0.99);
}

#[test]
fn the_better_fit_is_chosen_by_causes_it_does_not_know() {
    let mut samples = drawn(600, |raw| sigmoid(raw / 3.0));
    for sample in &mut samples {
        sample.said = sigmoid(sample.raw);
    }
    let table = fit(&samples, Vec::new(), Vec::new(), "2026-01-01").expect("a table");
    let from = &table.provenance;
    let chosen = if from.method == "platt" { from.platt } else { from.isotonic };
    assert!(chosen.brier <= from.platt.brier.min(from.isotonic.brier));
    assert!(chosen.brier < from.before.brier && chosen.ece < from.before.ece, "{from:?}");
    assert_eq!((from.cases, from.groups, from.date.as_str()), (600, 17, "2026-01-01"));
    let before: Vec<_> = samples.iter().map(|sample| (sample.said, sample.right)).collect();
    assert_eq!(from.before.brier, Reliability::of(&before).expect("cases").brier);
    assert_eq!(table, fit(&samples, Vec::new(), Vec::new(), "2026-01-01").expect("the same table"));
}

#[test]
fn held_out_cases_are_judged_by_the_others_alone() {
    // Each group is all right or all wrong whatever the score: who peeks at the group would be perfect.
    let samples: Vec<Sample> = (0..60_u32)
        .map(|number| {
            let group = number % 6;
            let raw = f64::from(number % 10);
            Sample { raw, said: 0.5, right: group.is_multiple_of(2), group: group.to_string(), weight: 1.0 }
        })
        .collect();
    let table = fit(&samples, Vec::new(), Vec::new(), "2026-01-01").expect("a table");
    assert!(table.provenance.platt.brier > 0.25, "{:?}", table.provenance);
}

#[test]
fn too_few_cases_are_refused() {
    let few = drawn(8, sigmoid);
    assert!(fit(&few, Vec::new(), Vec::new(), "").is_err());
    let mut one_cause = drawn(50, sigmoid);
    one_cause.iter_mut().for_each(|sample| sample.group = "same".to_owned());
    let error = fit(&one_cause, Vec::new(), Vec::new(), "").expect_err("one cause").to_string();
    assert!(error.contains("50 cases of 1 different causes"), "{error}");
}

#[test]
fn a_case_under_many_conditions_counts_once() {
    let once = drawn(60, sigmoid);
    let part = |sample: &Sample| Sample { weight: 0.25, ..sample.clone() };
    let often: Vec<Sample> = once.iter().flat_map(|sample| std::iter::repeat_n(part(sample), 4)).collect();
    let (one, other) = (platt(&once), platt(&often));
    assert!((one.slope - other.slope).abs() < 1e-6 && (one.offset - other.offset).abs() < 1e-6);
    let near = |(one, other): (&(f64, f64), &(f64, f64))| {
        (one.0 - other.0).abs() < 1e-6 && (one.1 - other.1).abs() < 1e-6
    };
    let (one, other) = (isotonic(&once), isotonic(&often));
    assert!(one.len() == other.len() && one.iter().zip(&other).all(near), "{one:?} {other:?}");
    let table = fit(&often, Vec::new(), Vec::new(), "2026-01-01").expect("a table");
    assert_eq!(table.provenance.cases, 60);
}
