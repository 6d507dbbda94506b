use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{
    discover,
    plan::{any_of, duration, matchers, plan, quoted},
    promql,
};
use crate::{
    Completeness,
    signal::{Labels, MetricKind, MetricMeta, Point, Series, Window},
    source::{Budget, Discover},
};

const T0: i64 = 1_700_000_000;

fn series(name: &str, labels: &[(&str, &str)], kind: MetricKind, value: impl Fn(i64) -> f64) -> Series {
    let points = (0..80).map(|index| Point { at: (T0 + index * 15) * 1_000_000_000, value: value(index) });
    Series {
        name: name.to_owned(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        kind,
        unit: String::new(),
        points: points.collect(),
        query: String::new(),
    }
}

fn meta(list: &[(&str, MetricKind, &str)]) -> BTreeMap<String, MetricMeta> {
    list.iter()
        .map(|(name, kind, unit)| {
            let name = (*name).to_owned();
            (name.clone(), MetricMeta { name, kind: *kind, unit: (*unit).to_owned() })
        })
        .collect()
}

fn request(services: &[&str]) -> Discover {
    let at = |seconds| Timestamp::from_second(T0 + seconds).unwrap();
    Discover {
        services: services.iter().map(|service| (*service).to_owned()).collect(),
        labels: Labels::new(),
        expr: None,
        window: Window::new(at(300), at(1_200)),
        step: Duration::from_secs(15),
        budget: Budget::default(),
    }
}

fn shop() -> (Vec<Series>, BTreeMap<String, MetricMeta>) {
    let cart = [("service", "cart"), ("pod", "cart-0")];
    let bucket = |le: &str, each: f64| {
        let labels = [("service", "cart"), ("pod", "cart-0"), ("le", le)];
        series("took_seconds_bucket", &labels, MetricKind::Counter, |index| index as f64 * each)
    };
    let store = vec![
        series("memory_bytes", &cart, MetricKind::Gauge, |index| index as f64),
        series("requests_total", &cart, MetricKind::Counter, |index| index as f64 * 30.0),
        bucket("0.1", 5.0),
        bucket("1", 10.0),
        bucket("+Inf", 10.0),
        series("took_seconds_sum", &cart, MetricKind::Counter, |index| index as f64),
        series("took_seconds_count", &cart, MetricKind::Counter, |index| index as f64 * 10.0),
        series("requests_total", &[("service", "pay")], MetricKind::Counter, |index| index as f64),
        series("disk_free", &[("node", "n1")], MetricKind::Gauge, |_| 5.0),
        series("pod_cpu", &[("pod", "cart-0")], MetricKind::Gauge, |_| 0.5),
        series("pod_cpu", &[("pod", "pay-0")], MetricKind::Gauge, |_| 0.7),
    ];
    let meta = meta(&[
        ("memory_bytes", MetricKind::Gauge, "By"),
        ("requests_total", MetricKind::Counter, "{request}"),
        ("took_seconds", MetricKind::Histogram, "s"),
    ]);
    (store, meta)
}

#[test]
fn each_kind_is_read_in_its_way_and_its_query_gives_the_same() {
    let (store, meta) = shop();
    let request = request(&["cart"]);
    let (found, completeness) = discover(&store, &meta, &request);
    assert_eq!(completeness, Completeness::Full);
    let told: Vec<_> = found
        .iter()
        .map(|series| (series.name.as_str(), series.unit.as_str(), series.query.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("memory_bytes", "By", r#"memory_bytes{pod="cart-0",service="cart"}"#),
            ("pod_cpu", "", r#"pod_cpu{pod="cart-0"}"#),
            ("requests_total", "{request}/s", r#"rate(requests_total{pod="cart-0",service="cart"}[1m])"#),
            (
                "took_seconds",
                "s",
                r#"histogram_quantile(0.95, sum by (le, pod, service) (rate(took_seconds_bucket{pod="cart-0",service="cart"}[1m])))"#
            ),
            ("took_seconds_count", "1/s", r#"rate(took_seconds_count{pod="cart-0",service="cart"}[1m])"#),
        ]
    );
    assert_eq!(found[3].labels.get("quantile").map(String::as_str), Some("0.95"));
    for series in &found {
        let answer = promql::range(&store, &series.query, request.window, request.step).unwrap();
        assert_eq!(answer.len(), 1, "{}", series.query);
        assert_eq!(answer[0].points, series.points, "{}", series.query);
        assert_eq!(series.kind, MetricKind::Gauge);
    }
}

#[test]
fn all_services_are_read_when_none_is_named() {
    let (store, meta) = shop();
    assert_eq!(discover(&store, &meta, &request(&[])).0.len(), 8);
}

#[test]
fn a_slow_exporter_has_rates() {
    let mut slow =
        series("slow_total", &[("service", "cart")], MetricKind::Counter, |index| index as f64 * 60.0);
    for (index, point) in slow.points.iter_mut().enumerate() {
        point.at = (T0 + index as i64 * 60) * 1_000_000_000;
    }
    let (found, _) = discover([&slow], &BTreeMap::new(), &request(&["cart"]));
    assert_eq!(found[0].query, r#"rate(slow_total{service="cart"}[4m])"#);
    assert!(found[0].points.iter().all(|point| (point.value - 1.0).abs() < 1e-12));
}

#[test]
fn a_summary_tells_its_quantiles_or_else_its_mean() {
    let cart = [("service", "cart")];
    let sum = series("wait_sum", &cart, MetricKind::Counter, |index| index as f64 * 3.0);
    let count = series("wait_count", &cart, MetricKind::Counter, |index| index as f64 * 6.0);
    let p99 = series("wait", &[("service", "cart"), ("quantile", "0.99")], MetricKind::Summary, |_| 2.0);
    let meta = meta(&[("wait", MetricKind::Summary, "s")]);
    let names = |found: &[Series]| -> Vec<_> {
        found.iter().map(|series| (series.name.clone(), series.labels.get("quantile").cloned())).collect()
    };
    let (found, _) = discover([&sum, &count], &meta, &request(&["cart"]));
    assert_eq!(
        names(&found),
        [("wait".to_owned(), Some("mean".to_owned())), ("wait_count".to_owned(), None)]
    );
    assert!(found[0].points.iter().all(|point| (point.value - 0.5).abs() < 1e-12));
    let (found, _) = discover([&sum, &count, &p99], &meta, &request(&["cart"]));
    assert_eq!(
        names(&found),
        [("wait".to_owned(), Some("0.99".to_owned())), ("wait_count".to_owned(), None)]
    );
}

#[test]
fn the_budget_cuts_the_least_wanted_first_and_says_so() {
    let (store, meta) = shop();
    let mut wanted = request(&["cart", "pay"]);
    wanted.expr = Some("requests_total > 5".to_owned());
    wanted.budget.series = 3;
    let (found, completeness) = discover(&store, &meta, &wanted);
    let names: Vec<_> = found.iter().map(|series| (series.name.as_str(), series.service())).collect();
    assert_eq!(names, [("memory_bytes", "cart"), ("requests_total", "cart"), ("requests_total", "pay")]);
    assert_eq!(completeness.reason(), Some("3 series left out: the budget is 3 series"));
    wanted.budget.series = 100;
    wanted.budget.samples = 60;
    let (found, completeness) = discover(&store, &meta, &wanted);
    assert_eq!(found.len(), 1);
    assert_eq!(completeness.reason(), Some("5 series left out: the budget is 60 samples"));
}

#[test]
fn another_cluster_is_not_looked_at() {
    let here = series("up", &[("service", "cart"), ("cluster", "a")], MetricKind::Gauge, |_| 1.0);
    let there = series("up", &[("service", "cart"), ("cluster", "b")], MetricKind::Gauge, |_| 1.0);
    let anywhere = series("up", &[("service", "cart")], MetricKind::Gauge, |_| 1.0);
    let mut request = request(&["cart"]);
    request.labels.insert("cluster".to_owned(), "a".to_owned());
    let (found, _) = discover([&here, &there, &anywhere], &BTreeMap::new(), &request);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|series| series.labels.get("cluster").is_none_or(|cluster| cluster == "a")));
}

#[test]
fn an_impossible_grid_is_said() {
    let (store, meta) = shop();
    let mut request = request(&["cart"]);
    request.step = Duration::from_nanos(1);
    let (found, completeness) = discover(&store, &meta, &request);
    assert!(found.is_empty());
    assert!(matches!(completeness, Completeness::Missing { .. }));
}

#[test]
fn the_plan_for_servers_is_the_one_for_memory() {
    let (store, meta) = shop();
    let (found, _) = discover(&store, &meta, &request(&["cart"]));
    let minute = Duration::from_secs(60);
    let by = ["pod".to_owned(), "le".to_owned(), "service".to_owned()];
    let labels = r#"pod="cart-0",service="cart""#;
    let planned: Vec<_> = meta.values().flat_map(|meta| plan(meta, labels, minute, &by)).collect();
    for (reading, series) in planned.iter().zip(found.iter().filter(|series| series.name != "pod_cpu")) {
        assert_eq!(
            (&reading.expr, &reading.name, &reading.unit),
            (&series.query, &series.name, &series.unit)
        );
        assert_eq!(reading.quantile, series.labels.get("quantile").map(String::as_str));
        assert!(promql::check(&reading.expr).is_ok());
    }
    assert_eq!(planned.len(), 4);
}

#[test]
fn a_plan_without_matchers_or_knowledge_is_still_promql() {
    let unknown =
        |name: &str| MetricMeta { name: name.to_owned(), kind: MetricKind::Unknown, unit: String::new() };
    let exprs = |name: &str| -> Vec<String> {
        plan(&unknown(name), "", Duration::from_secs(90), &[])
            .into_iter()
            .map(|reading| reading.expr)
            .collect()
    };
    assert_eq!(exprs("x_total"), ["rate(x_total[1m30s])"]);
    assert_eq!(exprs("x"), ["x"]);
    let summary = MetricMeta { name: "w".to_owned(), kind: MetricKind::Summary, unit: "s".to_owned() };
    let readings = plan(&summary, "", Duration::from_secs(60), &[]);
    assert_eq!(
        readings.iter().map(|reading| reading.expr.as_str()).collect::<Vec<_>>(),
        ["w", "rate(w_count[1m])"]
    );
}

#[test]
fn hostile_label_values_stay_within_their_quotes() {
    let value = "a\"} or vector(1) # \\ \n";
    let labels: Labels = [("service".to_owned(), value.to_owned())].into();
    let store = [series("x", &[("service", value)], MetricKind::Gauge, |_| 1.0)];
    let request = request(&[]);
    for inside in [
        matchers(&labels),
        any_of("service", &[value.to_owned()]),
        any_of("service", &[value.to_owned(), "b|.*".to_owned()]),
    ] {
        let expr = format!("x{{{inside}}}");
        let answer = promql::range(&store, &expr, request.window, request.step).unwrap();
        assert_eq!(answer[0].service(), value, "{expr}");
    }
    assert_eq!(quoted("a\"b"), r#""a\"b""#);
    assert_eq!(any_of("service", &[]), "");
    assert_eq!(duration(Duration::from_millis(90_500)), "1m30s500ms");
}
