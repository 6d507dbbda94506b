//! One receiver: opening, repeating, grouping, flapping, resolving.

use std::collections::HashSet;

use quell_sdk::receiver::Note;

use super::*;
use crate::{
    domain::{InvestigationStatus, Payload},
    intake::Asked,
};

#[tokio::test]
async fn a_page_opens_an_incident_and_asks_for_an_investigation() {
    let world = World::new().await;
    let accepted = world.send([alert("Slow", "checkout")]).await;
    assert_eq!((accepted.incidents.len(), accepted.duplicates, accepted.unmatched), (1, 0, 0));
    assert_eq!(world.story().await, ["incident_opened", "alerts_received", "investigation_requested"]);
    let incident = &world.incidents().await[0];
    assert_eq!(accepted.incidents.as_slice(), std::slice::from_ref(&incident.id));
    assert!(incident.id.0.strip_prefix("inc_").is_some_and(|id| id.len() == 32));
    assert_eq!((incident.number, incident.title.as_str()), (1, "Slow on checkout"));
    assert_eq!((incident.service.as_str(), incident.opened_at), ("checkout", start()));
    assert_eq!(incident.investigation_status, InvestigationStatus::Pending);
    let claim = world.journal.claim("w", Duration::from_secs(9)).await.unwrap();
    assert_eq!((claim.incident, claim.budget), (incident.id.clone(), Duration::from_secs(60)));
    assert!(claim.investigation.starts_with("inv_"));
}

#[tokio::test]
async fn a_repeat_is_a_duplicate_whatever_its_annotations_say() {
    let world = World::new().await;
    let first = world.send([alert("Slow", "checkout")]).await;
    world.pass(4 * 3_600);
    let mut again = alert("Slow", "checkout");
    again.annotations.insert("summary".to_owned(), "p95 512 ms".to_owned());
    let repeat = world.send([again]).await;
    assert_eq!((repeat.incidents, repeat.duplicates), (first.incidents, 1));
    assert_eq!(world.events().await.len(), 3);
}

#[tokio::test]
async fn a_delivery_is_taken_once() {
    let world = World::new().await;
    let note =
        Note { group_key: "g".to_owned(), at: start(), author: "Ben".to_owned(), text: "hm".to_owned() };
    let delivery = Received {
        alerts: vec![alert("Slow", "checkout").grouped("g")],
        notes: vec![note],
        delivery_id: Some("pagerduty:1".to_owned()),
        ..Received::default()
    };
    let first = world.accept(delivery.clone()).await;
    let second = world.accept(delivery).await;
    assert_eq!((second.incidents, second.duplicates), (first.incidents, 2));
    assert_eq!(world.story().await.iter().filter(|name| **name == "note_added").count(), 1);
}

#[tokio::test]
async fn it_resolves_when_all_of_its_alerts_have() {
    let world = World::new().await;
    let (slow, errors) = (alert("Slow", "checkout").grouped("g"), alert("Errors", "cart").grouped("g"));
    world.send([slow.clone(), errors.clone()]).await;
    world.send([slow.resolved()]).await;
    assert!(world.incidents().await[0].is_open());
    world.pass(60);
    world.send([errors.clone().resolved()]).await;
    let incident = &world.incidents().await[0];
    assert_eq!((incident.is_open(), incident.resolved_at), (false, Some(world.now())));
    assert!(incident.alerts.iter().all(|alert| !alert.is_firing() && alert.ends_at.is_some()));
    let because = world.events().await.into_iter().find_map(|event| match event.payload {
        Payload::IncidentResolved { because } => Some(because),
        _ => None,
    });
    assert_eq!(because.as_deref(), Some("all 2 alerts are resolved"));
    assert_eq!(world.send([errors.resolved()]).await.duplicates, 1);
}

