use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{JsonError, Reason};

/// Decodes as each signal; whether any took it.
fn decode(bytes: &[u8]) -> bool {
    let mut decoder = Decoder::new(Limits { json_objects: 1_000, ..Limits::default() });
    let taken = [
        decoder.traces_json(bytes, &mut Vec::new()).is_ok(),
        decoder.logs_json(bytes, &mut Vec::new()).is_ok(),
        decoder.metrics_json(bytes, &mut SeriesSet::default()).is_ok(),
    ];
    taken.contains(&true)
}

fn sample() -> String {
    json!({"resourceMetrics": [{"resource": resource(), "scopeMetrics": [{"metrics": [
        {"name": "a", "gauge": {"dataPoints": [{"timeUnixNano": T.to_string(), "asDouble": 1.5}]}},
        {"name": "b", "exponentialHistogram": {"dataPoints": [{"timeUnixNano": T.to_string(), "scale": 20,
            "positive": {"offset": -2147483648_i64, "bucketCounts": ["18446744073709551615", 5]}}]}},
    ]}]}]})
    .to_string()
}

#[test]
fn a_request_cut_anywhere_is_an_error() {
    let sample = sample();
    assert!(decode(sample.as_bytes()));
    for end in 0..sample.len() {
        assert!(!decode(&sample.as_bytes()[..end]), "{end}");
    }
}

#[test]
fn wrong_types_are_errors_that_do_not_repeat_the_text() {
    let secret = "hunter2".repeat(100);
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": secret}]}]}]});
    let error = Decoder::default().logs_json(request.to_string().as_bytes(), &mut Vec::new()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("nanoseconds") && message.contains("at byte"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn a_request_of_another_signal_is_named() {
    let error = Decoder::default().traces_json(br#"{"resourceLogs": []}"#, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, JsonError::OtherSignal { wanted: "spans", found: "logs" }));
    assert!(decode(b"{}"));
}

#[test]
fn a_flood_of_empty_objects_is_refused() {
    let spans = vec!["{}"; 1_000_001].join(",");
    let request = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
    let error = Decoder::default().traces_json(request.as_bytes(), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, JsonError::TooManyObjects { limit: 1_000_000 }), "{error}");
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(10_000), "]}}".repeat(10_000));
    let request = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{deep}}}]}}]}}]}}"#);
    assert!(Decoder::default().logs_json(request.as_bytes(), &mut Vec::new()).is_err());
}

#[test]
fn a_label_bomb_is_cut_and_counted() {
    let attributes: Vec<_> = (0..10_000)
        .map(|number| json!({"key": format!("key{number}"), "value": {"stringValue": "v".repeat(200)}}))
        .collect();
    let (series, dropped) = metric(json!({"name": "n", "gauge": {"dataPoints": [
        {"timeUnixNano": T.to_string(), "asInt": 1, "attributes": attributes}]}}));
    assert_eq!(series[0].labels.len(), Limits::default().labels);
    assert_eq!(series[0].service(), "checkout");
    assert!(dropped.get(Reason::TooManyLabels) > 9_000);

    let (spans, dropped) = span(json!({"traceId": "01", "spanId": "01", "startTimeUnixNano": T,
        "endTimeUnixNano": T, "attributes": attributes}));
    assert_eq!(spans[0].attributes.len(), Limits::default().attributes);
    assert!(dropped.get(Reason::TooManyAttributes) > 9_000);
}

#[test]
fn values_of_a_megabyte_are_cut() {
    let huge = "€".repeat(400_000);
    let (spans, dropped) = span(json!({"traceId": "01", "spanId": "01", "startTimeUnixNano": T,
        "endTimeUnixNano": T, "name": huge, "status": {"message": huge},
        "attributes": [{"key": huge, "value": {"stringValue": huge}},
            {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": huge}]}}}]}));
    let limit = Limits::default().value_bytes;
    let span = &spans[0];
    assert!(span.operation.len() <= limit && span.message.len() <= limit);
    assert!(span.attributes.iter().all(|(key, value)| key.len() <= 256 && value.len() <= limit));
    assert_eq!((dropped.get(Reason::Cut), dropped.items()), (4, 0));
}

#[test]
fn a_series_bomb_is_bounded() {
    let points: Vec<_> = (0..3_000)
        .map(|number| {
            json!({"timeUnixNano": T, "asInt": 1, "attributes": [
            {"key": "user", "value": {"intValue": number}}]})
        })
        .collect();
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "n", "gauge": {"dataPoints": points}}]}]}]});
    let mut decoder = Decoder::new(Limits { series: 1_000, ..Limits::default() });
    let mut set = SeriesSet::default();
    decoder.metrics_json(request.to_string().as_bytes(), &mut set).unwrap();
    assert_eq!((set.len(), decoder.dropped().get(Reason::TooManySeries)), (1_000, 2_000));

    let mut decoder = Decoder::new(Limits { series_bytes: 100_000, ..Limits::default() });
    let mut set = SeriesSet::default();
    decoder.metrics_json(request.to_string().as_bytes(), &mut set).unwrap();
    assert!(set.len() < 1_000 && !set.is_empty());
}

/// JSON with the field names of OTLP and anything in them.
fn otlp_like() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number.to_string())),
        any::<f64>().prop_map(|number| json!(number)),
        prop_oneof![Just("NaN"), Just("Infinity"), Just("SPAN_KIND_CLIENT"), Just("")]
            .prop_map(|text| json!(text)),
        Just(json!(T)),
        ".{0,20}".prop_map(|text| json!(text)),
    ];
    let name = prop::sample::select(vec![
        "resource",
        "attributes",
        "key",
        "value",
        "stringValue",
        "intValue",
        "arrayValue",
        "values",
        "scopeSpans",
        "spans",
        "traceId",
        "spanId",
        "startTimeUnixNano",
        "endTimeUnixNano",
        "kind",
        "status",
        "code",
        "events",
        "scopeLogs",
        "logRecords",
        "body",
        "timeUnixNano",
        "scopeMetrics",
        "metrics",
        "name",
        "gauge",
        "sum",
        "histogram",
        "exponentialHistogram",
        "summary",
        "dataPoints",
        "asDouble",
        "asInt",
        "bucketCounts",
        "explicitBounds",
        "scale",
        "positive",
        "offset",
        "zeroCount",
        "count",
        "quantileValues",
    ]);
    let tree = leaf.prop_recursive(8, 128, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            prop::collection::btree_map(name.clone(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    });
    (prop::sample::select(vec!["resourceSpans", "resourceLogs", "resourceMetrics"]), tree)
        .prop_map(|(top, tree)| json!({top: [tree]}))
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(&bytes);
    }

    #[test]
    fn arbitrary_trees_never_panic(tree in otlp_like()) {
        decode(tree.to_string().as_bytes());
    }

    #[test]
    fn a_broken_byte_never_panics(place in 0_usize..600, byte in any::<u8>()) {
        let mut bytes = sample().into_bytes();
        let place = place % bytes.len();
        bytes[place] = byte;
        decode(&bytes);
    }
}
