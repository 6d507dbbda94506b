use quell_sdk::signal::{LogRecord, Severity};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::Reason;

#[rstest]
#[case(json!({"stringValue": "out of memory"}), "out of memory")]
#[case(json!({"intValue": "7"}), "7")]
#[case(json!({"kvlistValue": {"values": [{"key": "msg", "value": {"stringValue": "a \"b\""}}]}}), r#"{"msg":"a \"b\""}"#)]
#[case(json!(null), "")]
fn bodies_become_text(#[case] body: serde_json::Value, #[case] want: &str) {
    let (records, _) = log(json!({"timeUnixNano": T.to_string(), "body": body}));
    assert_eq!(&*records[0].body, want);
}

#[rstest]
#[case(json!(17), "info", Severity::Error)]
#[case(json!(0), "WARNING", Severity::Warn)]
#[case(json!("SEVERITY_NUMBER_FATAL3"), "", Severity::Fatal)]
#[case(json!(null), "", Severity::Unspecified)]
fn severity_comes_from_the_number_else_the_word(
    #[case] number: serde_json::Value,
    #[case] word: &str,
    #[case] want: Severity,
) {
    let (records, _) =
        log(json!({"timeUnixNano": T.to_string(), "severityNumber": number, "severityText": word}));
    assert_eq!(records[0].severity, want);
}

#[test]
fn a_long_body_is_cut_between_characters() {
    let (records, decoder) =
        log(json!({"timeUnixNano": T.to_string(), "body": {"stringValue": "ä".repeat(600_000)}}));
    assert_eq!(records[0].body.len(), LogRecord::MAX_BODY);
    assert!(records[0].body.chars().all(|letter| letter == 'ä'));
    assert_eq!(decoder.dropped().get(Reason::Cut), 1);
    assert_eq!(decoder.dropped().items(), 0);
}

#[test]
fn the_observed_time_stands_in() {
    let (records, _) = log(json!({"observedTimeUnixNano": T.to_string()}));
    assert_eq!(records[0].at, T);
}

#[test]
fn a_record_without_a_time_waits_for_its_span_or_is_counted() {
    let (records, mut decoder) = log(json!({
        "timeUnixNano": "-6795364578871346000", "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174", "body": {"stringValue": "x"},
    }));
    assert_eq!((records.len(), decoder.take_timeless().len(), decoder.dropped().items()), (0, 1, 0));

    let (records, mut decoder) = log(json!({"timeUnixNano": "0", "body": {"stringValue": "x"}}));
    assert_eq!((records.len(), decoder.take_timeless().len()), (0, 0));
    assert_eq!(decoder.dropped().get(Reason::NoTime), 1);
}
