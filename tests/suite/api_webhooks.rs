use std::{sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use quell::{
    app::Builder,
    domain::{AlertStatus, InvestigationStatus},
    history::Filter,
};
use serde_json::{Value, json};
use sha2::Sha256;

use super::server::{ROUTING_KEY, SECRET, Scripted, Server, TOKEN, alertmanager, configured};

const ALERTMANAGER: &str = "/v1/webhooks/alertmanager";
const PAGERDUTY: &str = "/v1/webhooks/pagerduty";
const AUTHORIZED: (&str, &str) = ("authorization", "Bearer am-token");

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

fn triggered(event: &str, incident: &str) -> String {
    json!({ "event": {
        "id": event, "event_type": "incident.triggered", "resource_type": "incident", "occurred_at": now(),
        "agent": null, "client": null,
        "data": {
            "id": incident, "type": "incident", "status": "triggered", "incident_key": format!("key-{incident}"),
            "created_at": now(), "title": "checkout is slow", "urgency": "high", "priority": null,
            "html_url": "https://x.pagerduty.com/incidents/1", "number": 1, "assignees": [], "teams": [],
            "service": {"id": "PS1", "type": "service_reference", "summary": "checkout", "html_url": "https://x"},
        },
    }})
    .to_string()
}

#[tokio::test]
async fn an_alert_opens_an_incident_that_is_investigated() {
    let server = Server::start().await;
    let body = alertmanager("SlowCheckout", "checkout", &now());
    let (status, answer) = server.post(ALERTMANAGER, &[AUTHORIZED], body.clone()).await;
    assert_eq!(status, 202, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let id = answer["incidents"][0].as_str().unwrap().to_owned();
    let incident = server.app.history().get(&id).await.unwrap().unwrap();
    assert_eq!((incident.service.as_str(), incident.alerts.len()), ("checkout", 1));
    assert_eq!(incident.alerts[0].status, AlertStatus::Firing);

    let again = server.post(ALERTMANAGER, &[AUTHORIZED], body).await;
    assert_eq!(again.0, 202);
    assert_eq!(server.app.history().list(Filter::default()).await.unwrap().len(), 1);
    assert_eq!(server.metric("quell_alerts_received_total{receiver=\"alertmanager\"}").await, 2.0);
    assert_eq!(server.metric("quell_alerts_duplicate_total").await, 1.0);
    assert_eq!(server.metric("quell_incidents_open").await, 1.0);

    for _ in 0..200 {
        let incident = server.app.history().get(&id).await.unwrap().unwrap();
        if incident.investigation_status == InvestigationStatus::Done {
            assert_eq!(incident.investigation.unwrap().because, "scripted");
            assert_eq!(incident.attempts, 1);
            assert_eq!(server.metric("quell_investigations_total{verdict=\"inconclusive\"}").await, 1.0);
            server.app.stop().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not investigated");
}

#[tokio::test]
async fn alertmanager_without_its_token_is_refused_and_nothing_is_stored() {
    let server = Server::start().await;
    let body = alertmanager("A", "checkout", &now());
    for headers in [&[][..], &[("authorization", "Bearer wrong")]] {
        let (status, answer) = server.post(ALERTMANAGER, headers, body.clone()).await;
        assert_eq!(status, 401);
        assert!(!answer.contains(TOKEN), "{answer}");
        assert!(serde_json::from_str::<Value>(&answer).unwrap()["error"].is_string());
    }
    assert!(server.app.history().list(Filter::default()).await.unwrap().is_empty());
    let counted = "quell_webhook_rejected_total{reason=\"unauthorized\",receiver=\"alertmanager\"}";
    assert_eq!(server.metric(counted).await, 2.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn pagerduty_needs_one_matching_signature() {
    let server = Server::start().await;
    let body = triggered("ev1", "PI1");
    let good = signed(SECRET, &body);
    for (header, status) in [
        (good.clone(), 202),
        (format!("v1={}, {good}", "0".repeat(64)), 202),
        (format!("v9=what,{}", signed("old-secret", &body)), 202),
        (signed("wrong", &body), 401),
        ("v1=zz".to_owned(), 401),
        (String::new(), 401),
    ] {
        let (found, answer) =
            server.post(PAGERDUTY, &[("x-pagerduty-signature", &header)], body.clone()).await;
        assert_eq!(found, status, "{header}: {answer}");
    }
    assert_eq!(server.post(PAGERDUTY, &[], body.clone()).await.0, 401);
    let changed = body.replace("slow", "fast");
    assert_eq!(server.post(PAGERDUTY, &[("x-pagerduty-signature", &good)], changed).await.0, 401);
    let incidents = server.app.history().list(Filter::default()).await.unwrap();
    assert_eq!(incidents.len(), 1);
    let counted = "quell_webhook_rejected_total{reason=\"unauthorized\",receiver=\"pagerduty\"}";
    assert_eq!(server.metric(counted).await, 5.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn unknown_pagerduty_events_are_accepted() {
    let server = Server::start().await;
    for body in [
        json!({"event": {"id": "e1", "event_type": "incident.teleported", "resource_type": "incident",
            "occurred_at": now(), "data": {"type": "teleport"}}}),
        json!({"event": {"id": "e2", "event_type": "pagey.ping", "resource_type": "pagey",
            "occurred_at": now(), "data": {"type": "ping", "message": "Hello"}}}),
    ] {
        let body = body.to_string();
        let (status, answer) =
            server.post(PAGERDUTY, &[("x-pagerduty-signature", &signed(SECRET, &body))], body).await;
        assert_eq!(status, 202, "{answer}");
    }
    assert!(server.app.history().list(Filter::default()).await.unwrap().is_empty());
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn recorded_pagerduty_bodies_are_accepted_with_their_signatures() {
    let shared = std::env::var("QUELL_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let folder = std::path::Path::new(&shared).join("corpora/pagerduty/webhook_v3");
    let Ok(files) = std::fs::read_dir(&folder) else {
        super::absent(&folder);
        return;
    };
    let server = Server::start().await;
    let mut checked = 0;
    for file in files {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let body = std::fs::read_to_string(&path).unwrap();
        let signature = signed(SECRET, &body);
        let (status, answer) = server.post(PAGERDUTY, &[("x-pagerduty-signature", &signature)], body).await;
        assert_eq!(status, 202, "{}: {answer}", path.display());
        checked += 1;
    }
    println!("{checked} recorded bodies");
    assert!(checked > 0);
    server.app.stop().await.unwrap();
}

fn event(action: &str, key: Option<&str>) -> String {
    let mut event = json!({
        "routing_key": ROUTING_KEY, "event_action": action,
        "payload": {"summary": "disk full", "source": "db-1", "severity": "critical", "component": "orders"},
    });
    if let Some(key) = key {
        event["dedup_key"] = key.into();
    }
    event.to_string()
}

#[tokio::test]
async fn events_v2_trigger_and_resolve() {
    let server = Server::start().await;
    let (status, answer) = server.post("/v2/enqueue", &[], event("trigger", None)).await;
    assert_eq!(status, 202, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["status"], "success");
    let key = answer["dedup_key"].as_str().unwrap().to_owned();
    let incident = server.app.history().list(Filter::default()).await.unwrap().remove(0);
    assert!(incident.is_open());
    let (status, _) = server.post("/v2/enqueue", &[], event("resolve", Some(&key))).await;
    assert_eq!(status, 202);
    for _ in 0..100 {
        if !server.app.history().get(&incident.id.0).await.unwrap().unwrap().is_open() {
            assert_eq!(server.metric("quell_incidents_open").await, 0.0);
            server.app.stop().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not resolved");
}

#[tokio::test]
async fn events_v2_refuse_strangers_and_nonsense() {
    let server = Server::start().await;
    let stranger = event("trigger", None).replace(ROUTING_KEY, &"f".repeat(32));
    let (status, answer) = server.post("/v2/enqueue", &[], stranger).await;
    assert_eq!(status, 401);
    assert!(!answer.contains(ROUTING_KEY));
    assert_eq!(server.post("/v2/enqueue", &[], "{\"routing_key\": ").await.0, 400);
    assert_eq!(server.post("/v2/enqueue", &[], "[]").await.0, 400);
    let change =
        json!({"routing_key": ROUTING_KEY, "payload": {"summary": "deployed 1.4.3", "source": "ci"}});
    assert_eq!(server.post("/v2/change/enqueue", &[], change.to_string()).await.0, 202);
    assert!(server.app.history().list(Filter::default()).await.unwrap().is_empty());
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn truncated_bodies_get_a_clear_error() {
    let server = Server::start().await;
    let body = alertmanager("A", "checkout", &now());
    let cut: String = body.chars().take(body.len() / 2).collect();
    let (status, answer) = server.post(ALERTMANAGER, &[AUTHORIZED], cut).await;
    assert_eq!(status, 400);
    assert!(serde_json::from_str::<Value>(&answer).unwrap()["error"].is_string(), "{answer}");
    let counted = "quell_webhook_rejected_total{reason=\"malformed\",receiver=\"alertmanager\"}";
    assert_eq!(server.metric(counted).await, 1.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn large_bodies_are_refused_however_they_come() {
    let server = Server::start().await;
    let counted = "quell_webhook_rejected_total{reason=\"too_large\",receiver=\"alertmanager\"}";
    let large = vec![b' '; (1 << 20) + 1];
    let streamed = reqwest::Body::wrap_stream(futures::stream::iter(
        large.chunks(4096).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>(),
    ));
    let bomb = super::api_otlp::gzip(&vec![b' '; 8 << 20]);
    assert_eq!(server.post(ALERTMANAGER, &[AUTHORIZED], large).await.0, 413);
    assert_eq!(server.post(ALERTMANAGER, &[AUTHORIZED], streamed).await.0, 413);
    assert_eq!(server.post(ALERTMANAGER, &[AUTHORIZED, ("content-encoding", "gzip")], bomb).await.0, 413);
    assert_eq!(server.metric(counted).await, 3.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn ten_thousand_labels_and_megabyte_values_are_bounded() {
    let server = Server::start().await;
    let mut body: Value = serde_json::from_str(&alertmanager("Bomb", "checkout", &now())).unwrap();
    let labels = body["alerts"][0]["labels"].as_object_mut().unwrap();
    for index in 0..10_000 {
        labels.insert(format!("label{index}"), "x".into());
    }
    labels.insert("huge".into(), "y".repeat(600_000).into());
    let (status, answer) = server.post(ALERTMANAGER, &[AUTHORIZED], body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    let incident = server.app.history().list(Filter::default()).await.unwrap().remove(0);
    let kept: usize = incident.alerts[0].labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(kept < 300_000, "{kept} bytes of labels were kept");
    assert!(server.metric("quell_webhook_dropped_total{receiver=\"alertmanager\"}").await > 0.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn a_failing_engine_ends_in_an_answer() {
    let engine = Scripted { panics: true, ..Scripted::default() };
    let server = Server::with(Builder::new(configured("")).in_memory().investigator(Arc::new(engine))).await;
    server.post(ALERTMANAGER, &[AUTHORIZED], alertmanager("A", "checkout", &now())).await;
    for _ in 0..600 {
        let incident = server.app.history().list(Filter::default()).await.unwrap().remove(0);
        if incident.investigation_status == InvestigationStatus::Done {
            let found =
                server.app.history().get(&incident.id.0).await.unwrap().unwrap().investigation.unwrap();
            assert!(found.because.contains("failed 3 times"), "{}", found.because);
            server.app.stop().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no answer");
}
