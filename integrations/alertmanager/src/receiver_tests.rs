use std::{fs, path::PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use quell_sdk::receiver::limits::{MAX_ALERTS, MAX_LABELS};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T11:00:00Z".parse().expect("a time")
}

fn request(body: impl Into<Bytes>) -> Request {
    Request { headers: Vec::new(), body: body.into(), received_at: now() }
}

fn receive(body: &Value) -> Received {
    Receiver::default().receive(&request(body.to_string())).expect("accepted")
}

#[test]
fn a_group_with_one_firing_and_one_resolved() {
    let received = receive(&json!({
        "version": "4", "status": "firing", "receiver": "quell", "truncatedAlerts": 3,
        "groupKey": "{}:{alertname=\"HighLatencyP95\"}",
        "notification_reason": "first notification", "routeLabels": {"team": "shop"},
        "alerts": [
            {"status": "firing", "labels": {"alertname": "HighLatencyP95", "service": "checkout"},
             "annotations": {"summary": "slow"}, "startsAt": "2026-11-22T10:57:42.672Z",
             "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "114e8773757845df",
             "generatorURL": "http://vm:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"},
            {"status": "resolved", "labels": {"alertname": "HighLatencyP95", "service": "payments"},
             "startsAt": "2026-11-22T10:57:42.672Z", "endsAt": "2026-11-22T10:58:17.672Z",
             "fingerprint": "660a7332432a07fc"},
        ],
    }));
    let [firing, resolved] = received.alerts.as_slice() else { panic!("two alerts: {received:?}") };
    assert!(firing.is_firing() && firing.ends_at.is_none());
    assert_eq!(firing.source, "alertmanager");
    assert_eq!(firing.fingerprint, "114e8773757845df");
    assert_eq!(firing.expr().as_deref(), Some("up == 0"));
    assert!(!resolved.is_firing() && resolved.ends_at.is_some());
    // What Alertmanager itself sent to PagerDuty as dedup_key for this very group.
    let dedup_key = "72e735efeb0c0ae6464f48ac2c48a6d9fbe16ef83592ec94008d8e4c8d57989c";
    assert!(received.alerts.iter().all(|alert| alert.group_key.as_deref() == Some(dedup_key)));
    assert!(!received.undated);
    assert_eq!(received.dropped, ["alerts: left out by alertmanager (max_alerts) (3)"]);
}

#[test]
fn what_is_missing_does_no_harm() {
    let received = receive(&json!({
        "status": "resolved", "groupKey": null,
        "alerts": [{"labels": {"alertname": "A", "port": 8080, "gone": null}}],
    }));
    let [alert] = received.alerts.as_slice() else { panic!("one alert: {received:?}") };
    assert!(!alert.is_firing());
    assert_eq!(alert.group_key, None);
    assert_eq!(alert.starts_at, now());
    assert!(received.undated);
    assert_eq!(alert.labels.get("port").map(String::as_str), Some("8080"));
    assert_eq!(alert.labels.len(), 2);
}

#[test]
fn one_bad_alert_costs_itself_only() {
    let received = receive(&json!({
        "version": 4, "groupKey": "g", "alerts": [7, {"labels": []}, {"labels": {"alertname": "A"}}, {}],
    }));
    assert_eq!(received.alerts.len(), 1);
    assert!(received.alerts.iter().all(|alert| alert.is_firing() && alert.group_key.is_some()));
    assert_eq!(received.dropped.len(), 2, "{:?}", received.dropped);
}

#[rstest]
#[case::not_json("{\"alerts\": [")]
#[case::not_a_number("{\"alerts\": [{\"labels\": {\"a\": NaN}}]}")]
#[case::other_shape("{\"event\": {}}")]
#[case::a_list("[1, 2]")]
#[case::empty("")]
#[case::alerts_of_no_kind("{\"alerts\": \"none\"}")]
fn nothing_to_read_is_malformed(#[case] body: &'static str) {
    let result = Receiver::default().receive(&request(body));
    assert!(matches!(result, Err(Rejection::Malformed(_))), "{result:?}");
}

