//! What strangers and broken senders send, and how the program says no.

use std::{collections::BTreeMap, path::Path, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use quell_proto::v1::{Alert, SendAlertsRequest, alert_service_client::AlertServiceClient};
use serde_json::json;
use sha2::Sha256;
use tonic::{Code, transport::Endpoint};

use super::{
    ONE_AT_A_TIME,
    client::{Client, finished, webhook},
    program::{Serving, quell},
};

const SECRET: &str = "whsec-test";
const ALERTMANAGER: &str = "/v1/webhooks/alertmanager";
const PAGERDUTY: &str = "/v1/webhooks/pagerduty";
/// Most bytes of a delivery.
const LIMIT: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn bad_input() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let nobody = quell_testkit::ports::free().unwrap();
    let config = format!(
        "receivers: {{pagerduty: {{secrets: ['{SECRET}']}}}}
sources: {{prometheus: [{{url: 'http://127.0.0.1:{nobody}'}}]}}
investigation: {{budget: 10s}}"
    );
    let mut server = Serving::start(folder.path(), &config).await;
    let client = server.client().await;

    forged_signatures(&client).await;
    broken_bodies(&client).await;
    unknown_events(&client).await;
    assert!(client.list().await.is_empty(), "something of it was stored");
    bombs(&client).await;
    bombs_over_grpc(&server, &client).await;
    dead_source(&client).await;
    command_line(&server.url, folder.path());

    assert_eq!(client.get_text("/healthz").await.0, 200);
    assert!(server.is_running());
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("v1={}", hex::encode(mac.finalize().into_bytes()))
}

async fn forged_signatures(client: &Client) {
    let body = json!({ "event": {
        "id": "ev1", "event_type": "incident.triggered", "resource_type": "incident",
        "occurred_at": jiff::Timestamp::now().to_string(),
        "data": {
            "id": "PI1", "type": "incident", "status": "triggered", "title": "checkout is slow",
            "created_at": jiff::Timestamp::now().to_string(), "urgency": "high",
            "service": {"id": "PS1", "type": "service_reference", "summary": "checkout"},
        },
    }})
    .to_string();
    let forged = signed("another-secret", &body);
    let (status, answer) =
        client.post(PAGERDUTY, &[("x-pagerduty-signature", forged.as_str())], body.clone()).await;
    assert_eq!(status, 401, "{answer}");
    assert!(!answer.contains(SECRET));
    assert_eq!(client.post(PAGERDUTY, &[], body).await.0, 401);
    let counted = "quell_webhook_rejected_total{reason=\"unauthorized\",receiver=\"pagerduty\"}";
    assert_eq!(client.metric(counted).await, 2.0);
    assert!(client.list().await.is_empty());
}

async fn broken_bodies(client: &Client) {
    let (status, answer) = client.post(ALERTMANAGER, &[], vec![b' '; LIMIT + 1]).await;
    assert_eq!(status, 413, "{answer}");
    let whole = webhook(&json!({"alertname": "A", "service": "checkout"}));
    let half: String = whole.chars().take(whole.len() / 2).collect();
    let (status, answer) = client.post(ALERTMANAGER, &[], half).await;
    assert_eq!(status, 400, "{answer}");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{answer}");
}

async fn unknown_events(client: &Client) {
    let body = json!({ "event": {
        "id": "ev2", "event_type": "incident.teleported", "resource_type": "incident",
        "occurred_at": jiff::Timestamp::now().to_string(), "data": {"type": "teleport"},
    }})
    .to_string();
    let signature = signed(SECRET, &body);
    let (status, answer) =
        client.post(PAGERDUTY, &[("x-pagerduty-signature", signature.as_str())], body).await;
    assert_eq!(status, 202, "{answer}");
}

/// Ten thousand labels, and a value of a megabyte: taken in part, or refused as too large.
async fn bombs(client: &Client) {
    let mut many = json!({"alertname": "Many", "service": "bombed"});
    for number in 0..10_000 {
        many[format!("label{number}")] = "x".into();
    }
    let mut huge = json!({"alertname": "Huge", "service": "bombed"});
    huge["value"] = "y".repeat(1_000_000).into();
    for (labels, name) in [(&many, "Many"), (&huge, "Huge")] {
        let (status, answer) = client.post(ALERTMANAGER, &[], webhook(labels)).await;
        assert_eq!(status, 202, "{name}: {answer}");
        assert!(kept(client, name).await < 512 * 1024, "{name} is kept whole");
    }
    huge["value"] = "y".repeat(LIMIT).into();
    assert_eq!(client.post(ALERTMANAGER, &[], webhook(&huge)).await.0, 413);
    assert!(client.metric("quell_webhook_dropped_total{receiver=\"alertmanager\"}").await >= 2.0);
}

