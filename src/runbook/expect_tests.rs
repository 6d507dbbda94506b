use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("> 0", "> 0")]
#[case(">=0.95", ">= 0.95")]
#[case("< 500ms", "< 500ms")]
#[case("== 1", "== 1")]
#[case("> 90 %", "> 90%")]
#[case("> 1e-3", "> 0.001")]
#[case("  p99.9   > 1.5s ", "p99.9 > 1.5s")]
#[case("p95 > 3x baseline", "p95 > 3x baseline")]
#[case("> 2.5 x baseline", "> 2.5x baseline")]
#[case("matches /(?i)out of memory/", "matches /(?i)out of memory/")]
#[case("absent", "absent")]
fn parses_to_its_plain_form(#[case] text: &str, #[case] plain: &str) {
    assert_eq!(Expect::parse(text).unwrap().to_string(), plain);
}

#[rstest]
#[case("", "is empty")]
#[case("high", "`high` is not one of")]
#[case("> lots", "`` is not a number")]
#[case("> 5 parsecs", "unit `parsecs` is not known")]
#[case("p100 > 1", "percentile `p100`")]
#[case("p0 > 1", "percentile `p0`")]
#[case("matches foo", "between slashes")]
#[case("matches /(/", "does not compile")]
#[case("> NaN", "is not a number")]
#[case("> 1e999", "`1e999` is not a number")]
fn says_what_is_wrong(#[case] text: &str, #[case] message: &str) {
    let error = Expect::parse(text).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn units_convert_to_base_units() {
    let value = |text: &str| match Expect::parse(text).unwrap() {
        Expect::Compare { bound: Bound::Fixed(quantity), .. } => quantity.value(),
        other => panic!("{other}"),
    };
    assert_eq!(value("> 250ms"), 0.25);
    assert_eq!(value("> 2h"), 7200.0);
    assert_eq!(value("> 1MiB"), 1_048_576.0);
    assert!((value("> 90%") - 0.9).abs() < 1e-12);
}

fn any_expect() -> impl Strategy<Value = Expect> {
    let number = prop_oneof![any::<i32>().prop_map(f64::from), -1e9..1e9_f64, 1e-12..1e-3_f64];
    let bound = prop_oneof![
        (number.clone(), 0..Unit::ALL.len())
            .prop_map(|(number, unit)| Bound::Fixed(Quantity { number, unit: Unit::ALL[unit] })),
        number.prop_map(Bound::Baseline),
    ];
    let quantile = proptest::option::of(0.1..99.9_f64);
    prop_oneof![
        Just(Expect::Absent),
        Just(Expect::Present),
        Just(Expect::Increasing),
        "[a-z /.|*+]{0,20}".prop_filter_map("compiles", |text| Regex::new(&text).ok().map(Expect::Matches)),
        (quantile, 0..Op::ALL.len(), bound).prop_map(|(quantile, op, bound)| Expect::Compare {
            quantile,
            op: Op::ALL[op],
            bound
        }),
    ]
}

proptest! {
    #[test]
    fn prints_what_it_reads(expect in any_expect()) {
        let text = expect.to_string();
        // a regular expression's outer blanks are not kept
        prop_assume!(!text.contains("/ ") && !text.contains(" /") || !matches!(expect, Expect::Matches(_)));
        prop_assert_eq!(Expect::parse(&text).unwrap(), expect);
    }

    #[test]
    fn never_panics(text in "\\PC{0,60}") {
        if let Ok(expect) = Expect::parse(&text) {
            prop_assert_eq!(Expect::parse(&expect.to_string()).unwrap(), expect);
        }
    }
}
