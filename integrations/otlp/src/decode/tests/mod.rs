//! Decoding, from the outside: what is kept of a request, and what is said of the rest.

mod hostile;
mod logs;
mod metrics;
mod protobuf;
mod traces;

use quell_sdk::signal::{LogRecord, Series, Span};

use crate::{Decoder, Dropped, Limits, SeriesSet};

/// 2024-01-01, in nanoseconds.
const T: i64 = 1_704_067_200_000_000_000;

fn resource() -> serde_json::Value {
    serde_json::json!({"attributes": [
        {"key": "service.name", "value": {"stringValue": "checkout"}},
        {"key": "k8s.pod.name", "value": {"stringValue": "checkout-1"}},
        {"key": "k8s.node.name", "value": {"stringValue": "node-a"}},
        {"key": "service.version", "value": {"stringValue": "1.2"}},
        {"key": "telemetry.sdk.language", "value": {"stringValue": "rust"}},
    ]})
}

fn spans_of(request: &serde_json::Value) -> (Vec<Span>, Dropped) {
    let mut decoder = Decoder::new(Limits::default());
    let mut spans = Vec::new();
    decoder.traces_json(request.to_string().as_bytes(), &mut spans).expect("a request");
    (spans, decoder.take_dropped())
}

fn span(span: serde_json::Value) -> (Vec<Span>, Dropped) {
    spans_of(&serde_json::json!({"resourceSpans": [
        {"resource": resource(), "scopeSpans": [{"spans": [span]}]}
    ]}))
}

fn log(record: serde_json::Value) -> (Vec<LogRecord>, Decoder) {
    let request = serde_json::json!({"resourceLogs": [
        {"resource": resource(), "scopeLogs": [{"logRecords": [record]}]}
    ]});
    let mut decoder = Decoder::new(Limits::default());
    let mut records = Vec::new();
    decoder.logs_json(request.to_string().as_bytes(), &mut records).expect("a request");
    (records, decoder)
}

fn metric_of(resource: &serde_json::Value, metric: &serde_json::Value) -> (Vec<Series>, Dropped, SeriesSet) {
    let request = serde_json::json!({"resourceMetrics": [
        {"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}
    ]});
    let mut decoder = Decoder::new(Limits::default());
    let (mut set, mut again) = (SeriesSet::default(), SeriesSet::default());
    decoder.metrics_json(request.to_string().as_bytes(), &mut set).expect("a request");
    let dropped = decoder.take_dropped();
    decoder.metrics_json(request.to_string().as_bytes(), &mut again).expect("a request");
    (set.finish().series, dropped, again)
}

fn metric(metric: serde_json::Value) -> (Vec<Series>, Dropped) {
    let (series, dropped, _) = metric_of(&resource(), &metric);
    (series, dropped)
}

/// A series by name and one label.
fn find<'a>(series: &'a [Series], name: &str, label: Option<(&str, &str)>) -> &'a Series {
    series
        .iter()
        .find(|series| {
            series.name == name
                && label.is_none_or(|(key, value)| series.labels.get(key).is_some_and(|text| text == value))
        })
        .unwrap_or_else(|| panic!("no {name} with {label:?} in {series:?}"))
}

fn values(series: &Series) -> Vec<f64> {
    series.points.iter().map(|point| point.value).collect()
}