#[tokio::test]
async fn resolves_of_what_is_not_known_are_dropped() {
    let world = World::new().await;
    let end = Alert::group_end("events-v2", "nobody", start());
    let accepted = world.send([alert("Slow", "checkout").resolved(), end]).await;
    assert_eq!(accepted, Accepted { unmatched: 2, ..Accepted::default() });
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn one_group_is_one_incident_however_late_its_alerts() {
    let world = World::new().await;
    world.send([alert("Slow", "checkout").grouped("g")]).await;
    world.pass(3 * 3_600);
    world.send([alert("Slow", "payments").grouped("g").started(world.now())]).await;
    let incidents = world.incidents().await;
    assert_eq!((incidents.len(), incidents[0].alerts.len()), (1, 2));
}

#[tokio::test]
async fn alerts_of_one_service_join_while_it_is_fresh() {
    let world = World::new().await;
    world.send([alert("Slow", "checkout").grouped("g1")]).await;
    world.pass(500);
    world.send([alert("Errors", "checkout").grouped("g2").started(world.now())]).await;
    world.pass(500);
    world.send([alert("Saturated", "checkout").grouped("g3").started(world.now())]).await;
    world.send([alert("Slow", "search").started(world.now())]).await;
    assert_eq!(world.incidents().await.len(), 2);
    world.pass(601);
    world.send([alert("OutOfDisk", "checkout").grouped("g4").started(world.now())]).await;
    let incidents = world.incidents().await;
    assert_eq!(incidents.iter().map(|incident| incident.alerts.len()).collect::<Vec<_>>(), [3, 1, 1]);
}

#[tokio::test]
async fn two_clusters_are_two_incidents() {
    let world = World::new().await;
    for cluster in ["prod", "staging"] {
        let labels = [("alertname", "Slow"), ("service", "checkout"), ("cluster", cluster)];
        world.send([plain("grpc", &labels)]).await;
    }
    assert_eq!(world.incidents().await.len(), 2);
}

#[tokio::test]
async fn a_flap_inside_an_open_incident_opens_nothing() {
    let world = World::new().await;
    let (slow, errors) = (alert("Slow", "checkout"), alert("Errors", "checkout"));
    world.send([slow.clone(), errors]).await;
    for _ in 0..3 {
        world.pass(30);
        world.send([slow.clone().started(world.now())]).await;
        world.pass(30);
        world.send([slow.clone().started(world.now()).resolved()]).await;
    }
    let incidents = world.incidents().await;
    assert_eq!(incidents.len(), 1);
    assert!(incidents[0].is_open());
    let numbers: HashSet<u64> = world.events().await.iter().map(|event| event.seq).collect();
    assert_eq!(numbers.len(), 9, "each firing and each end is in the timeline once");
}

#[tokio::test]
async fn a_new_firing_after_the_end_is_a_new_incident() {
    let world = World::new().await;
    let slow = alert("Slow", "checkout").grouped("g");
    world.send([slow.clone()]).await;
    world.send([slow.clone().resolved()]).await;
    // Both are late news of what is over.
    assert_eq!(world.send([slow.clone()]).await.duplicates, 1);
    assert_eq!(world.send([slow.clone().resolved()]).await.duplicates, 1);
    world.pass(1);
    let again = slow.started(world.now());
    let accepted = world.send([again.clone()]).await;
    let incidents = world.incidents().await;
    assert_eq!(incidents.len(), 2);
    assert_eq!(accepted.incidents, [incidents[1].id.clone()]);
    assert_eq!(incidents[1].alerts, [again]);
}

#[tokio::test]
async fn news_in_one_delivery_resolve_before_they_open() {
    let world = World::new().await;
    world.send([alert("Slow", "checkout").grouped("g")]).await;
    // The group lives on in another alert: the incident must not end in between.
    let next = alert("Slow", "payments").grouped("g");
    world.send([alert("Slow", "checkout").grouped("g").resolved(), next]).await;
    let incidents = world.incidents().await;
    assert_eq!((incidents.len(), incidents[0].is_open()), (1, true));
}

#[tokio::test]
async fn alikes_under_two_names_are_two_alerts() {
    let world = World::new().await;
    let named = |fingerprint: &str| {
        let mut alert = plain("events-v2", &[("alertname", "disk full")]).grouped(fingerprint);
        fingerprint.clone_into(&mut alert.fingerprint);
        alert
    };
    world.send_undated([named("db-1"), named("db-2")]).await;
    world.send_undated([named("db-1").resolved()]).await;
    let firing: Vec<_> = world.incidents().await.into_iter().filter(Incident::is_open).collect();
    assert_eq!(firing.len(), 1);
    assert!(firing[0].alerts.iter().any(|alert| alert.fingerprint == "db-2" && alert.is_firing()));
}

#[tokio::test]
async fn a_person_may_open_and_end_an_incident() {
    let world = World::new().await;
    let asked = Asked {
        title: "checkout, please".to_owned(),
        service: "checkout".to_owned(),
        alerts: vec![plain("grpc", &[("alertname", "asked"), ("service", "checkout")])],
        budget: Some(Duration::from_secs(7)),
        ..Asked::default()
    };
    let opened = world.intake.open(asked).await.unwrap();
    assert_eq!(opened.number, 1);
    assert_eq!(world.incidents().await[0].alerts[0].fingerprint.len(), 16);
    let claim = world.journal.claim("w", Duration::from_secs(9)).await.unwrap();
    assert_eq!((claim.investigation, claim.budget.as_secs()), (opened.investigation, 7));
    let joined = world.send([alert("Slow", "checkout")]).await.incidents;
    assert_eq!(joined.as_slice(), std::slice::from_ref(&opened.incident));
    assert!(world.intake.resolve(&opened.incident, "it was me").await.unwrap());
    assert!(!world.intake.resolve(&opened.incident, "again").await.unwrap());
    assert!(!world.incidents().await[0].is_open());
}

#[tokio::test]
async fn an_incident_that_a_person_asked_for_is_joined_by_its_service() {
    let mut world = World::new().await;
    let asked = Asked { service: "checkout".to_owned(), ..Asked::default() };
    let opened = world.intake.open(asked).await.unwrap();
    for name in ["Slow", "Errors"] {
        let labels = [("alertname", name), ("service", "checkout"), ("cluster", "prod")];
        let joined = world.send([plain("grpc", &labels)]).await.incidents;
        assert_eq!(joined.as_slice(), std::slice::from_ref(&opened.incident));
        world.restart().await;
    }
}
