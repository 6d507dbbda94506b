use quell_sdk::signal::MetricKind;
use serde_json::json;

use super::*;
use crate::Reason;

fn number(seconds: i64, value: serde_json::Value) -> serde_json::Value {
    json!({"timeUnixNano": (T + seconds * 1_000_000_000).to_string(), "asDouble": value,
        "attributes": [{"key": "http.route", "value": {"stringValue": "/pay"}}]})
}

#[test]
fn a_gauge_has_clean_names_and_the_labels_quell_knows() {
    let (series, dropped, again) = metric_of(
        &resource(),
        &json!({"name": "queue.size", "unit": "{item}", "gauge": {"dataPoints": [number(0, json!(3)), number(60, json!(4.5))]}}),
    );
    let [series] = series.as_slice() else { panic!("{series:?}") };
    assert_eq!(
        (series.name.as_str(), series.kind, series.unit.as_str()),
        ("queue_size", MetricKind::Gauge, "{item}")
    );
    let labels: Vec<_> = series.labels.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(
        labels,
        ["http_route=/pay", "node=node-a", "pod=checkout-1", "service=checkout", "service_version=1.2"]
    );
    assert_eq!(values(series), [3.0, 4.5]);
    assert!(dropped.is_empty());
    let meta = again.finish().meta;
    assert_eq!(
        meta.get("queue_size").map(|meta| (meta.kind, meta.unit.as_str())),
        Some((MetricKind::Gauge, "{item}"))
    );
}

#[test]
fn sums_are_counters_only_when_they_never_fall_and_steps_add_up() {
    let points = [number(0, json!(5)), number(120, json!(3)), number(60, json!(2))];
    let sum = |monotonic, temporality: serde_json::Value| {
        metric(json!({"name": "n", "sum": {"dataPoints": points, "isMonotonic": monotonic,
            "aggregationTemporality": temporality}}))
        .0
    };
    let cumulative = sum(true, json!(2));
    assert_eq!((cumulative[0].kind, values(&cumulative[0])), (MetricKind::Counter, vec![5.0, 2.0, 3.0]));
    let delta = sum(true, json!("AGGREGATION_TEMPORALITY_DELTA"));
    assert_eq!((delta[0].kind, values(&delta[0])), (MetricKind::Counter, vec![5.0, 7.0, 10.0]));
    let level = sum(false, json!(2));
    assert_eq!(level[0].kind, MetricKind::Gauge);
}

#[test]
fn a_histogram_becomes_cumulative_buckets() {
    let (series, dropped, again) = metric_of(
        &resource(),
        &json!({"name": "latency", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [{
            "timeUnixNano": T.to_string(), "count": "6", "sum": 1.5,
            "bucketCounts": ["1", "2", 3], "explicitBounds": [0.1, 1],
        }]}}),
    );
    assert!(dropped.is_empty());
    for (le, want) in [("0.1", 1.0), ("1", 3.0), ("+Inf", 6.0)] {
        let bucket = find(&series, "latency_seconds_bucket", Some(("le", le)));
        assert_eq!((bucket.kind, values(bucket)), (MetricKind::Counter, vec![want]), "{le}");
    }
    assert_eq!(values(find(&series, "latency_seconds_count", None)), [6.0]);
    assert_eq!(values(find(&series, "latency_seconds_sum", None)), [1.5]);
    assert_eq!(again.finish().meta["latency_seconds"].kind, MetricKind::Histogram);
}

#[test]
fn an_exponential_histogram_keeps_its_counts_at_their_places() {
    // Scale 1: bucket i holds (2^(i/2), 2^((i+1)/2)].
    let (series, dropped) = metric(json!({"name": "d", "exponentialHistogram": {"aggregationTemporality": 2,
        "dataPoints": [{"timeUnixNano": T.to_string(), "count": 10, "sum": 9.0, "scale": 1, "zeroCount": 1,
            "positive": {"offset": -1, "bucketCounts": [2, 3]}, "negative": {"offset": 0, "bucketCounts": [4]}}]}}));
    assert!(dropped.is_empty());
    let below = |le: f64| values(find(&series, "d_bucket", Some(("le", &le.to_string()))))[0];
    assert_eq!(below(2_f64.powf(-0.5)), 5.0);
    assert_eq!(below(1.0), 7.0);
    assert_eq!(below(2_f64.powf(0.5)), 10.0);
    assert_eq!(values(find(&series, "d_bucket", Some(("le", "+Inf")))), [10.0]);
}

