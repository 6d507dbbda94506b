//! Deciding goes on while the batch before is being stored: nothing is answered early, and what rested on a
//! batch that failed never happened.

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use futures::{FutureExt, future::join_all, poll};
use proptest::prelude::*;

use super::{
    bounds::{Faulty, one},
    *,
};
use crate::intake::Result;

type Waiting = Pin<Box<dyn Future<Output = Result<Accepted>> + Send>>;

/// A delivery on its way; the intake has it once this returns.
async fn deliver(intake: &Intake, received: Received) -> Waiting {
    let intake = intake.clone();
    let mut waiting = async move { intake.accept(received).await }.boxed();
    assert!(poll!(&mut waiting).is_pending(), "answered before it can be on disk");
    // The actor, a task of the same thread, has decided by then.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    waiting
}

async fn held() -> (Arc<Faulty>, World) {
    let journal = Faulty::new();
    let world = World::over(Arc::clone(&journal) as Arc<dyn Journal>, Config::default()).await;
    journal.stepwise.store(true, Ordering::SeqCst);
    (journal, world)
}

#[tokio::test]
async fn answers_come_in_the_order_of_their_appends() {
    let (journal, world) = held().await;
    let mut first = deliver(&world.intake, one("a")).await;
    journal.begun(1).await;
    let mut same_again = deliver(&world.intake, one("a")).await;
    let mut other = deliver(&world.intake, one("b")).await;
    for waiting in [&mut first, &mut same_again, &mut other] {
        assert!(poll!(waiting).is_pending());
    }
    journal.steps.add_permits(1);
    let opened = (&mut first).await.unwrap().incidents;
    journal.begun(2).await;
    assert!(poll!(&mut same_again).is_pending(), "it stands in the same batch as one that is not stored");
    assert!(poll!(&mut other).is_pending());
    assert_eq!(world.incidents().await.len(), 1, "what is answered is stored, and nothing else");
    journal.steps.add_permits(1);
    let again = same_again.await.unwrap();
    assert_eq!((again.incidents, again.duplicates), (opened, 1));
    assert_eq!(other.await.unwrap().incidents.len(), 1);
    assert_eq!(world.incidents().await.len(), 2);
}

