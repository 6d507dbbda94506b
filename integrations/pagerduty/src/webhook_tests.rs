use std::{fs, path::PathBuf};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use proptest::prelude::*;
use quell_sdk::receiver::BasicAuth;
use rstest::rstest;
use serde_json::json;
use sha2::Sha256;

use super::*;

const SECRET: &str = "bm90IGEgcmVhbCBzZWNyZXQ=";

fn now() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().expect("a time")
}

fn receiver(secret: &str) -> WebhookReceiver {
    WebhookReceiver::new(WebhookConfig {
        secrets: vec!["older".to_owned().into(), secret.to_owned().into()],
        access: Access::default(),
    })
}

fn request(body: impl Into<Bytes>, signature: Option<&str>) -> Request {
    let headers = signature.map(|value| ("x-pagerduty-signature".to_owned(), value.to_owned()));
    Request { headers: headers.into_iter().collect(), body: body.into(), received_at: now() }
}

fn signed(body: &[u8]) -> Request {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key length");
    mac.update(body);
    let header = format!("v1={}", hex::encode(mac.finalize().into_bytes()));
    request(body.to_vec(), Some(&header))
}

fn receive(body: &Value) -> Received {
    receiver(SECRET).receive(&signed(body.to_string().as_bytes())).expect("accepted")
}

fn incident(event_type: &str, fields: Value) -> Value {
    let mut data = json!({
        "id": "Q2CK", "type": "incident", "number": 37, "title": "checkout is slow",
        "html_url": "https://acme.pagerduty.com/incidents/Q2CK", "incident_key": "key-1",
        "created_at": "2026-03-02T08:47:13Z", "service": {"id": "P1", "summary": "checkout"},
        "assignees": [{"summary": "Ben"}], "priority": null, "urgency": "high", "resolve_reason": null,
        "conference_bridge": {"conference_number": 1000},
    });
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        data[name] = value;
    }
    event(event_type, data)
}

fn event(event_type: &str, data: Value) -> Value {
    json!({"event": {"id": "01FK", "event_type": event_type, "occurred_at": "2026-03-02T08:50:00Z",
                     "agent": {"summary": "Ben"}, "client": null, "data": data}})
}

#[test]
fn triggered_becomes_a_firing_alert() {
    let received = receive(&incident("incident.triggered", json!({})));
    let [alert] = received.alerts.as_slice() else { panic!("one alert: {received:?}") };
    assert!(alert.is_firing());
    assert_eq!(alert.source, "pagerduty");
    assert_eq!(alert.name(), "checkout is slow");
    assert_eq!(alert.labels.get("service").map(String::as_str), Some("checkout"));
    assert_eq!(alert.labels.get("severity").map(String::as_str), Some("critical"));
    assert_eq!(alert.annotations.get("pagerduty_number").map(String::as_str), Some("37"));
    assert_eq!(alert.fingerprint, "Q2CK");
    assert_eq!(alert.group_key.as_deref(), Some("key-1"));
    assert_eq!(alert.starts_at.to_string(), "2026-03-02T08:47:13Z");
    assert!(!received.undated && received.notes.is_empty());
    assert_eq!(received.delivery_id.as_deref(), Some("pagerduty:01FK"));
}

#[test]
fn reopened_fires_anew_and_resolved_ends() {
    let reopened = receive(&incident("incident.reopened", json!({})));
    assert_eq!(reopened.alerts[0].starts_at.to_string(), "2026-03-02T08:50:00Z");
    let resolved = receive(&incident("incident.resolved", json!({"assignees": [], "incident_key": null})));
    assert!(!resolved.alerts[0].is_firing());
    assert_eq!(resolved.alerts[0].ends_at.map(|at| at.to_string()).as_deref(), Some("2026-03-02T08:50:00Z"));
    assert_eq!(resolved.alerts[0].group_key.as_deref(), Some("Q2CK"), "the id where there is no key");
    let merged =
        json!({"type": "merge_resolve_reason", "incident": {"id": "Q9", "summary": "database down"}});
    let merged = receive(&incident("incident.resolved", json!({ "resolve_reason": merged })));
    assert_eq!(merged.notes[0].text, "merged into database down");
}

#[rstest]
#[case("incident.acknowledged", json!({}), "acknowledged")]
#[case("incident.reassigned", json!({}), "assigned to Ben")]
#[case("incident.escalated", json!({"assignees": []}), "escalated to nobody")]
#[case("incident.priority_updated", json!({"priority": {"summary": "P1"}}), "priority set to P1")]
#[case("incident.service_updated", json!({}), "moved to service checkout")]
fn what_people_do_is_noted(#[case] kind: &str, #[case] fields: Value, #[case] text: &str) {
    let received = receive(&incident(kind, fields));
    assert!(received.alerts.is_empty());
    let [note] = received.notes.as_slice() else { panic!("one note: {received:?}") };
    assert_eq!((note.author.as_str(), note.text.as_str()), ("Ben", text));
    assert_eq!(note.group_key, "key-1");
}

