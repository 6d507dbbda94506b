use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
        NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Event},
};

use super::T;
use crate::{Decoder, Limits, SeriesSet};

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn resource() -> Option<Resource> {
    let attributes = vec![text("service.name", "cart"), text("k8s.pod.name", "cart-1"), text("env", "prod")];
    Some(Resource { attributes, ..Default::default() })
}

fn attributes() -> Vec<KeyValue> {
    let list = [Value::IntValue(1), Value::StringValue("x".to_owned())];
    let values = list.map(|value| AnyValue { value: Some(value) }).into();
    vec![
        pair("int", Value::IntValue(-3)),
        pair("double", Value::DoubleValue(2.5)),
        pair("flag", Value::BoolValue(true)),
        pair("bytes", Value::BytesValue(vec![1, 2, 255])),
        pair("list", Value::ArrayValue(ArrayValue { values })),
    ]
}

#[test]
fn both_encodings_of_spans_give_the_same() {
    let span = Span {
        trace_id: (1..=16).collect(),
        span_id: (1..=8).collect(),
        parent_span_id: (2..=9).collect(),
        name: "GET /".to_owned(),
        kind: 2,
        start_time_unix_nano: T as u64,
        end_time_unix_nano: T as u64 + 9,
        attributes: attributes(),
        events: vec![Event {
            name: "exception".to_owned(),
            attributes: vec![text("exception.type", "Timeout")],
            ..Default::default()
        }],
        status: Some(Status { message: "late".to_owned(), code: 2 }),
        ..Default::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: resource(),
            scope_spans: vec![ScopeSpans { spans: vec![span], ..Default::default() }],
            ..Default::default()
        }],
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::new(Limits::default());
    decoder.traces(&request, &mut one);
    decoder.traces_json(&serde_json::to_vec(&request).unwrap(), &mut other).unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].attribute("exception.type"), Some("Timeout"));
    assert_eq!(one[0].attribute("bytes"), Some("AQL/"));
    // The generated types' JSON has bytes as a list of numbers, against the mapping of proto3.
    let without_bytes = |spans: &[quell_sdk::signal::Span]| {
        let mut spans = spans.to_vec();
        spans[0].attributes.retain(|(key, _)| &**key != "bytes");
        spans
    };
    assert_eq!(without_bytes(&one), without_bytes(&other));
}

#[test]
fn both_encodings_of_logs_give_the_same() {
    let record = LogRecord {
        time_unix_nano: T as u64,
        severity_number: 13,
        severity_text: "WARN".to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue("slow".to_owned())) }),
        attributes: vec![text("k", "v")],
        trace_id: (1..=16).collect(),
        span_id: (1..=8).collect(),
        ..Default::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource(),
            scope_logs: vec![ScopeLogs { log_records: vec![record], ..Default::default() }],
            ..Default::default()
        }],
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::new(Limits::default());
    decoder.logs(&request, &mut one);
    decoder.logs_json(&serde_json::to_vec(&request).unwrap(), &mut other).unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one, other);
}

#[test]
fn both_encodings_of_metrics_give_the_same() {
    let time_unix_nano = T as u64;
    let number = NumberDataPoint {
        time_unix_nano,
        attributes: vec![text("route", "/a")],
        value: Some(number_data_point::Value::AsInt(7)),
        ..Default::default()
    };
    let histogram = HistogramDataPoint {
        time_unix_nano,
        count: 3,
        sum: Some(4.0),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![0.5],
        ..Default::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        time_unix_nano,
        count: 2,
        scale: 3,
        positive: Some(Buckets { offset: 4, bucket_counts: vec![2] }),
        ..Default::default()
    };
    let quantile_values = vec![ValueAtQuantile { quantile: 0.5, value: 2.0 }];
    let summary =
        SummaryDataPoint { time_unix_nano, count: 1, sum: 2.0, quantile_values, ..Default::default() };
    let kinds = [
        ("g", Data::Gauge(Gauge { data_points: vec![number.clone()] })),
        ("s", Data::Sum(Sum { data_points: vec![number], aggregation_temporality: 1, is_monotonic: true })),
        ("h", Data::Histogram(Histogram { data_points: vec![histogram], aggregation_temporality: 2 })),
        (
            "e",
            Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential],
                aggregation_temporality: 2,
            }),
        ),
        ("q", Data::Summary(Summary { data_points: vec![summary] })),
    ];
    let metrics = kinds.map(|(name, data)| Metric {
        name: name.to_owned(),
        unit: "1".to_owned(),
        data: Some(data),
        ..Default::default()
    });
    let scope = Some(InstrumentationScope { name: "lib".to_owned(), ..Default::default() });
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource(),
            scope_metrics: vec![ScopeMetrics { scope, metrics: metrics.into(), ..Default::default() }],
            ..Default::default()
        }],
    };
    let (mut one, mut other) = (SeriesSet::default(), SeriesSet::default());
    let mut decoder = Decoder::new(Limits::default());
    decoder.metrics(&request, &mut one);
    decoder.metrics_json(&serde_json::to_vec(&request).unwrap(), &mut other).unwrap();
    let (one, other) = (one.finish(), other.finish());
    assert!(one.series.iter().all(|series| series.labels["otel_scope_name"] == "lib"));
    assert_eq!(one.meta.len(), 5);
    assert_eq!((one.series, one.meta), (other.series, other.meta));
    assert!(decoder.dropped().is_empty());
}