#[tokio::test]
async fn a_repeat_is_not_answered_before_what_it_repeats_is_stored() {
    let (journal, world) = held().await;
    let first = deliver(&world.intake, one("a")).await;
    journal.begun(1).await;
    // It alone appends nothing, and still rests on the first.
    let mut again = deliver(&world.intake, one("a")).await;
    assert!(poll!(&mut again).is_pending());
    journal.steps.add_permits(1);
    assert_eq!(first.await.unwrap().duplicates, 0);
    assert_eq!(again.await.unwrap().duplicates, 1);
    assert_eq!(journal.appends.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_decided_on_top_of_a_failed_append_never_happened() {
    let (journal, world) = held().await;
    journal.fails.store(true, Ordering::SeqCst);
    let identified = |id: &str, service| Received { delivery_id: Some(id.to_owned()), ..one(service) };
    let first = deliver(&world.intake, identified("1", "a")).await;
    journal.begun(1).await;
    let joins = [alert("Worse", "a").grouped("g"), alert("Slow", "a").resolved()];
    let on_top = [
        deliver(&world.intake, identified("2", "a")).await,
        deliver(&world.intake, Received { alerts: joins.to_vec(), ..Received::default() }).await,
        deliver(&world.intake, identified("3", "b")).await,
    ];
    journal.steps.add_permits(1);
    for waiting in [first].into_iter().chain(on_top) {
        let error = waiting.await.unwrap_err();
        assert_eq!(error.to_string(), "the delivery is not stored: journal x: disk full");
    }
    assert_eq!(journal.appends.load(Ordering::SeqCst), 1, "nothing is appended on top of what failed");
    assert!(world.events().await.is_empty());

    journal.fails.store(false, Ordering::SeqCst);
    journal.stepwise.store(false, Ordering::SeqCst);
    for (id, service) in [("1", "a"), ("2", "a"), ("3", "b")] {
        let accepted = world.accept(identified(id, service)).await;
        assert_eq!(accepted.duplicates, u32::from(id == "2"), "delivery {id}");
    }
    let incidents = world.incidents().await;
    assert_eq!(incidents.len(), 2);
    assert!(incidents.iter().all(|incident| incident.is_open() && incident.alerts.len() == 1));
}

#[tokio::test]
async fn a_change_that_is_being_stored_is_not_stored_again() {
    let (journal, world) = held().await;
    journal.stepwise.store(false, Ordering::SeqCst);
    world.accept(one("a")).await;
    journal.stepwise.store(true, Ordering::SeqCst);
    let change = serde_json::json!({ "kind": "deploy", "id": "d1", "service": "a", "at": world.now() });
    let change: crate::domain::Change = serde_json::from_value(change).unwrap();
    let told = Received { changes: vec![change], ..Received::default() };
    let first = deliver(&world.intake, told.clone()).await;
    journal.begun(2).await;
    let again = deliver(&world.intake, told).await;
    journal.steps.add_permits(2);
    assert_eq!(first.await.unwrap().duplicates, 0);
    assert_eq!(again.await.unwrap().duplicates, 1);
    let seen = world.events().await.iter().filter(|event| event.payload.name() == "change_seen").count();
    assert_eq!(seen, 2, "once in the incident and once among the changes");
}

#[tokio::test]
async fn closing_stores_and_answers_what_waits() {
    let (journal, world) = held().await;
    let first = deliver(&world.intake, one("a")).await;
    journal.begun(1).await;
    let second = deliver(&world.intake, one("b")).await;
    let closing = world.intake.close();
    tokio::pin!(closing);
    assert!(poll!(&mut closing).is_pending());
    journal.steps.add_permits(2);
    closing.await;
    assert!(first.await.is_ok() && second.await.is_ok());
    assert_eq!(world.incidents().await.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever is acknowledged is on disk, once, however appends fail in between.
    #[test]
    fn nothing_is_acknowledged_that_is_not_stored(
        sends in prop::collection::vec((0_usize..8, 0_usize..3), 1..60),
        fails_at in 0_usize..60,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
        runtime.block_on(async {
            let journal = Faulty::new();
            let world = World::over(Arc::clone(&journal) as Arc<dyn Journal>, Config::default()).await;
            let sent = AtomicUsize::new(0);
            let deliveries = sends.iter().map(|(number, service)| {
                let alert = alert(&format!("A{number}"), &format!("s{service}"));
                let fingerprint = alert.fingerprint.clone();
                let (intake, journal, sent) = (world.intake.clone(), Arc::clone(&journal), &sent);
                async move {
                    // One append somewhere in the middle fails, and all that rests on it.
                    journal.fails.store(sent.fetch_add(1, Ordering::SeqCst) == fails_at, Ordering::SeqCst);
                    let received = Received { alerts: vec![alert], ..Received::default() };
                    (fingerprint, intake.accept(received).await.is_ok())
                }
            });
            let answers = join_all(deliveries).await;
            let mut stored: Vec<String> = world
                .incidents()
                .await
                .into_iter()
                .flat_map(|incident| incident.alerts.into_iter().map(|alert| alert.fingerprint))
                .collect();
            stored.sort_unstable();
            let before = stored.len();
            stored.dedup();
            assert_eq!(stored.len(), before, "an alert is in two incidents");
            for (fingerprint, accepted) in answers {
                assert!(!accepted || stored.contains(&fingerprint), "{fingerprint} is acknowledged and not stored");
            }
        });
    }
}

#[tokio::test]
async fn one_that_went_away_does_not_hold_up_the_others() {
    let (journal, world) = held().await;
    let gone = deliver(&world.intake, one("a")).await;
    journal.begun(1).await;
    let mut other = deliver(&world.intake, one("b")).await;
    drop(gone);
    journal.steps.add_permits(2);
    let Poll::Pending = poll!(&mut other) else { panic!("answered too early") };
    assert_eq!(other.await.unwrap().incidents.len(), 1);
    assert_eq!(world.incidents().await.len(), 2);
}