#[rstest]
#[case("incident.annotated", json!({"type": "incident_note", "content": "restarted it"}), "restarted it")]
#[case("incident.status_update_published", json!({"type": "incident_status_update", "message": "fixing"}),
       "status update: fixing")]
#[case("incident.responder.replied", json!({"type": "incident_responder", "user": {"summary": "Maeve"},
       "state": "accepted"}), "responder Maeve: accepted")]
#[case("incident.action_invocation.created", json!({"type": "incident_action_invocation", "state": "created",
       "action": {"summary": "Restart"}}), "automation action Restart (created)")]
#[case("incident.workflow.started", json!({"type": "incident_workflow_instance",
       "incident_workflow": {"summary": "Major"}}), "workflow started: Major")]
fn notes_of_other_shapes_name_the_incident(#[case] kind: &str, #[case] mut data: Value, #[case] text: &str) {
    data["incident"] = json!({"id": "Q2CK", "summary": null});
    let received = receive(&event(kind, data));
    assert_eq!(received.notes.len(), 1, "{received:?}");
    assert_eq!((received.notes[0].group_key.as_str(), received.notes[0].text.as_str()), ("Q2CK", text));
}

#[rstest]
#[case(event("pagey.ping", json!({"type": "ping", "message": "hello"})))]
#[case(event("incident.teleported", json!({"type": "incident_teleport"})))]
#[case(event("service.updated", json!({"type": "service", "id": "P1"})))]
#[case(json!({"event": {"event_type": 7}}))]
#[case(json!({"event": null}))]
#[case(json!([1, 2]))]
#[case(json!({"messages": [1, {"event": "incident.trigger"}]}))]
fn unknown_things_are_accepted_and_ignored(#[case] body: Value) {
    let received = receive(&body);
    assert!(received.alerts.is_empty() && received.notes.is_empty(), "{received:?}");
}

#[test]
fn who_may_deliver() {
    let body = event("pagey.ping", json!({})).to_string();
    let refused = |receiver: &WebhookReceiver, request: &Request| match receiver.receive(request) {
        Err(Rejection::Unauthorized(why)) => why,
        other => panic!("not refused: {other:?}"),
    };
    let unconfigured = WebhookReceiver::default();
    assert!(refused(&unconfigured, &signed(body.as_bytes())).contains("`secrets`"));
    assert!(refused(&receiver("another"), &signed(body.as_bytes())).contains("no signature matches"));
    assert!(refused(&receiver(SECRET), &request(body.clone(), None)).contains("x-pagerduty-signature"));

    let basic = BasicAuth { username: "pd".to_owned(), password: "pw".to_owned().into() };
    let legacy = WebhookReceiver::new(WebhookConfig {
        secrets: vec![SECRET.to_owned().into()],
        access: Access { bearer_token: None, basic_auth: Some(basic) },
    });
    let mut unsigned = request(body, None);
    assert!(legacy.receive(&unsigned).is_err());
    unsigned.headers.push(("authorization".to_owned(), "Basic cGQ6cHc=".to_owned()));
    assert!(legacy.receive(&unsigned).is_ok());
    unsigned.headers.push(("x-pagerduty-signature".to_owned(), "v1=00".to_owned()));
    assert!(legacy.receive(&unsigned).is_err(), "a wrong signature is wrong whatever else is there");
}

#[test]
fn the_webhooks_own_id_comes_first() {
    let mut request = signed(event("pagey.ping", json!({})).to_string().as_bytes());
    request.headers.push(("x-webhook-id".to_owned(), "w-1".to_owned()));
    let received = receiver(SECRET).receive(&request).expect("accepted");
    assert_eq!(received.delivery_id.as_deref(), Some("pagerduty:w-1"));
}

