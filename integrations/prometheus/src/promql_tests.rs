use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("up == 0", &["up"])]
#[case("5 < rate(errors_total[5m])", &["rate(errors_total[5m])"])]
#[case("(a / b) > 0.05", &["(a / b)"])]
#[case("a > 5 and b > 1", &["a", "b"])]
#[case("(a > 5) unless on (job) (b < -1)", &["a", "b"])]
#[case("a > bool 5 or c >= (7)", &["a", "c"])]
#[case("a > on (pod) group_left () b", &["a", "b"])]
#[case("count by (job) (up == 0) > 2", &["count by (job) (up == 0)"])]
#[case("absent(up{job=\"x\"})", &["absent(up{job=\"x\"})"])]
#[case("a > 1 and a > 2 and b > 0 and c > 0 and d > 0", &["a", "b", "c"])]
#[case("MetricsQL with (x) thing{", &["MetricsQL with (x) thing{"])]
#[case("", &[])]
fn what_is_compared_is_what_to_look_at(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(rule(text).indicators, expected);
}

#[test]
fn a_rule_names_its_metrics_and_what_it_pins() {
    let text = r#"
        sum by (route) (rate(http_requests_total{service="checkout",code=~"5.."}[5m]))
          / sum by (route) (rate(http_requests_total{service="checkout"}[5m])) > 0.05
        and on () max_over_time({__name__="db_pool_in_use",namespace="prod"}[10m:1m]) > 7"#;
    let rule = rule(text);
    assert_eq!(rule.metrics, ["http_requests_total", "db_pool_in_use"]);
    assert_eq!(
        rule.pinned,
        [("service".into(), "checkout".into()), ("namespace".into(), "prod".into())] as [(String, String); 2]
    );
    assert_eq!(rule.indicators.len(), 2);
    assert!(rule.indicators.iter().all(|part| !part.contains('>') && parse(part).is_ok()), "{rule:?}");
}

#[test]
fn a_hostile_expression_is_not_even_parsed() {
    for text in [
        format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}1", "-".repeat(10_000)),
        format!("{}1", "a or\n".repeat(3_000)),
        format!("up{{a=\"{}\"}}", "x".repeat(100_000)),
    ] {
        assert_eq!(rule(&text), Rule::default());
    }
}

#[test]
fn matchers_are_escaped() {
    let mut selector = Selector::default();
    selector.equal("path", "a\"b\\c\n").any_of("service", ["x.y", "a|b", "x.y"]).any_of("job", ["one"]);
    assert_eq!(
        selector.of("http_requests_total"),
        r#"http_requests_total{job="one",path="a\"b\\c\n",service=~"a\\|b|x\\.y"}"#
    );
    assert_eq!(
        Selector::default().equal("a.b", "c").of("http.server"),
        r#"{__name__="http.server","a.b"="c"}"#
    );
}

#[rstest]
#[case(Duration::from_millis(250), "250ms")]
#[case(Duration::from_secs(1), "1s")]
#[case(Duration::from_millis(61_500), "62s")]
#[case(Duration::from_secs(60), "1m")]
#[case(Duration::from_secs(300), "5m")]
#[case(Duration::from_secs(7200), "2h")]
fn durations_are_written_as_people_write_them(#[case] length: Duration, #[case] text: &str) {
    assert_eq!(duration(length), text);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,200}") {
        rule(&text);
    }

    #[test]
    fn text_like_promql_does_not_either(text in "[a-c(){}\\[\\]=~\"><!|&+*/0-9m: -]{0,120}") {
        rule(&text);
    }

    #[test]
    fn a_written_selector_reads_back_as_the_same_matchers(
        label in "[a-z_][a-z0-9_]{0,8}",
        values in proptest::collection::vec("[^\\x00-\\x09\\x0b-\\x1f]{1,12}", 1..4),
    ) {
        let mut selector = Selector::default();
        selector.any_of(&label, values.iter().map(String::as_str));
        let text = selector.of("metric");
        let Ok(Expr::VectorSelector(read)) = parse(&text) else {
            return Err(TestCaseError::fail(format!("{text} does not parse")));
        };
        let found = read.matchers.find_matchers(&label);
        prop_assert_eq!(found.len(), 1);
        for value in &values {
            prop_assert!(found.iter().all(|matcher| matcher.is_match(value)), "{} misses {:?}", text, value);
        }
        prop_assert!(found.iter().all(|matcher| !matcher.is_match("something else entirely")));
    }
}
