//! Deliveries that come again byte for byte. That what is known at sight is also right, [`World::accept`]
//! holds in every test here.

use super::{bounds::Faulty, *};

fn key() -> RequestKey {
    RequestKey::of("alertmanager", &[], b"the same")
}

fn delivery(alerts: impl IntoIterator<Item = Alert>) -> Received {
    Received { alerts: alerts.into_iter().collect(), ..Received::default() }
}

async fn take(world: &World, received: Received) -> Accepted {
    world.intake.accept_request(key(), received).await.unwrap()
}

#[tokio::test]
async fn the_second_replica_is_answered_at_sight() {
    let world = World::new().await;
    let both = [alert("Slow", "checkout"), alert("Errors", "checkout")];
    assert_eq!(world.intake.repeated(&key()), None);
    let first = take(&world, delivery(both.clone())).await;
    let again = world.intake.repeated(&key()).unwrap();
    assert_eq!((again.incidents, again.duplicates, again.unmatched), (first.incidents, 2, 0));
    assert_eq!(world.events().await.len(), 3);
}

#[tokio::test]
async fn not_once_the_incident_has_news() {
    let world = World::new().await;
    let slow = alert("Slow", "checkout").grouped("g");
    take(&world, delivery([slow.clone()])).await;
    world.send([alert("Errors", "checkout").grouped("g")]).await;
    world.send([alert("Dark", "search")]).await;
    assert!(world.intake.repeated(&key()).is_some(), "one more alert is no news of the others");
    world.send([alert("Errors", "checkout").grouped("g").resolved()]).await;
    assert_eq!(world.intake.repeated(&key()), None, "another alert of it is over");
    take(&world, delivery([slow.clone()])).await;
    assert!(world.intake.repeated(&key()).is_some(), "read again, and so known again");
    world.send([slow.clone().resolved()]).await;
    assert_eq!(world.intake.repeated(&key()), None, "resolved");
}

#[tokio::test]
async fn not_where_the_time_counts() {
    let world = World::new().await;
    take(&world, Received { undated: true, ..delivery([alert("Slow", "checkout")]) }).await;
    assert_eq!(world.intake.repeated(&key()), None);
    take(&world, Received { delivery_id: Some("7".to_owned()), ..delivery([alert("Slow", "checkout")]) })
        .await;
    assert_eq!(world.intake.repeated(&key()), None);
    take(&world, delivery([])).await;
    assert_eq!(world.intake.repeated(&key()), None);
    take(&world, delivery([alert("Nobody", "knows").resolved()])).await;
    assert_eq!(world.intake.repeated(&key()), None);
}

#[tokio::test]
async fn not_after_the_journal_failed() {
    let journal = Faulty::new();
    let world = World::over(Arc::clone(&journal) as Arc<dyn Journal>, Config::default()).await;
    take(&world, delivery([alert("Slow", "checkout")])).await;
    assert!(world.intake.repeated(&key()).is_some());
    journal.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    world.intake.accept(delivery([alert("Dark", "search")])).await.unwrap_err();
    assert_eq!(world.intake.repeated(&key()), None, "the state that it rested on is gone");
}