#[test]
fn a_fine_and_a_coarse_exponential_histogram_fall_on_upper_bounds() {
    let below = |scale: i32, le: f64| {
        let (series, _) = metric(json!({"name": "d", "exponentialHistogram": {"aggregationTemporality": 2,
            "dataPoints": [{"timeUnixNano": T.to_string(), "count": 1, "scale": scale,
                "positive": {"offset": 0, "bucketCounts": [1]}}]}}));
        values(find(&series, "d_bucket", Some(("le", &le.to_string()))))[0]
    };
    // Scale 5 ends at 2^(1/32), within the grid's (1, √2]; scale -1 ends at 4.
    assert_eq!((below(5, 1.0), below(5, 2_f64.powf(0.5))), (0.0, 1.0));
    assert_eq!((below(-1, 2_f64.powf(1.5)), below(-1, 4.0)), (0.0, 1.0));
}

#[test]
fn a_summary_has_quantiles_sum_and_count() {
    let (series, _) = metric(json!({"name": "rpc", "summary": {"dataPoints": [{
        "timeUnixNano": T.to_string(), "count": "4", "sum": 2.0,
        "quantileValues": [{"quantile": 0.99, "value": 0.7}, {"quantile": 0.5, "value": "NaN"}]}]}}));
    assert_eq!(values(find(&series, "rpc", Some(("quantile", "0.99")))), [0.7]);
    assert_eq!(values(find(&series, "rpc_count", None)), [4.0]);
    assert_eq!(values(find(&series, "rpc_sum", None)), [2.0]);
    assert_eq!(series.len(), 3);
}

#[test]
fn points_without_a_usable_value_or_time_are_counted() {
    let (series, dropped) = metric(json!({"name": "n", "gauge": {"dataPoints": [
        number(0, json!("NaN")), number(1, json!("-Infinity")), {"timeUnixNano": T.to_string()},
        {"timeUnixNano": T.to_string(), "asInt": "1", "flags": 1}, {"timeUnixNano": "5", "asInt": 2},
        {"asInt": 2},
    ]}}));
    assert_eq!(series, []);
    assert_eq!(dropped.get(Reason::NotFinite), 2);
    assert_eq!(dropped.get(Reason::NoValue), 2);
    assert_eq!((dropped.get(Reason::AbsurdTime), dropped.get(Reason::NoTime)), (1, 1));
}

#[test]
fn a_histogram_that_does_not_fit_together_is_counted() {
    for (counts, bounds) in
        [(json!([1, 2]), json!([1, 2])), (json!([1, 2, 3]), json!([2, 1])), (json!([1, 2]), json!(["NaN"]))]
    {
        let (series, dropped) = metric(json!({"name": "n", "histogram": {"dataPoints": [{
            "timeUnixNano": T.to_string(), "count": 3, "bucketCounts": counts, "explicitBounds": bounds}]}}));
        assert_eq!((series.len(), dropped.get(Reason::MalformedHistogram)), (0, 1));
    }
}

#[test]
fn a_point_may_name_its_own_pod_but_not_replace_the_service() {
    let resource = json!({"attributes": [
        {"key": "service.name", "value": {"stringValue": "kube-state-metrics"}},
        {"key": "service.instance.id", "value": {"stringValue": "10.0.0.1:8080"}},
    ]});
    let (series, _, _) = metric_of(
        &resource,
        &json!({"name": "up", "gauge": {"dataPoints": [{
        "timeUnixNano": T.to_string(), "asInt": 1, "attributes": [
            {"key": "pod", "value": {"stringValue": "cart-3"}},
            {"key": "service", "value": {"stringValue": "cart"}},
        ]}]}}),
    );
    let labels: Vec<_> = series[0].labels.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(
        labels,
        [
            "exported_service=cart",
            "pod=cart-3",
            "service=kube-state-metrics",
            "service_instance_id=10.0.0.1:8080",
        ]
    );
}

#[test]
fn two_spellings_of_one_series_meet() {
    let point = |key: &str, seconds: i64| {
        json!({"timeUnixNano": (T + seconds).to_string(), "asInt": 1,
            "attributes": [{"key": key, "value": {"stringValue": "x"}}]})
    };
    let (series, _) = metric(
        json!({"name": "n", "gauge": {"dataPoints": [point("a.b", 0), point("a_b", 1), point("a.b", 2)]}}),
    );
    assert_eq!((series.len(), series[0].points.len()), (1, 3));
}
