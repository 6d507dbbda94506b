use std::sync::Arc;

use async_trait::async_trait;
use quell_sdk::{AlertReceiver, Received};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Error, Kind, collector::Collector};
use crate::{
    clock::SharedClock,
    domain::{Check, Incident, IncidentId, IncidentStatus},
    history::{Filter, History},
    intake::{Accepted, Intake, RequestKey},
    investigation::Sources,
    journal::Journal,
    runbook::Library,
    telemetry::Metrics,
};

/// Whether the server takes work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Starting,
    Ready,
    Draining,
}

/// Whether the server takes work; it starts as "not yet".
#[derive(Debug)]
pub struct Readiness(watch::Sender<Phase>);

impl Default for Readiness {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Starting))
    }
}

impl Readiness {
    /// From here on requests are taken. Nothing leads back from draining.
    pub fn ready(&self) {
        self.0.send_if_modified(|phase| {
            let starting = *phase == Phase::Starting;
            if starting {
                *phase = Phase::Ready;
            }
            starting
        });
    }

    /// From here on senders are asked to come back later.
    pub fn drain(&self) {
        self.0.send_replace(Phase::Draining);
    }

    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }

    /// starting, ready or draining.
    pub(super) fn word(&self) -> &'static str {
        match *self.0.borrow() {
            Phase::Starting => "starting",
            Phase::Ready => "ready",
            Phase::Draining => "draining",
        }
    }

    /// Why no work is taken; `None` when it is.
    fn refusal(&self) -> Option<&'static str> {
        match *self.0.borrow() {
            Phase::Ready => None,
            Phase::Starting => Some("starting up"),
            Phase::Draining => Some("shutting down"),
        }
    }
}

/// What every request may use.
pub struct State {
    pub journal: Arc<dyn Journal>,
    pub history: Arc<History>,
    pub intake: Intake,
    pub library: Arc<Library>,
    pub collector: Collector,
    /// What queries ask: the same as investigations.
    pub sources: Sources,
    pub receivers: Receivers,
    pub metrics: Arc<Metrics>,
    pub clock: SharedClock,
    pub readiness: Readiness,
    pub checkup: Arc<dyn Checkup>,
    /// Ends every stream.
    pub shutdown: CancellationToken,
}

pub(super) type Shared = Arc<State>;

/// Looks whether what the server uses works.
#[async_trait]
pub trait Checkup: Send + Sync {
    /// A check of each thing, named as in the configuration. Sources are asked, side by side.
    async fn checks(&self) -> Vec<Check>;
}

/// Who takes deliveries apart.
pub struct Receivers {
    pub alertmanager: Arc<dyn AlertReceiver>,
    pub pagerduty: Arc<dyn AlertReceiver>,
    pub events_v2: Arc<dyn AlertReceiver>,
    pub change_events: Arc<dyn AlertReceiver>,
}

impl State {
    pub(super) fn refuse_unless_ready(&self) -> Result<(), Error> {
        match self.readiness.refusal() {
            None => Ok(()),
            Some(why) => Err(Error::new(Kind::Unavailable, format!("quell is {why}; try again"))),
        }
    }

    /// Has the intake take a delivery; on disk when this returns.
    pub(super) async fn accept(&self, receiver: &str, received: Received) -> Result<Accepted, Error> {
        let alerts = received.alerts.len();
        let accepted = self.intake.accept(received).await?;
        self.metrics.alerts_received(receiver, alerts, accepted.duplicates as usize);
        Ok(accepted)
    }

    /// As [`State::accept`], of a whole request, whose repeats [`State::repeated`] then knows.
    pub(super) async fn accept_request(
        &self,
        receiver: &str,
        request: RequestKey,
        received: Received,
    ) -> Result<Accepted, Error> {
        let alerts = received.alerts.len();
        let accepted = self.intake.accept_request(request, received).await?;
        self.metrics.alerts_received(receiver, alerts, accepted.duplicates as usize);
        Ok(accepted)
    }

    /// What a request gets that came before and tells nothing new.
    pub(super) fn repeated(&self, receiver: &str, request: &RequestKey) -> Option<Accepted> {
        let accepted = self.intake.repeated(request)?;
        let alerts = accepted.duplicates as usize;
        self.metrics.alerts_received(receiver, alerts, alerts);
        Some(accepted)
    }

    /// The incident of that id (`inc_...`) or number (`INC-7`).
    pub(super) async fn find(&self, name: &str) -> Result<Incident, Error> {
        self.history.get(name).await?.ok_or_else(|| unknown(name))
    }

    /// As [`State::find`], its id alone.
    pub(super) async fn resolve(&self, name: &str) -> Result<IncidentId, Error> {
        self.history.resolve(name).await?.ok_or_else(|| unknown(name))
    }

    pub(super) async fn list(&self, filter: Filter) -> Result<Vec<Incident>, Error> {
        Ok(self.history.list(filter).await?)
    }

    /// Brings those metrics up to date that are read off something.
    pub(super) async fn refresh_metrics(&self) {
        self.collector.refresh();
        let open = Filter { status: Some(IncidentStatus::Open), limit: usize::MAX, ..Filter::default() };
        match self.history.list(open).await {
            Ok(open) => self.metrics.incidents_open(open.len()),
            Err(error) => tracing::warn!(%error, "the number of open incidents is not known"),
        }
    }
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(80).collect();
    Error::new(Kind::NotFound, format!("no incident `{name}`; `quell incidents` lists them"))
}
