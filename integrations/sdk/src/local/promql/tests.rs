use std::time::Duration;

use jiff::Timestamp;

use super::{check, range};
use crate::{
    ErrorKind, Result,
    signal::{Labels, MetricKind, Point, Series, Window},
};

const T0: i64 = 1_700_000_000;

fn series(name: &str, labels: &[(&str, &str)], every: i64, values: &[f64]) -> Series {
    let points = values
        .iter()
        .enumerate()
        .map(|(index, value)| Point { at: (T0 + index as i64 * every) * 1_000_000_000, value: *value });
    Series {
        name: name.to_owned(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        kind: MetricKind::Gauge,
        unit: "s".to_owned(),
        points: points.collect(),
        query: String::new(),
    }
}

/// A window from some seconds after the first sample.
fn window(from: i64, to: i64) -> Window {
    let at = |seconds| Timestamp::from_second(T0 + seconds).unwrap();
    Window::new(at(from), at(to))
}

fn eval(store: &[Series], expr: &str, from: i64, to: i64, step: u64) -> Result<Vec<Series>> {
    range(store, expr, window(from, to), Duration::from_secs(step))
}

/// The values of an expression at one moment, with the labels printed.
fn at(store: &[Series], expr: &str, moment: i64) -> Vec<(String, f64)> {
    let answer = eval(store, expr, moment, moment, 1).unwrap_or_else(|error| panic!("{expr}: {error}"));
    answer.iter().map(|series| (print(series), series.points[0].value)).collect()
}

fn print(series: &Series) -> String {
    let labels: Vec<_> = series.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{}{{{}}}", series.name, labels.join(","))
}

fn shop() -> Vec<Series> {
    vec![
        series("up", &[("service", "cart"), ("pod", "cart-0")], 15, &[1.0; 41]),
        series("up", &[("service", "cart"), ("pod", "cart-1")], 15, &[0.0; 41]),
        series("up", &[("service", "pay"), ("pod", "pay-0")], 15, &[1.0; 41]),
        series("limit", &[("service", "cart")], 15, &[10.0; 41]),
        series("limit", &[("service", "pay")], 15, &[20.0; 41]),
        series("hits_total", &[("service", "cart"), ("code", "200")], 15, &ramp(41, 30.0)),
        series("hits_total", &[("service", "cart"), ("code", "500")], 15, &ramp(41, 3.0)),
    ]
}

fn ramp(count: usize, step: f64) -> Vec<f64> {
    (0..count).map(|index| index as f64 * step).collect()
}

fn pairs(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected.iter().map(|(labels, value)| ((*labels).to_owned(), *value)).collect()
}

#[test]
fn selectors_match_by_each_kind_of_matcher_with_anchored_regexes() {
    let store = shop();
    assert_eq!(
        at(&store, "up", 100),
        pairs(&[
            ("up{pod=cart-0,service=cart}", 1.0),
            ("up{pod=cart-1,service=cart}", 0.0),
            ("up{pod=pay-0,service=pay}", 1.0)
        ])
    );
    assert_eq!(at(&store, r#"up{service=~"car"}"#, 100), []);
    assert_eq!(at(&store, r#"up{service!~"ca.*"}"#, 100), pairs(&[("up{pod=pay-0,service=pay}", 1.0)]));
    assert_eq!(at(&store, r#"up{service!="cart"}"#, 100), pairs(&[("up{pod=pay-0,service=pay}", 1.0)]));
    assert_eq!(
        at(&store, r#"{__name__="limit",pod="",service="pay"}"#, 100),
        pairs(&[("limit{service=pay}", 20.0)])
    );
}

#[test]
fn an_instant_selector_looks_back_five_minutes_and_no_further() {
    let store = [series("x", &[], 1, &[7.0])];
    assert_eq!(at(&store, "x", 299), pairs(&[("x{}", 7.0)]));
    assert_eq!(at(&store, "x", 300), []);
    assert_eq!(at(&store, "x", -1), []);
    assert_eq!(at(&store, "x offset 5m", 300), pairs(&[("x{}", 7.0)]));
    assert_eq!(at(&store, &format!("x @ {T0}"), 9_000), pairs(&[("x{}", 7.0)]));
}

#[test]
fn a_plain_selector_keeps_kind_and_unit_and_steps_stop_before_the_end() {
    let store = shop();
    let answer = eval(&store, "(limit)", 0, 30, 10).unwrap();
    assert_eq!(answer[0].unit, "s");
    assert_eq!(answer[0].query, "(limit)");
    let seconds: Vec<_> = answer[0].points.iter().map(|point| point.at / 1_000_000_000 - T0).collect();
    assert_eq!(seconds, [0, 10, 20]);
    assert_eq!(eval(&store, "limit * 2", 0, 30, 10).unwrap()[0].unit, "");
}

#[test]
fn rate_extrapolates_and_forgives_resets() {
    let store = shop();
    assert_eq!(
        at(&store, "rate(hits_total[1m])", 300),
        pairs(&[("{code=200,service=cart}", 2.0), ("{code=500,service=cart}", 0.2)])
    );
    // 10 up to 40, restart, 5 up to 20: 30 + 5 + 15 over 75 s between samples.
    let store = [series("c", &[], 15, &[10.0, 25.0, 40.0, 5.0, 10.0, 20.0])];
    let increase = at(&store, "increase(c[80s])", 75)[0].1;
    assert!((increase - 50.0 * (75.0 + 5.0) / 75.0).abs() < 1e-9, "{increase}");
    assert_eq!(at(&store, "resets(c[80s])", 75), pairs(&[("{}", 1.0)]));
    assert_eq!(at(&store, "irate(c[80s])", 45), pairs(&[("{}", 5.0 / 15.0)]));
    // A range open on the left with one sample in it has no rate.
    assert_eq!(at(&store, "rate(c[15s])", 75), []);
}

#[test]
fn aggregations_group_by_and_without() {
    let store = shop();
    assert_eq!(
        at(&store, "sum by (service) (up)", 60),
        pairs(&[("{service=cart}", 1.0), ("{service=pay}", 1.0)])
    );
    assert_eq!(
        at(&store, "count without (pod) (up)", 60),
        pairs(&[("{service=cart}", 2.0), ("{service=pay}", 1.0)])
    );
    assert_eq!(at(&store, "avg(limit)", 60), pairs(&[("{}", 15.0)]));
    assert_eq!(at(&store, "stddev(limit)", 60), pairs(&[("{}", 5.0)]));
    assert_eq!(at(&store, "quantile(0.25, limit)", 60), pairs(&[("{}", 12.5)]));
    assert_eq!(at(&store, "topk(1, limit)", 60), pairs(&[("limit{service=pay}", 20.0)]));
    assert_eq!(at(&store, "bottomk(1, limit)", 60), pairs(&[("limit{service=cart}", 10.0)]));
    assert_eq!(at(&store, r#"count_values("v", up)"#, 60), pairs(&[("{v=0}", 1.0), ("{v=1}", 2.0)]));
}

#[test]
fn vectors_match_one_to_one_and_by_group() {
    let store = shop();
    let ratio = r#"sum by (service) (rate(hits_total{code="500"}[1m])) / on (service) sum by (service) (rate(hits_total[1m]))"#;
    let value = at(&store, ratio, 300);
    assert_eq!(value[0].0, "{service=cart}");
    assert!((value[0].1 - 1.0 / 11.0).abs() < 1e-12);
    assert_eq!(
        at(&store, "up * on (service) group_left limit", 60),
        pairs(&[
            ("{pod=cart-0,service=cart}", 10.0),
            ("{pod=cart-1,service=cart}", 0.0),
            ("{pod=pay-0,service=pay}", 20.0)
        ])
    );
    assert_eq!(
        at(&store, "limit - on (service) group_right up", 60),
        pairs(&[
            ("{pod=cart-0,service=cart}", 9.0),
            ("{pod=cart-1,service=cart}", 10.0),
            ("{pod=pay-0,service=pay}", 19.0)
        ])
    );
    let error = eval(&store, "up * on (service) limit", 60, 60, 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(error.message.contains("many-to-one"), "{error}");
    let error = eval(&store, "limit * on (service) up", 60, 60, 1).unwrap_err();
    assert!(error.message.contains("duplicate series"), "{error}");
}

#[test]
fn comparisons_filter_or_tell() {
    let store = shop();
    assert_eq!(at(&store, "limit > 15", 60), pairs(&[("limit{service=pay}", 20.0)]));
    assert_eq!(at(&store, "15 > limit", 60), pairs(&[("limit{service=cart}", 10.0)]));
    assert_eq!(at(&store, "limit > bool 15", 60), pairs(&[("{service=cart}", 0.0), ("{service=pay}", 1.0)]));
    assert_eq!(at(&store, "1 < bool 2", 60), pairs(&[("{}", 1.0)]));
    assert_eq!(at(&store, "limit and on (service) (up == 0)", 60), pairs(&[("limit{service=cart}", 10.0)]));
    assert_eq!(at(&store, "limit unless on (service) (up == 0)", 60), pairs(&[("limit{service=pay}", 20.0)]));
    assert_eq!(at(&store, "limit > 15 or limit", 60), at(&store, "limit", 60));
}

#[test]
fn histogram_quantile_interpolates_within_the_bucket() {
    let bucket = |le: &str, per_step: f64| series("d_bucket", &[("le", le)], 15, &ramp(41, per_step));
    let store = [bucket("0.1", 5.0), bucket("0.5", 9.0), bucket("+Inf", 10.0)];
    let quantile =
        |wanted: &str| at(&store, &format!("histogram_quantile({wanted}, rate(d_bucket[2m]))"), 300)[0].1;
    assert!((quantile("0.25") - 0.05).abs() < 1e-12);
    assert!((quantile("0.7") - 0.3).abs() < 1e-12);
    assert!((quantile("0.99") - 0.5).abs() < 1e-12);
}

#[test]
fn functions_of_ranges_and_values() {
    let store = [series("x", &[("a", "1")], 10, &[4.0, 1.0, 3.0, 2.0])];
    let value = |expr: &str| at(&store, expr, 30)[0].1;
    assert_eq!(value("max_over_time(x[1m])"), 4.0);
    assert_eq!(value("min_over_time(x[1m])"), 1.0);
    assert_eq!(value("avg_over_time(x[1m])"), 2.5);
    assert_eq!(value("sum_over_time(x[20s])"), 5.0);
    assert_eq!(value("count_over_time(x[1m])"), 4.0);
    assert_eq!(value("quantile_over_time(0.5, x[1m])"), 2.5);
    assert_eq!(value("changes(x[1m])"), 3.0);
    assert_eq!(value("idelta(x[1m])"), -1.0);
    assert_eq!(value("last_over_time(x[1m])"), 2.0);
    assert_eq!(value("max_over_time((x * 2)[1m:10s])"), 8.0);
    assert_eq!(value("clamp(x, 0, 1) + clamp_min(x, 5)"), 6.0);
    assert_eq!(value("-x ^ 2"), -4.0);
    assert_eq!(value("round(x / 3, 0.5)"), 0.5);
    assert_eq!(value("scalar(x) + time()"), (T0 + 32) as f64);
    assert_eq!(value("timestamp(x offset 5s)"), (T0 + 20) as f64);
    assert_eq!(at(&store, r#"absent(y{a="b"})"#, 30), pairs(&[("{a=b}", 1.0)]));
    assert_eq!(at(&store, "absent(x)", 30), []);
    assert_eq!(
        at(&store, r#"label_replace(x, "b", "v$1", "a", "(.*)")"#, 30),
        pairs(&[("x{a=1,b=v1}", 2.0)])
    );
    assert_eq!(at(&store, r#"absent_over_time(x{a="2"}[1m])"#, 30), pairs(&[("{a=2}", 1.0)]));
}

#[test]
fn what_is_not_a_number_has_no_point() {
    let store = shop();
    assert_eq!(at(&store, "limit / 0", 60), []);
    assert_eq!(at(&store, "scalar(up)", 60), []);
}

#[test]
fn one_labelset_twice_is_an_error() {
    let mut store = shop();
    store.push(series("other_total", &[("service", "cart"), ("code", "200")], 15, &ramp(41, 1.0)));
    let error = eval(&store, r#"rate({__name__=~".*_total"}[1m])"#, 300, 300, 1).unwrap_err();
    assert!(error.message.contains("same labelset"), "{error}");
}

#[test]
fn what_costs_too_much_is_refused_with_the_way_out() {
    let store = shop();
    let refused = |expr: &str, to, step| {
        let error = eval(&store, expr, 0, to, step).unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
        error.message
    };
    assert!(refused("up", 11_001, 1).contains("widen the step"));
    assert!(eval(&store, "up", 0, 11_000, 1).is_ok());
    assert!(refused("sum_over_time(up[365d:1s])", 10, 1).contains("subquery"));
    assert!(refused(&"(".repeat(300), 10, 1).contains("operators"));
    assert!(refused(&"-".repeat(300), 10, 1).contains("operators"));
    assert!(refused(&"x".repeat(20_000), 10, 1).contains("bytes"));
    assert!(refused(r#"x{a=~"(.{1000}){1000}"}"#, 10, 1).contains("too large"));
    assert!(refused("x[99999999999999999999999999]", 10, 1).contains("out of bounds"));
    assert!(refused("x offset 1e300", 10, 1).contains("out of bounds"));
    assert!(refused("'x", 10, 1).contains("not closed"));
    assert!(refused(r#"x{a="\¡"}"#, 10, 1).contains("unknown escape"));
}

#[test]
fn the_deepest_allowed_expression_is_evaluated_on_a_small_stack() {
    let store = shop();
    let nested =
        |name: &str, depth| format!("{}limit{}", format!("{name}(").repeat(depth), ")".repeat(depth));
    assert_eq!(at(&store, &nested("abs", 63), 60).len(), 2);
    assert_eq!(at(&store, &nested("sum", 63), 60), pairs(&[("{}", 30.0)]));
    assert_eq!(at(&store, &format!("limit{}", " + 1".repeat(63)), 60)[0].1, 73.0);
    for deeper in
        [nested("abs", 64), nested("sum", 256), nested("", 256), format!("limit{}", " ^ 1".repeat(256))]
    {
        let error = eval(&store, &deeper, 0, 10, 1).unwrap_err();
        assert!(error.message.contains("deep"), "{error}");
    }
}

#[test]
fn the_unknown_is_named() {
    let store = shop();
    for (expr, named) in [("hour(up)", "hour"), ("limitk(1, up)", "limitk"), (r#"up{a="b" or c="d"}"#, "or")]
    {
        let error = eval(&store, expr, 0, 10, 1).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
        assert!(error.message.contains(named), "{error}");
    }
    assert_eq!(eval(&store, "sum(", 0, 10, 1).unwrap_err().kind, ErrorKind::BadRequest);
    assert!(check("sum(rate(x[5m]))").is_ok());
}

#[test]
fn labels_without_a_value_are_as_none() {
    let store = [series("x", &[("a", ""), ("b", "1")], 15, &[1.0; 3])];
    assert_eq!(at(&store, "sum by (a, b) (x)", 30), pairs(&[("{b=1}", 1.0)]));
    assert_eq!(at(&store, "sum without (b) (x)", 30), pairs(&[("{}", 1.0)]));
    let none = Labels::new();
    assert_eq!(eval(&store, "sum(x)", 0, 30, 15).unwrap()[0].labels, none);
}

#[test]
fn what_does_not_parse_says_where_it_broke_off() {
    for (expr, told) in [
        ("sum(up) by (", "column 9: unclosed left parenthesis"),
        ("up  up", "column 5: "),
        ("chnges(up)", "unknown function"),
        ("rate(up)", "expected type"),
    ] {
        let error = super::check(expr).unwrap_err();
        assert!(error.message.starts_with(told), "{expr}: {error}");
    }
}
