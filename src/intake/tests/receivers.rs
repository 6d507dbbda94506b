//! One alert through two receivers, with bodies as Alertmanager sends them.

use quell_alertmanager::Receiver;
use quell_pagerduty::{EventsConfig, EventsReceiver, WebhookConfig, WebhookReceiver};
use quell_sdk::{AlertReceiver, Request, receiver::Access};
use serde_json::{Value, json};

use super::*;

const GROUP: &str = "{}:{alertname=\"Slow\"}";
const STARTS: &str = "2026-03-02T07:59:30Z";

fn request(world: &World, body: &Value) -> Request {
    Request { headers: Vec::new(), body: body.to_string().into(), received_at: world.now() }
}

fn webhook(world: &World, status: &str, starts: &str, services: &[&str]) -> Received {
    let alert = |service: &&str| {
        json!({"status": status, "labels": {"alertname": "Slow", "service": service}, "startsAt": starts,
               "annotations": {"summary": format!("{service} at {}", world.now())},
               "endsAt": if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-03-02T08:10:00Z" },
               "fingerprint": format!("fp{service}"), "generatorURL": "http://p/graph?g0.expr=up"})
    };
    let alerts: Vec<Value> = services.iter().map(alert).collect();
    let body = json!({"version": "4", "groupKey": GROUP, "status": status, "alerts": alerts});
    Receiver::default().receive(&request(world, &body)).unwrap()
}

fn enqueue(world: &World, action: &str, details: &Value) -> Received {
    let body = json!({
        "routing_key": "k", "event_action": action, "dedup_key": quell_alertmanager::group_key(GROUP),
        "client": "Alertmanager",
        "payload": {"summary": "Slow", "source": "Alertmanager", "severity": "error", "custom_details": details},
    });
    let receiver = EventsReceiver::new(EventsConfig { routing_keys: vec!["k".to_owned().into()] });
    receiver.receive(&request(world, &body)).unwrap()
}

fn text(services: &[&str]) -> String {
    let block = |service: &&str| {
        format!(
            "Labels:\n - alertname = Slow\n - service = {service}\nAnnotations:\n - summary = s\nSource: x\n"
        )
    };
    services.iter().map(block).collect()
}

fn pagerduty(world: &World, event: &str, data: &Value) -> Received {
    let access = Access { bearer_token: Some("t".to_owned().into()), basic_auth: None };
    let receiver = WebhookReceiver::new(WebhookConfig { secrets: Vec::new(), access });
    let body = json!({"event": {"id": format!("{event}{}", world.now()), "event_type": event,
        "occurred_at": world.now().to_string(), "agent": {"summary": "Ben"}, "data": data}});
    let mut request = request(world, &body);
    request.headers.push(("authorization".to_owned(), "Bearer t".to_owned()));
    receiver.receive(&request).unwrap()
}

#[tokio::test]
async fn both_ways_are_one_incident_and_one_alert() {
    for webhook_first in [true, false] {
        let world = World::new().await;
        let services = ["checkout", "payments"];
        let deliver = async |first: bool, firing: bool| {
            let received = match (first == webhook_first, firing) {
                (true, true) => webhook(&world, "firing", STARTS, &services),
                (true, false) => webhook(&world, "resolved", STARTS, &services),
                (false, true) => enqueue(&world, "trigger", &json!({"firing": text(&services)})),
                (false, false) => enqueue(&world, "resolve", &json!({"resolved": text(&services)})),
            };
            world.pass(1);
            world.accept(received).await
        };
        assert_eq!(deliver(true, true).await.duplicates, 0);
        let second = deliver(false, true).await;
        assert_eq!((second.duplicates, second.incidents.len()), (2, 1), "webhook first: {webhook_first}");
        let incidents = world.incidents().await;
        assert_eq!((incidents.len(), incidents[0].alerts.len()), (1, 2));

        world.pass(600);
        deliver(true, false).await;
        assert!(!world.incidents().await[0].is_open(), "the first that says so ends it");
        deliver(false, false).await;
        deliver(true, true).await;
        let incidents = world.incidents().await;
        assert_eq!(incidents.len(), 1 + usize::from(!webhook_first), "only an undated firing may be news");
    }
}

#[tokio::test]
async fn the_list_form_of_the_details_carries_its_own_times() {
    let world = World::new().await;
    let list = json!([{"labels": {"alertname": "Slow", "service": "checkout"}, "startsAt": STARTS,
                       "fingerprint": "fpcheckout"}]);
    world.accept(enqueue(&world, "trigger", &json!({"firing": list, "resolved": []}))).await;
    world.accept(webhook(&world, "firing", STARTS, &["checkout"])).await;
    world.accept(webhook(&world, "resolved", STARTS, &["checkout"])).await;
    let late = world.accept(enqueue(&world, "trigger", &json!({"firing": list, "resolved": []}))).await;
    assert_eq!(late.duplicates, 1);
    assert_eq!(world.incidents().await.len(), 1);
}

#[tokio::test]
async fn a_resolve_without_details_ends_the_alerts_of_the_group() {
    let world = World::new().await;
    world.accept(webhook(&world, "firing", STARTS, &["checkout", "payments"])).await;
    world.send([alert("Errors", "checkout")]).await;
    world.pass(60);
    let accepted = world.accept(enqueue(&world, "resolve", &json!({}))).await;
    assert_eq!(accepted.incidents.len(), 1);
    let incident = &world.incidents().await[0];
    let firing: Vec<&str> = incident.alerts.iter().filter(|a| a.is_firing()).map(Alert::name).collect();
    assert_eq!(firing, ["Errors"], "an alert of another group goes on");
    assert!(incident.is_open());
    world.send([alert("Errors", "checkout").resolved()]).await;
    assert!(!world.incidents().await[0].is_open());
}

