use std::{fs, path::PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::{ChangesReceiver, invalid_event};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn config(keys: &[&str]) -> EventsConfig {
    EventsConfig { routing_keys: keys.iter().map(|key| (*key).to_owned().into()).collect() }
}

fn request(body: impl Into<Bytes>) -> Request {
    let received_at = Timestamp::constant(1_795_345_063, 0);
    Request { headers: Vec::new(), body: body.into(), received_at }
}

fn deliver(body: &Value) -> Result<Received, Rejection> {
    EventsReceiver::new(config(&["another", KEY])).receive(&request(body.to_string()))
}

fn receive(mut body: Value) -> Received {
    body["routing_key"] = json!(KEY);
    deliver(&body).expect("accepted")
}

#[test]
fn an_event_of_any_tool_is_one_alert() {
    let received = receive(json!({
        "event_action": "trigger", "dedup_key": "disk/db-1", "client": "Nagios", "client_url": "https://nagios",
        "payload": {"summary": "disk full on db-1", "source": "db-1.example.com", "severity": "critical",
                    "component": "postgres", "group": "prod", "timestamp": "2026-11-22T10:57:42.000+0000",
                    "custom_details": {"load avg": 0.75, "free": "0 B"}},
        "links": [{"href": "https://nagios/db-1"}],
    }));
    let [alert] = received.alerts.as_slice() else { panic!("one alert: {received:?}") };
    assert_eq!((alert.name(), alert.source.as_str()), ("disk full on db-1", "events-v2"));
    assert_eq!(alert.labels.get("service").map(String::as_str), Some("postgres"));
    assert_eq!(alert.labels.get("severity").map(String::as_str), Some("critical"));
    assert_eq!(alert.annotations.get("load avg").map(String::as_str), Some("0.75"));
    assert_eq!(alert.annotations.get("link").map(String::as_str), Some("https://nagios/db-1"));
    assert_eq!((alert.fingerprint.as_str(), alert.group_key.as_deref()), ("disk/db-1", Some("disk/db-1")));
    assert_eq!(alert.starts_at.to_string(), "2026-11-22T10:57:42Z");
    assert!(received.undated);
    let reply = json!({"status": "success", "message": "Event processed", "dedup_key": "disk/db-1"});
    assert_eq!(received.reply, Some(reply));
}

#[test]
fn a_key_is_made_and_replied_when_there_is_none() {
    let trigger = json!({"event_action": "trigger", "payload": {"summary": "s", "source": "h"}});
    let one = receive(trigger.clone());
    let other = receive(trigger);
    let key = |received: &Received| received.reply.as_ref().map(|reply| reply["dedup_key"].clone());
    assert_eq!(key(&one), one.alerts[0].group_key.clone().map(Value::from));
    assert_ne!(key(&one), key(&other));
}

#[test]
fn alertmanagers_details_become_its_alerts() {
    let firing =
        "Labels:\n - alertname = Slow\n - service = checkout\nAnnotations:\n - summary = s\nSource: x\n";
    let received = receive(json!({
        "event_action": "trigger", "dedup_key": "72e7", "client": "Alertmanager",
        "payload": {"summary": "[FIRING:1] Slow", "source": "Alertmanager", "severity": "error",
                    "custom_details": {"firing": firing, "resolved": "", "num_firing": "1"}},
    }));
    let [alert] = received.alerts.as_slice() else { panic!("one alert: {received:?}") };
    assert_eq!((alert.name(), alert.group_key.as_deref()), ("Slow", Some("72e7")));
    assert!(received.undated && alert.fingerprint.is_empty());

    // What is left when the details were too large: the monitor's name is not a service.
    let received = receive(json!({
        "event_action": "trigger", "dedup_key": "72e7", "client": "Alertmanager",
        "payload": {"summary": "[FIRING:1] Slow", "source": "Alertmanager", "custom_details": {"error": "cut"}},
    }));
    assert_eq!(received.alerts[0].name(), "[FIRING:1] Slow");
    assert!(!received.alerts[0].labels.contains_key("service"));
}

#[test]
fn resolve_ends_the_group_with_or_without_details() {
    let bare = receive(json!({"event_action": "resolve", "dedup_key": "72e7"}));
    assert!(matches!(bare.alerts.as_slice(), [end] if end.ends_group()), "{bare:?}");
    let resolved = "Labels:\n - alertname = Slow\nAnnotations:\nSource: x\n";
    let detailed = receive(json!({"event_action": "resolve", "dedup_key": "72e7", "payload": {
        "summary": "[RESOLVED] Slow", "custom_details": {"firing": "", "resolved": resolved}}}));
    let [alert, end] = detailed.alerts.as_slice() else { panic!("two: {detailed:?}") };
    assert!(!alert.is_firing() && !alert.ends_group() && end.ends_group());
}

#[test]
fn acknowledge_is_a_note() {
    let received = receive(json!({"event_action": "acknowledge", "dedup_key": "72e7"}));
    assert!(received.alerts.is_empty());
    assert_eq!(
        (received.notes[0].group_key.as_str(), received.notes[0].text.as_str()),
        ("72e7", "acknowledged")
    );
}

#[rstest]
#[case(json!({}), &["'event_action' is missing or blank"])]
#[case(json!({"event_action": "explode"}), &["'event_action' must be one of trigger, acknowledge, resolve"])]
#[case(json!({"event_action": "trigger"}), &["'payload' is missing"])]
#[case(json!({"event_action": "trigger", "payload": {"summary": " "}}),
       &["'payload.summary' is missing or blank"])]