/// Bytes of labels that are kept of the alert of that name.
async fn kept(client: &Client, name: &str) -> usize {
    for incident in client.list().await {
        for alert in client.get(&incident.id).await.alerts {
            if alert.labels.get("alertname").is_some_and(|found| found == name) {
                return alert.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
            }
        }
    }
    panic!("{name} is not there");
}

async fn bombs_over_grpc(server: &Serving, client: &Client) {
    let channel = Endpoint::from_shared(server.url.clone()).unwrap().connect().await.unwrap();
    let mut alerts = AlertServiceClient::new(channel);
    let named = |name: &str| {
        let pairs = [("alertname", name), ("service", "bombed")];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let many = named("ManyOverGrpc").into_iter();
    let many = many.chain((0..10_000).map(|number| (format!("label{number}"), "x".to_owned())));
    let huge = named("HugeOverGrpc").into_iter().chain([("value".to_owned(), "y".repeat(1_000_000))]);
    for (labels, name) in [(many.collect(), "ManyOverGrpc"), (huge.collect(), "HugeOverGrpc")] {
        let alert = Alert { status: "firing".to_owned(), labels, ..Alert::default() };
        match alerts.send_alerts(SendAlertsRequest { alerts: vec![alert] }).await {
            Ok(_) => assert!(kept(client, name).await < 512 * 1024, "{name} is kept whole"),
            Err(status) => {
                let clear = matches!(status.code(), Code::InvalidArgument | Code::ResourceExhausted);
                assert!(clear && !status.message().is_empty(), "{name}: {status:?}");
            }
        }
    }
}

/// A source that is not there is said to be blind, and the investigation ends all the same.
async fn dead_source(client: &Client) {
    let body = webhook(&json!({"alertname": "Slow", "service": "checkout", "severity": "critical"}));
    let (status, answer) = client.post(ALERTMANAGER, &[], body).await;
    assert_eq!(status, 202, "{answer}");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let id = answer["incidents"][0].as_str().unwrap();
    let events = client.watch(id, 0, Duration::from_secs(30)).await;
    let found = finished(&events);
    let blind = found.blind_spots.iter().find(|blind| blind.source == "prometheus");
    let blind = blind.unwrap_or_else(|| panic!("{:?}", found.blind_spots));
    assert_eq!(blind.signal, "metrics");
    assert!(!blind.because.is_empty());
    println!("blind spot: {}: {}", blind.source, blind.because);
}

/// Runs `quell`, checks how it ends, and gives what it says.
fn ends(arguments: &[&str], code: i32) -> String {
    let output = quell(arguments);
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "quell {}: {said}", arguments.join(" "));
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn command_line(server: &str, folder: &Path) {
    let said = ends(&["show", "INC-9999", "--server", server], 5);
    assert!(said.contains("INC-9999"), "{said}");
    ends(&["watch", "INC-9999", "--server", server], 5);

    let nowhere = format!("http://127.0.0.1:{}", quell_testkit::ports::free().unwrap());
    let said = ends(&["incidents", "--server", &nowhere], 7);
    assert!(said.contains(&nowhere) && said.contains("quell serve"), "{said}");

    let said = ends(&["incidents", "--nonsense"], 2);
    assert!(said.contains("--nonsense"), "{said}");

    let bundle = folder.join("bundle");
    write(
        &bundle,
        &BTreeMap::from([
            (
                "manifest.json",
                r#"{"format":"quell.bundle/1","name":"night","window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T01:00:00Z"}}"#,
            ),
            (
                "alerts.jsonl",
                "{\"labels\":{\"alertname\":\"A\",\"service\":\"cart\"},\"startsAt\":\"2026-01-01T00:30:00Z\"}\n{\"labels\":{\"alertname\":\"B\",\"serv",
            ),
        ]),
    );
    let said = ends(&["investigate", "--bundle", bundle.to_str().unwrap()], 1);
    assert!(said.contains("alerts.jsonl, line 2"), "{said}");

    let runbooks = folder.join("runbooks");
    write(
        &runbooks,
        &BTreeMap::from([(
            "bad.md",
            "---\nquell: 1\nid: bad\ntitle: Bad\nhypotheses:\n  gone:\n    claim: It is gone.\n    prior: 0.5\n    steps: [no-such-step]\n---\n\n## Meaning\n\nNothing.\n",
        )]),
    );
    let said = ends(&["runbook", "lint", runbooks.join("bad.md").to_str().unwrap()], 1);
    assert!(said.contains("bad.md") && said.contains("no-such-step"), "{said}");
}

fn write(folder: &Path, files: &BTreeMap<&str, &str>) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}