#[test]
fn nesting_without_end_is_malformed() {
    let bomb = "[".repeat(500_000);
    let body = format!("{{\"alerts\": [{{\"labels\": {bomb}");
    assert!(matches!(Receiver::default().receive(&request(body)), Err(Rejection::Malformed(_))));
}

#[test]
fn a_flood_is_cut_and_counted() {
    let labels: serde_json::Map<String, Value> =
        (0..10_000).map(|i| (format!("l{i}"), json!("x".repeat(10)))).collect();
    let mut alerts: Vec<Value> =
        (0..2_000).map(|i| json!({"labels": {"alertname": "A", "i": i.to_string()}})).collect();
    alerts[0] = json!({ "labels": labels, "startsAt": "9999-01-01T00:00:00Z" });
    let received = receive(&json!({ "alerts": alerts }));
    assert_eq!(received.alerts.len(), MAX_ALERTS);
    assert_eq!(received.alerts[0].labels.len(), MAX_LABELS);
    assert_eq!(received.alerts[0].starts_at, now());
    assert!(received.undated, "a time of our own says nothing about the episode");
    assert_eq!(received.dropped.len(), 3, "{:?}", received.dropped);
}

#[test]
fn credentials() {
    let receiver = Receiver::new(Access { bearer_token: Some("token".to_owned().into()), basic_auth: None });
    let mut request = request(r#"{"alerts": []}"#);
    assert!(matches!(receiver.receive(&request), Err(Rejection::Unauthorized(_))));
    request.headers.push(("authorization".to_owned(), "Bearer token".to_owned()));
    assert!(receiver.receive(&request).is_ok());
}

fn shared() -> PathBuf {
    std::env::var_os("QUELL_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from)
}

#[test]
fn every_recorded_webhook_is_accepted() {
    let folder = shared().join("corpora/alertmanager");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("ABSENT: {}: recorded webhooks not tested; set QUELL_SHARED", folder.display());
        return;
    };
    let mut tested = 0;
    let captured = fs::read_dir(folder.join("captured")).into_iter().flatten();
    for entry in entries.chain(captured) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_none_or(|kind| kind != "json") || name.starts_with("pagerduty_details") {
            continue;
        }
        let value: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        let body = match value.get("body").and_then(Value::as_str) {
            Some(_) if name.contains("enqueue") => continue,
            Some(body) => body.to_owned(),
            None => value.to_string(),
        };
        let given: Value = serde_json::from_str(&body).expect("JSON");
        let received = Receiver::default().receive(&request(body)).expect("accepted");
        let many = given.get("alerts").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(received.alerts.len(), many, "{name}");
        assert!(many > 0 && received.dropped.is_empty(), "{name}: {:?}", received.dropped);
        assert!(received.alerts.iter().all(|a| !a.name().is_empty() && a.group_key.is_some()), "{name}");
        let resolved = name.contains("resolved") || name.starts_with("036");
        assert!(received.alerts.iter().all(|alert| alert.is_firing() != resolved), "{name}");
        tested += 1;
    }
    assert!(tested >= 8, "only {tested} recorded webhooks in {}", folder.display());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("0001-01-01T00:00:00Z")),
        Just(json!("firing")),
    ];
    let name = prop_oneof![
        Just("alerts".to_owned()),
        Just("labels".to_owned()),
        Just("status".to_owned()),
        Just("startsAt".to_owned()),
        Just("groupKey".to_owned()),
        ".{0,6}",
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = Receiver::default().receive(&request(body));
    }

    #[test]
    fn a_list_of_anything_is_accepted(alerts in prop::collection::vec(any_json(), 0..10), rest in any_json()) {
        let received = receive(&json!({"alerts": alerts, "groupKey": rest, "status": "firing"}));
        prop_assert!(received.alerts.len() <= alerts.len());
    }

    #[test]
    fn json_never_panics(body in any_json()) {
        let _outcome = Receiver::default().receive(&request(body.to_string()));
    }
}
