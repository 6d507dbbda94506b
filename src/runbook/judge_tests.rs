use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn levels(levels: &[f64]) -> Observation {
    let rows = levels
        .iter()
        .map(|level| Row { level: Some(*level), samples: vec![*level], ..Row::default() })
        .collect();
    Observation { rows, texts: Vec::new(), complete: true, sampled: false }
}

fn judge(expect: &str, observed: &Observation) -> Truth {
    Expect::parse(expect).unwrap().judge(observed)
}

#[rstest]
#[case("> 0.9", &[0.95], Truth::True)]
#[case("> 0.9", &[0.5], Truth::False)]
#[case("> 0.9", &[0.5, 0.95], Truth::True)]
#[case("> 0.9", &[f64::NAN], Truth::Unknown)]
#[case("> 0.9", &[f64::NAN, 0.5], Truth::Unknown)]
#[case("> 0.9", &[f64::NAN, 0.95], Truth::True)]
#[case("> 0.9", &[], Truth::Unknown)]
#[case("< 500ms", &[0.4], Truth::True)]
#[case("== 1", &[1.0], Truth::True)]
#[case("!= 1", &[1.0], Truth::False)]
#[case("present", &[1.0], Truth::True)]
#[case("present", &[], Truth::Unknown)]
#[case("absent", &[], Truth::True)]
#[case("absent", &[1.0], Truth::False)]
fn compares_levels(#[case] expect: &str, #[case] observed: &[f64], #[case] truth: Truth) {
    assert_eq!(judge(expect, &levels(observed)), truth);
}

#[test]
fn half_an_answer_never_says_no() {
    let mut half = levels(&[0.5]);
    half.complete = false;
    assert_eq!(judge("> 0.9", &half), Truth::Unknown);
    assert_eq!(judge("< 0.9", &half), Truth::True, "what was seen stays seen");
    half.rows.clear();
    assert_eq!(judge("absent", &half), Truth::Unknown);
}

#[test]
fn nothing_found_where_the_subject_is_known_is_a_no() {
    let none = Observation {
        rows: vec![Row { level: Some(0.0), ..Row::default() }],
        texts: Vec::new(),
        complete: true,
        sampled: false,
    };
    assert_eq!(judge("present", &none), Truth::False);
    assert_eq!(judge("> 0", &none), Truth::False);
    assert_eq!(judge("matches /panic/", &none), Truth::False);
    assert_eq!(judge("absent", &none), Truth::True);
}

#[test]
fn compares_with_the_baseline_of_the_same_row() {
    let row = |level, normal| Row { level: Some(level), baseline_level: normal, ..Row::default() };
    let observed = |row| Observation { rows: vec![row], texts: Vec::new(), complete: true, sampled: false };
    assert_eq!(judge("> 3x baseline", &observed(row(10.0, Some(3.0)))), Truth::True);
    assert_eq!(judge("> 3x baseline", &observed(row(8.0, Some(3.0)))), Truth::False);
    assert_eq!(judge("> 3x baseline", &observed(row(8.0, None))), Truth::Unknown);
    assert_eq!(judge("> 3x baseline", &observed(row(8.0, Some(f64::NAN)))), Truth::Unknown);
}

#[test]
fn percentiles_look_at_samples() {
    let row = Row {
        samples: (1..=100).map(f64::from).collect(),
        baseline: (1..=100).map(|n| f64::from(n) / 10.0).collect(),
        ..Row::default()
    };
    let observed = Observation { rows: vec![row], texts: Vec::new(), complete: true, sampled: false };
    assert_eq!(judge("p95 > 3x baseline", &observed), Truth::True);
    assert_eq!(judge("p95 > 90", &observed), Truth::True);
    assert_eq!(judge("p50 > 90", &observed), Truth::False);
    assert_eq!(judge("> 90", &observed), Truth::Unknown, "no level, so nothing to compare");
}

#[rstest]
#[case(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Truth::True)]
#[case(&[1.0, 1.2, 1.1, 1.4, 1.3, 1.6, 1.5, 1.8], Truth::True)]
#[case(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], Truth::False)]
#[case(&[5.0, 5.0, 5.0, 5.0, 5.0, 5.0], Truth::False)]
#[case(&[100.0, 100.1, 100.2, 100.3, 100.4, 100.5], Truth::False)]
#[case(&[1.0, 2.0], Truth::Unknown)]
fn sees_a_rise(#[case] samples: &[f64], #[case] truth: Truth) {
    let rows = vec![Row { samples: samples.to_vec(), ..Row::default() }];
    assert_eq!(
        judge("increasing", &Observation { rows, texts: Vec::new(), complete: true, sampled: false }),
        truth
    );
}

#[test]
fn texts_are_searched() {
    let texts = vec!["GET /cart 200".to_owned(), "fatal: Out of memory".to_owned()];
    let observed = Observation { rows: Vec::new(), texts, complete: true, sampled: false };
    assert_eq!(judge("matches /(?i)out of memory/", &observed), Truth::True);
    assert_eq!(judge("matches /deadlock/", &observed), Truth::False);
    let sampled = Observation { sampled: true, ..observed.clone() };
    assert_eq!(judge("matches /deadlock/", &sampled), Truth::Unknown);
    let partial = Observation { complete: false, ..observed };
    assert_eq!(judge("matches /deadlock/", &partial), Truth::Unknown);
}

#[test]
fn a_verification_wants_every_series() {
    let expect = Expect::parse("< 1").unwrap();
    assert_eq!(expect.judge_every(&levels(&[0.1, 0.2])), Truth::True);
    assert_eq!(expect.judge_every(&levels(&[0.1, 2.0])), Truth::False);
    assert_eq!(expect.judge_every(&levels(&[0.1, f64::NAN])), Truth::Unknown);
    assert_eq!(expect.judge_every(&levels(&[])), Truth::Unknown);
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1e6..1e6_f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

proptest! {
    #[test]
    fn without_data_nothing_is_false(
        expect in prop::sample::select(vec!["> 1", "p95 > 3x baseline", "increasing", "present", "matches /x/", "< 2x baseline", "!= 0"]),
        complete: bool,
        empty_rows in 0_usize..3,
    ) {
        let rows = vec![Row { level: Some(f64::NAN), samples: vec![f64::NAN], ..Row::default() }; empty_rows];
        let observed = Observation { rows, texts: Vec::new(), complete, sampled: false };
        prop_assert_eq!(judge(expect, &observed), Truth::Unknown);
    }

    #[test]
    fn an_incomplete_answer_is_never_false_but_for_absent(
        numbers in prop::collection::vec(any_number(), 0..20),
        expect in prop::sample::select(vec!["> 1", "p95 > 3", "increasing", "present", "matches /x/"]),
    ) {
        let row = Row { level: numbers.first().copied(), samples: numbers, ..Row::default() };
        let observed = Observation { rows: vec![row], texts: Vec::new(), complete: false, sampled: false };
        prop_assert_ne!(judge(expect, &observed), Truth::False);
    }

    #[test]
    fn a_percentile_lies_within_the_samples(numbers in prop::collection::vec(-1e6..1e6_f64, 1..50), percent in 0.1..99.9) {
        let value = quantile(&numbers, percent).unwrap();
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((low..=high).contains(&value));
    }
}
