//! What is read here is what serde reads, and what serde refuses is never taken.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::decode::wire::{LogsRequest, MetricsRequest, SpansRequest};

/// Whether the text was read here; panics when serde reads something else.
fn same<'a, T: Debug + Deserialize<'a>>(text: &'a str, quick: impl Fn(&'a str) -> Option<T>) -> bool {
    let Some(read) = quick(text) else { return false };
    let by_serde: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(format!("{read:?}"), format!("{by_serde:?}"), "{text}");
    true
}

fn any_signal(text: &str) -> bool {
    let read = [
        same::<SpansRequest<'_>>(text, spans),
        same::<LogsRequest<'_>>(text, logs),
        same::<MetricsRequest<'_>>(text, metrics),
    ];
    read.contains(&true)
}

fn span_with(fields: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"cart"}}}}]}},"scopeSpans":[{{"scope":{{"name":"s"}},"spans":[{{{fields}}}]}}]}}]}}"#
    )
}

fn point_with(fields: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{}},"scopeMetrics":[{{"metrics":[{{"name":"n","gauge":{{"dataPoints":[{{{fields}}}]}}}}]}}]}}]}}"#
    )
}

#[test]
fn what_exporters_write_is_read_here() {
    let span = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"","flags":257,"name":"GET /\u00e4","kind":2,"startTimeUnixNano":"1674981730169000000","endTimeUnixNano":1674981730169000001,"attributes":[{"key":"a","value":{"stringValue":"b"}},{"key":"n","value":{"intValue":"5"}}],"droppedAttributesCount":0,"events":[{"name":"exception"}],"links":[],"status":{"code":2,"message":"no"}"#;
    assert!(any_signal(&span_with(span)));
    assert!(any_signal(&(span_with(span) + "\r\n")));
    let log = r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"timeUnixNano":"1674981730169000000","observedTimeUnixNano":"0","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"it said \"no\"\n\tand ended \ud83d\ude00"},"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","attributes":[]}]}],"schemaUrl":"https://opentelemetry.io/schemas/1.6.1"}]}"#;
    assert!(any_signal(log));
    for value in ["0.0038", "-0.5", "-0.0", "12", "1.7976931348623157", "123456789012.345", "\"NaN\""] {
        let fields = format!(r#""timeUnixNano":"1674981660000000000","asDouble":{value},"flags":0"#);
        assert!(any_signal(&point_with(&fields)), "{value}");
    }
    let sum = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"n","unit":"1","description":"d","sum":{"dataPoints":[{"asInt":"7","timeUnixNano":"1","startTimeUnixNano":"0","exemplars":[]}],"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA","isMonotonic":true}},{"name":"h","histogram":{"dataPoints":[{"count":"2","bucketCounts":["1",1],"explicitBounds":[0.5]}]}}]}]}]}"#;
    assert!(any_signal(sum));
}

#[test]
fn what_is_odd_is_left_to_serde() {
    let whole = span_with(r#""name":"a","kind":1"#);
    for odd in [
        String::new(),
        "{}".to_owned(),
        whole.replace("cart", "ca\u{1}rt"),
        whole.replacen(':', " :", 1),
        whole.replace(r#""kind":1"#, r#""name":"b""#),
        whole.replace(r#""kind":1"#, r#""kind":01"#),
        whole.replace(r#""kind":1"#, r#""kind":1,"#),
        whole.replace(r#""kind":1"#, r#""kind":[]"#),
        whole.replace("resourceSpans", "resourceSpan"),
        whole.clone() + "{}",
        whole.replace("}]}]}]}", "}]}]}],\"resourceLogs\":[]}"),
        point_with(r#""asDouble":1e999"#),
        point_with(r#""asDouble":.5"#),
        point_with(r#""asDouble":5."#),
        point_with(r#""asDouble":-"#),
        point_with(r#""asDouble":null"#),
    ] {
        assert!(!any_signal(&odd), "{odd}");
    }
}

#[test]
fn a_request_cut_anywhere_is_left_to_serde() {
    let whole = span_with(r#""name":"a","kind":1,"attributes":[{"key":"k","value":{"stringValue":"v"}}]"#);
    assert!(any_signal(&whole));
    for end in 0..whole.len() {
        assert!(!any_signal(whole.get(..end).expect("a part of plain text")), "{end}");
    }
}

/// A value of a field, right or wrong.
fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<f64>().prop_map(|number| format!("{number:?}")),
        any::<f64>().prop_map(|number| serde_json::json!(number).to_string()),
        (any::<i32>(), 0_u32..100_000).prop_map(|(whole, part)| format!("{whole}.{part:05}")),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][+-]?[0-9]{1,3})?",
    ];
    prop_oneof![
        number.clone(),
        number.prop_map(|number| format!("\"{number}\"")),
        "\"[0-9a-fA-F]{0,34}\"",
        ".{0,20}".prop_map(|text| serde_json::json!(text).to_string()),
        prop::sample::select(vec![
            "null",
            "true",
            "[]",
            "{}",
            "[{}]",
            "\"\\u12\"",
            "\"\\ud800\"",
            " 1",
            "nul"
        ])
        .prop_map(str::to_owned),
        Just(
            r#"[{"key":"a","value":{"stringValue":"b"}},{"value":{"doubleValue":1},"key":"c","x":0}]"#
                .to_owned()
        ),
        Just(r#"{"stringValue":"b","intValue":"3"}"#.to_owned()),
    ]
}

fn fields(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let field =
        (prop::sample::select(names), value()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    prop::collection::vec(field, 0..6).prop_map(|fields| fields.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn spans_are_what_serde_reads(fields in fields(&[
        "traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
        "events", "status", "other",
    ])) {
        any_signal(&span_with(&fields));
    }

    #[test]
    fn points_are_what_serde_reads(fields in fields(&[
        "attributes", "timeUnixNano", "asDouble", "asInt", "flags", "startTimeUnixNano",
    ])) {
        any_signal(&point_with(&fields));
        any_signal(&point_with(&fields).replace("gauge", "sum"));
    }

    #[test]
    fn records_are_what_serde_reads(fields in fields(&[
        "timeUnixNano", "observedTimeUnixNano", "severityNumber", "severityText", "body", "attributes", "traceId",
        "spanId", "other",
    ])) {
        let request = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{fields}}}]}}]}}]}}"#);
        any_signal(&request);
    }

    #[test]
    fn numbers_are_what_the_parser_of_the_library_reads(whole in any::<u32>(), part in "[0-9]{1,12}") {
        let text = format!("{whole}.{part}");
        let point = point_with(&format!("\"asDouble\":{text}"));
        let read = metrics(&point).expect("a plain number");
        let groups = read.resource_metrics.expect("groups");
        let gauge = groups[0].scope_metrics[0].metrics[0].gauge.as_ref().expect("a gauge");
        let expected: f64 = text.parse().expect("a number");
        prop_assert_eq!(gauge.data_points[0].as_double.map(|double| double.0), Some(expected));
    }

    #[test]
    fn digits_are_what_the_parser_of_the_library_reads(text in "[0-9]{0,21}|[0-9:/a]{0,19}") {
        let expected = text.parse::<u64>().ok().filter(|_| text.len() <= 19);
        prop_assert_eq!(digits(text.as_bytes()), expected);
    }
}