#[tokio::test]
async fn a_late_trigger_after_the_end_opens_nothing() {
    let world = World::new().await;
    world.accept(webhook(&world, "firing", STARTS, &["checkout"])).await;
    world.pass(300);
    world.accept(webhook(&world, "resolved", STARTS, &["checkout"])).await;
    world.pass(5);
    let late = world.accept(enqueue(&world, "trigger", &json!({"firing": text(&["checkout"])}))).await;
    assert_eq!((late.duplicates, late.incidents.len()), (1, 1));
    world.pass(1);
    world.accept(enqueue(&world, "resolve", &json!({"resolved": text(&["checkout"])}))).await;
    assert_eq!(world.incidents().await.len(), 1);

    world.pass(60);
    let starts = world.now().to_string();
    world.accept(webhook(&world, "firing", &starts, &["checkout"])).await;
    world.accept(enqueue(&world, "trigger", &json!({"firing": text(&["checkout"])}))).await;
    let incidents = world.incidents().await;
    assert_eq!((incidents.len(), incidents[1].alerts.len()), (2, 1));
}

#[tokio::test]
async fn pagerdutys_own_webhook_joins_by_the_key_that_alertmanager_gave_it() {
    let world = World::new().await;
    world.accept(webhook(&world, "firing", STARTS, &["checkout"])).await;
    world.pass(2);
    let data = |status: &str| {
        json!({"id": "Q2CK", "type": "incident", "status": status, "title": "[FIRING:1] Slow", "urgency": "high",
               "service": {"summary": "Checkout Team"}, "created_at": "2026-03-02T08:00:01Z",
               "incident_key": quell_alertmanager::group_key(GROUP)})
    };
    world.accept(pagerduty(&world, "incident.triggered", &data("triggered"))).await;
    world.accept(pagerduty(&world, "incident.acknowledged", &data("acknowledged"))).await;
    let content = json!({"type": "incident_note", "content": "looking", "incident": {"id": "Q2CK"}});
    world.accept(pagerduty(&world, "incident.annotated", &content)).await;
    let incidents = world.incidents().await;
    assert_eq!((incidents.len(), incidents[0].alerts.len()), (1, 2));
    world.pass(600);
    world.accept(webhook(&world, "resolved", STARTS, &["checkout"])).await;
    assert!(world.incidents().await[0].is_open(), "PagerDuty says that it goes on");
    world.accept(pagerduty(&world, "incident.resolved", &data("resolved"))).await;
    assert!(!world.incidents().await[0].is_open());
    // PagerDuty sends the note on the resolve after the resolve.
    world.pass(1);
    world.accept(pagerduty(&world, "incident.annotated", &content)).await;
    assert_eq!(world.story().await.iter().filter(|name| **name == "note_added").count(), 4);
}

#[tokio::test]
async fn pagerduty_telling_of_an_incident_that_is_over_opens_nothing() {
    let world = World::new().await;
    world.accept(webhook(&world, "firing", STARTS, &["checkout"])).await;
    world.pass(300);
    world.accept(webhook(&world, "resolved", STARTS, &["checkout"])).await;
    world.pass(600);
    let data = json!({"id": "Q2CK", "type": "incident", "title": "[FIRING:1] Slow",
        "created_at": "2026-03-02T08:00:01Z", "incident_key": quell_alertmanager::group_key(GROUP)});
    world.accept(pagerduty(&world, "incident.triggered", &data)).await;
    world.accept(pagerduty(&world, "incident.resolved", &data)).await;
    let incidents = world.incidents().await;
    assert_eq!((incidents.len(), incidents[0].is_open()), (1, false));
    assert_eq!(incidents[0].alerts.len(), 2, "it is on record");

    // The same receiver with a further alert of the group tells of something new.
    world.accept(webhook(&world, "firing", "2026-03-02T08:04:00Z", &["payments"])).await;
    assert_eq!(world.incidents().await.len(), 2);
}

#[tokio::test]
async fn a_late_word_that_is_confirmed_or_repeated_is_a_page() {
    let world = World::new().await;
    let list = |service: &str, starts: &str| {
        let labels = json!({"alertname": "Slow", "service": service});
        json!({"firing": [{"labels": labels, "startsAt": starts, "fingerprint": format!("fp{service}")}]})
    };
    world.accept(webhook(&world, "firing", STARTS, &["checkout"])).await;
    world.pass(300);
    world.accept(webhook(&world, "resolved", STARTS, &["checkout"])).await;
    // It began before the group was over, and for all we know it is over as well.
    let late = list("payments", "2026-03-02T08:04:00Z");
    world.accept(enqueue(&world, "trigger", &late)).await;
    assert_eq!(world.incidents().await.len(), 1);
    world.accept(webhook(&world, "firing", "2026-03-02T08:04:00Z", &["payments"])).await;
    assert_eq!(world.incidents().await.len(), 2);
    world.accept(webhook(&world, "resolved", "2026-03-02T08:04:00Z", &["payments"])).await;

    world.pass(60);
    world.send([alert("Errors", "search").grouped("s")]).await;
    world.send([alert("Errors", "search").grouped("s").resolved()]).await;
    let mut late = alert("Slow", "search").grouped("s");
    "grpc".clone_into(&mut late.source);
    world.send([late.clone()]).await;
    world.send([late.clone()]).await;
    assert_eq!(world.incidents().await.len(), 3);
    world.pass(600);
    world.send([late]).await;
    let incidents = world.incidents().await;
    assert_eq!((incidents.len(), incidents[3].is_open()), (4, true), "it still says so");
}