#[case(json!({"event_action": "resolve"}), &["'dedup_key' is missing or blank"])]
#[case(json!({"event_action": "trigger", "dedup_key": "x".repeat(256)}),
       &["'dedup_key' is longer than 255 characters", "'payload' is missing"])]
fn nonsense_is_named(#[case] mut body: Value, #[case] errors: &[&str]) {
    body["routing_key"] = json!(KEY);
    let rejection = deliver(&body).expect_err("refused");
    let answer = json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors});
    assert_eq!(invalid_event(&rejection), answer);
}

#[test]
fn only_configured_keys() {
    let body = json!({"event_action": "resolve", "dedup_key": "k", "routing_key": KEY});
    assert!(deliver(&body).is_ok());
    for (keys, given) in [(&[][..], json!(KEY)), (&["", "another"], json!("")), (&["another"], json!(KEY))] {
        let mut body = body.clone();
        body["routing_key"] = given;
        let outcome = EventsReceiver::new(config(keys)).receive(&request(body.to_string()));
        assert!(matches!(outcome, Err(Rejection::Unauthorized(_))), "{keys:?}: {outcome:?}");
    }
    let why = EventsReceiver::default().receive(&request("{}")).expect_err("refused").to_string();
    assert!(why.contains("`routing_keys`"), "{why}");
    let mut by_header = request(json!({"event_action": "resolve", "dedup_key": "k"}).to_string());
    by_header.headers.push(("x-routing-key".to_owned(), KEY.to_owned()));
    assert!(EventsReceiver::new(config(&[KEY])).receive(&by_header).is_ok());
}

#[test]
fn every_recorded_event_is_accepted() {
    let shared = std::env::var_os("QUELL_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let read = |path: &str| {
        let bytes = fs::read(shared.join("corpora").join(path)).ok();
        if bytes.is_none() {
            println!("ABSENT: {path} in {}: not tested; set QUELL_SHARED", shared.display());
        }
        bytes.map(|bytes| serde_json::from_slice::<Value>(&bytes).expect("JSON"))
    };
    let expected = [("032", 2, 0), ("034", 3, 0), ("035", 0, 3)];
    for (name, firing, resolved) in expected {
        let Some(captured) = read(&format!("alertmanager/captured/{name}_v2_enqueue.json")) else { return };
        let body = captured["body"].as_str().expect("a body").to_owned();
        let received = EventsReceiver::new(config(&[KEY])).receive(&request(body)).expect("accepted");
        let named: Vec<_> = received.alerts.iter().filter(|alert| !alert.ends_group()).collect();
        assert_eq!(named.iter().filter(|alert| alert.is_firing()).count(), firing, "{name}");
        assert_eq!(named.iter().filter(|alert| !alert.is_firing()).count(), resolved, "{name}");
        assert!(named.iter().all(|alert| alert.name() == "HighLatencyP95" && alert.labels.len() == 4));
        assert!(
            named.iter().all(|alert| alert.expr().is_some_and(|expr| expr.starts_with("histogram_quantile")))
        );
    }
    for form in ["json", "text"] {
        let path = format!("alertmanager/pagerduty_details.{form}_template.authored.json");
        let Some(details) = read(&path) else { return };
        let received = receive(json!({"event_action": "trigger", "dedup_key": "d",
            "payload": {"summary": "s", "custom_details": details}}));
        assert_eq!(received.alerts.len(), 1, "{form}");
        assert_eq!(received.alerts[0].labels.len(), 5, "{form}");
        assert_eq!(received.undated, form == "text");
    }
    for name in ["trigger", "acknowledge", "resolve"] {
        let Some(body) = read(&format!("pagerduty/events_v2/{name}.json")) else { return };
        let received = receive(body);
        assert_eq!(received.alerts.len() + received.notes.len(), 1, "{name}");
    }
    let Some(mut body) = read("pagerduty/events_v2/change.json") else { return };
    body["routing_key"] = json!(KEY);
    let received =
        ChangesReceiver::new(config(&[KEY])).receive(&request(body.to_string())).expect("accepted");
    assert_eq!(received.changes.len(), 1);
}

proptest! {
    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _outcome = EventsReceiver::new(config(&[KEY])).receive(&request(body.clone()));
        let _outcome = ChangesReceiver::new(config(&[KEY])).receive(&request(body));
    }

    #[test]
    fn a_trigger_with_a_summary_is_always_taken(
        summary in "[a-z]{1,9}", details in ".{0,60}", severity in ".{0,9}", time in ".{0,20}",
    ) {
        let received = receive(json!({"event_action": "trigger", "payload": {
            "summary": summary, "severity": severity, "timestamp": time,
            "custom_details": {"firing": details, details.clone(): details}}}));
        prop_assert!(!received.alerts.is_empty());
    }
}
