use quell_sdk::{ChangeSource, signal::Window};
use serde_json::json;

use super::*;
use crate::domain::Change;

fn change(id: &str, service: &str) -> Change {
    serde_json::from_value(json!({
        "kind": "deploy", "id": id, "service": service, "at": start(), "title": format!("Deploy {service}"),
    }))
    .unwrap()
}

async fn send(world: &World, changes: &[Change]) -> Accepted {
    world.accept(Received { changes: changes.to_vec(), ..Received::default() }).await
}

async fn kept(world: &World) -> Vec<String> {
    let window =
        Window::new("2026-03-02T00:00:00Z".parse().unwrap(), "2026-03-03T00:00:00Z".parse().unwrap());
    let answer = world.intake.changes().changes(window).await.unwrap();
    answer.data.into_iter().map(|change| change.id).collect()
}

#[tokio::test]
async fn a_change_before_the_page_is_there_for_the_investigation_even_after_a_restart() {
    let mut world = World::new().await;
    assert!(send(&world, &[change("d-1", "checkout"), change("d-1", "checkout")]).await.incidents.is_empty());
    assert_eq!(send(&world, &[change("d-1", "checkout")]).await.duplicates, 1);
    assert_eq!(kept(&world).await, ["d-1"]);
    assert!(world.incidents().await.is_empty(), "a change is no incident");
    world.restart().await;
    assert_eq!(kept(&world).await, ["d-1"]);
    assert_eq!(send(&world, &[change("d-1", "checkout")]).await.duplicates, 1);
    assert_eq!(world.events().await.len(), 1);
    world.pass(25 * 3_600);
    send(&world, &[change("d-2", "cart")]).await;
    assert_eq!(kept(&world).await, ["d-2"]);
}

#[tokio::test]
async fn a_change_of_an_alerted_service_is_in_its_incidents_timeline() {
    let world = World::new().await;
    let opened = world.send([alert("Slow", "checkout"), alert("Slow", "search")]).await.incidents;
    let accepted = send(&world, &[change("d-1", "checkout"), change("d-2", "cart"), change("d-3", "")]).await;
    assert_eq!(accepted.incidents, opened.get(..1).unwrap());
    let seen: Vec<_> =
        world.events().await.into_iter().filter(|event| event.payload.name() == "change_seen").collect();
    let of_incident = seen.iter().filter(|event| event.incident == opened[0]).count();
    assert_eq!((of_incident, seen.len()), (1, 4));
    world.send([alert("Slow", "checkout").resolved()]).await;
    assert!(send(&world, &[change("d-4", "checkout")]).await.incidents.is_empty());
}

#[tokio::test]
async fn changes_without_an_id_are_told_apart_by_what_they_say() {
    let world = World::new().await;
    let (one, other) = (change("", "checkout"), change("", "cart"));
    assert_eq!(send(&world, &[one.clone(), one, other]).await.duplicates, 1);
    assert_eq!(kept(&world).await.len(), 2);
}
