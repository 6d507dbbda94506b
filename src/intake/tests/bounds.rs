//! Too much, too fast, and a journal that fails.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::*;
use crate::journal::{self, Append, Appended, Claim};

/// A journal that can be told to fail or to hold appends back.
pub(super) struct Faulty {
    inner: SqliteJournal,
    pub(super) fails: AtomicBool,
    pub(super) appends: AtomicUsize,
    pub(super) gate: tokio::sync::RwLock<()>,
    /// Whether each append waits for one of `steps`.
    pub(super) stepwise: AtomicBool,
    pub(super) steps: tokio::sync::Semaphore,
}

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: SqliteJournal::in_memory().unwrap(),
            fails: AtomicBool::new(false),
            appends: AtomicUsize::new(0),
            gate: tokio::sync::RwLock::new(()),
            stepwise: AtomicBool::new(false),
            steps: tokio::sync::Semaphore::new(0),
        })
    }

    /// Waits until so many appends have begun.
    pub(super) async fn begun(&self, appends: usize) {
        while self.appends.load(Ordering::SeqCst) < appends {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Journal for Faulty {
    async fn append(&self, batch: Append) -> journal::Result<Appended> {
        self.inner.append(batch).await
    }
    async fn append_all(&self, batches: Vec<Append>) -> journal::Result<Vec<Appended>> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.read().await;
        if self.stepwise.load(Ordering::SeqCst) {
            self.steps.acquire().await.unwrap().forget();
        }
        if self.fails.load(Ordering::SeqCst) {
            return Err(journal::Error::Storage { path: "x".to_owned(), message: "disk full".to_owned() });
        }
        self.inner.append_all(batches).await
    }
    async fn read(&self, incident: &IncidentId, after: u64, limit: usize) -> journal::Result<Vec<Event>> {
        self.inner.read(incident, after, limit).await
    }
    async fn read_all(&self, after: Position, limit: usize) -> journal::Result<Vec<(Position, Event)>> {
        self.inner.read_all(after, limit).await
    }
    async fn end(&self) -> journal::Result<Position> {
        self.inner.end().await
    }
    fn follow(&self, incident: &IncidentId, after: u64) -> BoxStream<'static, journal::Result<Event>> {
        self.inner.follow(incident, after)
    }
    fn follow_all(&self, after: Position) -> BoxStream<'static, journal::Result<(Position, Event)>> {
        self.inner.follow_all(after)
    }
    async fn claim(&self, worker: &str, lease: Duration) -> journal::Result<Claim> {
        self.inner.claim(worker, lease).await
    }
    async fn renew(&self, claim: &Claim, worker: &str, lease: Duration) -> journal::Result<bool> {
        self.inner.renew(claim, worker, lease).await
    }
    async fn release(&self, claim: &Claim, worker: &str) -> journal::Result<()> {
        self.inner.release(claim, worker).await
    }
    async fn next_number(&self) -> journal::Result<u64> {
        self.inner.next_number().await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

pub(super) fn one(service: &str) -> Received {
    Received { alerts: vec![alert("Slow", service)], ..Received::default() }
}

#[tokio::test]
async fn what_could_not_be_stored_is_not_known_afterwards() {
    let journal = Faulty::new();
    let world = World::over(Arc::clone(&journal) as Arc<dyn Journal>, Config::default()).await;
    world.accept(one("a")).await;
    journal.fails.store(true, Ordering::SeqCst);
    let refused = Received { delivery_id: Some("d".to_owned()), ..one("b") };
    let error = world.intake.accept(refused.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), "the delivery is not stored: journal x: disk full");
    journal.fails.store(false, Ordering::SeqCst);
    let accepted = world.accept(refused).await;
    assert_eq!((accepted.incidents.len(), accepted.duplicates), (1, 0), "the sender's second try counts");
    assert_eq!(world.accept(one("a")).await.duplicates, 1);
    assert_eq!(world.incidents().await.len(), 2);
}