#[test]
fn legacy_messages() {
    let message = |event: &str, entry: Value| {
        json!({"messages": [{"event": event, "id": "m-1", "log_entries": [entry], "incident": {
            "id": "PROR", "incident_number": 33, "title": "My incident", "incident_key": null,
            "created_at": "2026-03-02T08:14:36Z", "urgency": "low", "html_url": "https://acme/PROR",
            "service": {"name": "XDB"}}}]})
    };
    let trigger = receive(&message("incident.trigger", json!({"channel": {"details": "Oh my gosh"}})));
    let [alert] = trigger.alerts.as_slice() else { panic!("one alert: {trigger:?}") };
    assert!(alert.is_firing());
    assert_eq!(alert.labels.get("service").map(String::as_str), Some("XDB"));
    assert_eq!(alert.labels.get("severity").map(String::as_str), Some("warning"));
    assert_eq!(alert.annotations.get("description").map(String::as_str), Some("Oh my gosh"));
    assert_eq!((alert.fingerprint.as_str(), alert.group_key.as_deref()), ("PROR", Some("PROR")));
    let entry = json!({"summary": "Acknowledged by Laura", "agent": {"summary": "Laura"}});
    let noted = receive(&message("incident.acknowledge", entry));
    assert_eq!(
        (noted.notes[0].author.as_str(), noted.notes[0].text.as_str()),
        ("Laura", "Acknowledged by Laura")
    );
    let entry = json!({"created_at": "2026-03-02T08:18:09+00:00"});
    let resolved = receive(&message("incident.resolve", entry));
    assert_eq!(resolved.alerts[0].ends_at.map(|at| at.to_string()).as_deref(), Some("2026-03-02T08:18:09Z"));
}

fn corpus(folder: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("QUELL_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = shared.join("corpora/pagerduty").join(folder);
    if !path.is_dir() {
        println!("ABSENT: {}: recorded deliveries not tested; set QUELL_SHARED", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn every_published_signature_vector() {
    let Some(folder) = corpus("signature_vectors") else { return };
    let file = fs::read(folder.join("vectors.json")).expect("readable");
    let vectors: Vec<Value> = serde_json::from_slice(&file).expect("JSON");
    for vector in &vectors {
        let field = |name: &str| vector[name].as_str().unwrap_or_default().to_owned();
        let outcome = receiver(&field("secret")).receive(&request(field("body"), Some(&field("header"))));
        let valid = field("expect").starts_with("valid");
        assert_eq!(outcome.is_ok(), valid, "{}: {outcome:?}", field("source"));
    }
    assert_eq!(vectors.len(), 11);
}

#[test]
fn every_recorded_delivery_is_accepted() {
    let (Some(v3), Some(v2)) = (corpus("webhook_v3"), corpus("webhook_v2_legacy")) else { return };
    let mut tested = 0;
    for path in [v3, v2].iter().flat_map(|folder| fs::read_dir(folder).expect("a folder")) {
        let path = path.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let body = fs::read(&path).expect("readable");
        let received = receiver(SECRET).receive(&signed(&body)).expect("accepted");
        let firing = received.alerts.iter().filter(|alert| alert.is_firing()).count();
        let expected = match name.as_str() {
            "incident.triggered.real.json" | "incident.trigger.json" => (1, 1, 0),
            "incident.resolved.real.json" => (1, 0, 1),
            "incident.resolve.json" => (1, 0, 0),
            "pagey.ping.real.json" | "service.updated.json" => (0, 0, 0),
            _ => (0, 0, 1),
        };
        assert_eq!((received.alerts.len(), firing, received.notes.len()), expected, "{name}: {received:?}");
        assert!(received.dropped.is_empty() && received.delivery_id.is_some(), "{name}: {received:?}");
        tested += 1;
    }
    assert_eq!(tested, 11);
}

#[test]
fn every_documented_shape_of_data_is_accepted() {
    let Some(folder) = corpus("webhook_v3_data_types") else { return };
    let kinds = [
        ("incident_note", "incident.annotated"),
        ("incident_action_invocation", "incident.action_invocation.updated"),
        ("incident_conference_bridge", "incident.conference_bridge.updated"),
        ("incident_field_values", "incident.custom_field_values.updated"),
        ("incident_responder", "incident.responder.added"),
        ("incident_role_assignment", "incident.role.assigned"),
        ("incident_status_update", "incident.status_update_published"),
        ("incident_task", "incident.task.created"),
        ("incident_workflow_instance", "incident.workflow.completed"),
        ("incident", "incident.delegated"),
    ];
    for (shape, kind) in kinds {
        let file = fs::read(folder.join(format!("{shape}.json"))).expect("readable");
        let received = receive(&event(kind, serde_json::from_slice(&file).expect("JSON")));
        assert_eq!(received.notes.len(), 1, "{shape}: {received:?}");
    }
}

proptest! {
    #[test]
    fn signed_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _outcome = receiver(SECRET).receive(&signed(&body));
    }

    #[test]
    fn no_header_without_the_secret_passes(header in "(v1=[0-9a-f]{0,64}[, ]?){0,4}") {
        let outcome = receiver(SECRET).receive(&request("{}", Some(&header)));
        prop_assert!(outcome.is_err());
    }
}
