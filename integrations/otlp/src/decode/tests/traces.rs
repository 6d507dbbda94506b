use quell_sdk::signal::{SpanKind, SpanStatus};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::Reason;

fn sample() -> serde_json::Value {
    json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
        "parentSpanId": "eee19b7ec3c1b173", "name": "POST /pay", "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": T.to_string(), "endTimeUnixNano": T + 5_000,
        "attributes": [
            {"key": "http.status_code", "value": {"intValue": "500"}},
            {"key": "ok", "value": {"boolValue": false}},
            {"key": "ratio", "value": {"doubleValue": 0.5}},
            {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": 1}]}}},
            {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": "NaN"}}]}}},
            {"key": "raw", "value": {"bytesValue": "Zm8="}},
            {"key": "none", "value": {}},
        ],
        "events": [{"name": "exception", "timeUnixNano": "1", "attributes": [
            {"key": "exception.message", "value": {"stringValue": "card refused"}},
            {"key": "exception.stacktrace", "value": {"stringValue": "at ..."}},
        ]}],
        "status": {"code": 2, "message": "boom"}, "flags": 257, "futureField": {"a": [1]},
    })
}

#[test]
fn a_span_keeps_what_matters() {
    let (spans, dropped) = span(sample());
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert!(dropped.is_empty());
    assert_eq!(span.trace_id.to_string(), "5b8efff798038103d269b633813fc60c");
    assert_eq!(span.parent.map(|id| id.to_string()).as_deref(), Some("eee19b7ec3c1b173"));
    assert_eq!((&*span.service, &*span.pod, &*span.operation), ("checkout", "checkout-1", "POST /pay"));
    assert_eq!((span.kind, span.status, &*span.message), (SpanKind::Server, SpanStatus::Error, "boom"));
    assert_eq!((span.start, span.end), (T, T + 5_000));
    for (key, want) in [
        ("http.status_code", "500"),
        ("ok", "false"),
        ("ratio", "0.5"),
        ("tags", r#"["a",1]"#),
        ("map", r#"{"k":"NaN"}"#),
        ("raw", "Zm8="),
        ("none", ""),
        ("exception.message", "card refused"),
        ("k8s.node.name", "node-a"),
        ("service.version", "1.2"),
    ] {
        assert_eq!(span.attribute(key), Some(want), "{key}");
    }
    for key in ["service.name", "k8s.pod.name", "exception.stacktrace"] {
        assert_eq!(span.attribute(key), None, "{key}");
    }
}

#[rstest]
#[case(json!(3), json!(1), SpanKind::Client, SpanStatus::Ok)]
#[case(json!("SPAN_KIND_CONSUMER"), json!("STATUS_CODE_ERROR"), SpanKind::Consumer, SpanStatus::Error)]
#[case(json!(77), json!(-4), SpanKind::Unspecified, SpanStatus::Unset)]
#[case(json!(null), json!(null), SpanKind::Unspecified, SpanStatus::Unset)]
fn enums_come_as_numbers_and_names(
    #[case] kind: serde_json::Value,
    #[case] code: serde_json::Value,
    #[case] want_kind: SpanKind,
    #[case] want_status: SpanStatus,
) {
    let mut sample = sample();
    sample["kind"] = kind;
    sample["status"]["code"] = code;
    let (spans, _) = span(sample);
    assert_eq!((spans[0].kind, spans[0].status), (want_kind, want_status));
}

#[rstest]
#[case("traceId", json!(""), Reason::MissingId)]
#[case("traceId", json!("00000000000000000000000000000000"), Reason::MissingId)]
#[case("spanId", json!("not hex"), Reason::MissingId)]
#[case("spanId", json!(null), Reason::MissingId)]
#[case("endTimeUnixNano", json!((T - 1).to_string()), Reason::EndsBeforeStart)]
#[case("startTimeUnixNano", json!("0"), Reason::NoTime)]
#[case("startTimeUnixNano", json!(-7), Reason::NoTime)]
#[case("startTimeUnixNano", json!("1000000000"), Reason::AbsurdTime)]
#[case("endTimeUnixNano", json!("18446744073709551615"), Reason::AbsurdTime)]
fn an_unusable_span_is_counted(
    #[case] field: &str,
    #[case] value: serde_json::Value,
    #[case] reason: Reason,
) {
    let mut sample = sample();
    sample[field] = value;
    let (spans, dropped) = span(sample);
    assert_eq!(spans, []);
    assert_eq!((dropped.get(reason), dropped.items()), (1, 1));
}

#[test]
fn the_instance_stands_in_for_an_unknown_pod() {
    let mut resource = resource();
    resource["attributes"][1] = json!({"key": "service.instance.id", "value": {"stringValue": "i-7"}});
    let (spans, _) = spans_of(&json!({"resourceSpans": [
        {"resource": resource, "scopeSpans": [{"spans": [sample()]}]}
    ]}));
    assert_eq!(&*spans[0].pod, "i-7");
    assert_eq!(spans[0].attribute("service.instance.id"), None);
}

#[test]
fn equal_texts_share_memory() {
    let request = json!({"resourceSpans": [
        {"resource": resource(), "scopeSpans": [{"spans": [sample(), sample()]}]}
    ]});
    let (spans, _) = spans_of(&request);
    assert!(std::sync::Arc::ptr_eq(&spans[0].operation, &spans[1].operation));
}