#[tokio::test]
async fn deliveries_that_wait_share_one_append() {
    let journal = Faulty::new();
    let world = World::over(Arc::clone(&journal) as Arc<dyn Journal>, Config::default()).await;
    let closed = journal.gate.write().await;
    let deliveries: Vec<_> = (0..50)
        .map(|number| {
            let intake = world.intake.clone();
            tokio::spawn(async move { intake.accept(one(&format!("s{number}"))).await })
        })
        .collect();
    while journal.appends.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    for delivery in deliveries {
        assert_eq!(delivery.await.unwrap().unwrap().incidents.len(), 1);
    }
    assert!(journal.appends.load(Ordering::SeqCst) <= 3, "{:?}", journal.appends);
    assert_eq!(world.incidents().await.len(), 50);
}

#[tokio::test]
async fn a_full_queue_refuses_and_loses_nothing_that_it_took() {
    let journal = Faulty::new();
    let config = Config { max_queue_bytes: 4 << 10, ..Config::default() };
    let world = World::over(Arc::clone(&journal) as Arc<dyn Journal>, config).await;
    let closed = journal.gate.write().await;
    let deliveries: Vec<_> = (0..20)
        .map(|number| {
            let intake = world.intake.clone();
            tokio::spawn(async move { intake.accept(one(&format!("s{number}"))).await })
        })
        .collect();
    while journal.appends.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    let mut taken = 0;
    for delivery in deliveries {
        match delivery.await.unwrap() {
            Ok(_) => taken += 1,
            Err(error) => assert!(matches!(error, Error::Overloaded), "{error}"),
        }
    }
    assert!((1..20).contains(&taken), "{taken}");
    assert_eq!(world.incidents().await.len(), taken);
    // One delivery larger than the queue is taken when nothing else waits.
    let many = (0..20).map(|number| alert("Slow", &format!("t{number}")).grouped("g")).collect();
    assert_eq!(world.accept(Received { alerts: many, ..Received::default() }).await.incidents.len(), 1);
}

#[tokio::test]
async fn after_close_nothing_is_taken() {
    let world = World::new().await;
    world.intake.close().await;
    assert!(matches!(world.intake.accept(one("a")).await, Err(Error::Closed)));
    world.intake.close().await;
}

#[tokio::test]
async fn a_full_incident_is_followed_by_another() {
    let world = World::with(Config { max_alerts_per_incident: 3, ..Config::default() }).await;
    let alerts: Vec<Alert> =
        (0..7).map(|number| alert(&format!("A{number}"), "checkout").grouped("g")).collect();
    world.send(alerts).await;
    let incidents = world.incidents().await;
    assert_eq!(incidents.iter().map(|incident| incident.alerts.len()).collect::<Vec<_>>(), [3, 3, 1]);
    world.send([Alert::group_end("events-v2", "g", start())]).await;
    assert!(world.incidents().await.iter().all(|incident| !incident.is_open()));
}

#[tokio::test]
async fn the_quietest_are_forgotten_when_memory_is_used_up() {
    let world = World::with(Config { max_state_bytes: 20_000, ..Config::default() }).await;
    for number in 0..100 {
        world.pass(1);
        world.send([alert("Slow", &format!("s{number}"))]).await;
    }
    assert_eq!(world.incidents().await.len(), 100);
    assert_eq!(world.send([alert("Slow", "s99")]).await.duplicates, 1);
    assert_eq!(world.send([alert("Slow", "s0")]).await.duplicates, 0, "forgotten, so it opens another");
}

#[tokio::test]
async fn the_resolved_are_forgotten_after_a_while() {
    let world = World::new().await;
    world.send([alert("Slow", "checkout")]).await;
    world.send([alert("Slow", "checkout").resolved()]).await;
    world.pass(3_000);
    assert_eq!(world.send([alert("Slow", "checkout").resolved()]).await.duplicates, 1);
    world.pass(700);
    assert_eq!(world.send([alert("Slow", "checkout").resolved()]).await.unmatched, 1);
}
