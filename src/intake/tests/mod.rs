//! Deliveries through [`Intake::accept`] into a real journal, read back as incidents.

mod bounds;
mod changes;
mod incidents;
mod pipeline;
mod property;
mod receivers;
mod repeats;
mod restart;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use quell_sdk::Received;

use super::{Accepted, Config, Error, Intake, RequestKey};
use crate::{
    clock::Clock,
    domain::{Alert, AlertStatus, Event, Incident, IncidentId},
    journal::{Journal, Position, SqliteJournal},
};

/// A clock that stands where it is put.
struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct World {
    journal: Arc<dyn Journal>,
    clock: Arc<TestClock>,
    config: Config,
    intake: Intake,
}

impl World {
    async fn new() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        Self::over(Arc::new(SqliteJournal::in_memory().unwrap()), config).await
    }

    async fn over(journal: Arc<dyn Journal>, config: Config) -> Self {
        let clock = Arc::new(TestClock(Mutex::new(start())));
        let shared = Arc::clone(&clock);
        let intake = Intake::start(Arc::clone(&journal), shared, config.clone()).await.unwrap();
        Self { journal, clock, config, intake }
    }

    /// Another process takes over the journal.
    async fn restart(&mut self) {
        self.intake.close().await;
        let (journal, clock) = (Arc::clone(&self.journal), Arc::clone(&self.clock));
        self.intake = Intake::start(journal, clock, self.config.clone()).await.unwrap();
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, seconds: u64) {
        *self.clock.0.lock().unwrap() += Duration::from_secs(seconds);
    }

    /// Whatever is known at sight is what reading it again says.
    async fn accept(&self, received: Received) -> Accepted {
        let key = RequestKey::of("test", &[], format!("{received:?}").as_bytes());
        let known = self.intake.repeated(&key);
        let accepted = self.intake.accept_request(key, received).await.unwrap();
        assert_eq!(known.unwrap_or_else(|| accepted.clone()), accepted);
        accepted
    }

    /// One delivery of alerts that give start times.
    async fn send(&self, alerts: impl IntoIterator<Item = Alert>) -> Accepted {
        self.accept(Received { alerts: alerts.into_iter().collect(), ..Received::default() }).await
    }

    /// One delivery of alerts that give none.
    async fn send_undated(&self, alerts: impl IntoIterator<Item = Alert>) -> Accepted {
        let alerts = alerts.into_iter().collect();
        self.accept(Received { alerts, undated: true, ..Received::default() }).await
    }

    async fn events(&self) -> Vec<Event> {
        let events = self.journal.read_all(Position(0), usize::MAX).await.unwrap();
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// All incidents in the order of their opening, folded from the journal.
    async fn incidents(&self) -> Vec<Incident> {
        let mut streams: BTreeMap<IncidentId, Vec<Event>> = BTreeMap::new();
        for event in self.events().await {
            streams.entry(event.incident.clone()).or_default().push(event);
        }
        let mut incidents: Vec<Incident> = streams.values().filter_map(Incident::fold).collect();
        incidents.sort_by_key(|incident| incident.number);
        incidents
    }

    /// Names of the events of the only incident.
    async fn story(&self) -> Vec<&'static str> {
        assert_eq!(self.incidents().await.len(), 1);
        self.events().await.iter().map(|event| event.payload.name()).collect()
    }
}

fn start() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

/// An alert as Alertmanager sends it: its fingerprint follows from its labels.
fn alert(name: &str, service: &str) -> Alert {
    let mut alert = plain("alertmanager", &[("alertname", name), ("service", service)]);
    alert.fingerprint = format!("fp-{name}-{service}");
    alert
}

/// A firing alert of a sender that gives no fingerprints.
fn plain(source: &str, labels: &[(&str, &str)]) -> Alert {
    let mut alert = Alert::group_end(source, "", start());
    alert.status = AlertStatus::Firing;
    alert.ends_at = None;
    alert.group_key = None;
    alert.labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    alert
}

trait AlertExt {
    fn resolved(self) -> Self;
    fn started(self, at: Timestamp) -> Self;
    fn grouped(self, key: &str) -> Self;
}

impl AlertExt for Alert {
    fn resolved(mut self) -> Self {
        self.status = AlertStatus::Resolved;
        self
    }

    fn started(mut self, at: Timestamp) -> Self {
        self.starts_at = at;
        self
    }

    fn grouped(mut self, key: &str) -> Self {
        self.group_key = Some(key.to_owned());
        self
    }
}
