use std::{sync::Arc, time::Duration};

use quell_sdk::Received;
use tokio::sync::{
    OwnedSemaphorePermit, Semaphore, TryAcquireError,
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{
    actor::Actor,
    changelog::ChangeLog,
    config::Config,
    rebuild::rebuild,
    repeats::{Mark, Repeats, RequestKey},
    state::weight,
};
use crate::{
    clock::SharedClock,
    domain::{Alert, IncidentId},
    journal::{self, Journal},
};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Journal of all changes, in which there is no incident.
pub(super) const CHANGES_STREAM: &str = "sys_changes";

/// Bytes that one permit of the queue stands for.
const PERMIT_BYTES: usize = 1_024;
/// Deliveries whose repeats are known at sight.
const MAX_REPEATS: usize = 4_096;

/// Whether a journal is that of an incident. Others hold what belongs to none, as changes do, and begin
/// with another event than `IncidentOpened`.
pub fn is_incident(id: &IncidentId) -> bool {
    !id.0.starts_with("sys_")
}

/// Why a delivery was not taken. The sender should try again: nothing of it was decided.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Too much waits already.
    #[error("the intake is overloaded; deliver again later")]
    Overloaded,
    /// The intake is shutting down.
    #[error("the intake is closed")]
    Closed,
    /// It could not be stored. Whether it was is decided anew at the next delivery.
    #[error("the delivery is not stored: {0}")]
    Journal(#[source] Arc<journal::Error>),
}

/// What became of a delivery. All of it is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Incidents that its alerts, notes and changes belong to, each once.
    pub incidents: Vec<IncidentId>,
    /// Parts that told nothing new.
    pub duplicates: u32,
    /// Resolves and notes about nothing that is known. They are dropped.
    pub unmatched: u32,
}

/// What the actor answers to a delivery.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) accepted: Accepted,
    /// Alerts that told nothing new. To free them is work, which the one task that decides leaves to others.
    pub(super) spent: Vec<Alert>,
    /// What the same delivery gets if it comes again, and what must not happen in between.
    pub(super) again: Option<(Accepted, Vec<Mark>)>,
}

/// An incident that a person asks for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub title: String,
    pub service: String,
    pub severity: String,
    /// May be empty.
    pub alerts: Vec<Alert>,
    /// Wall time of the investigation; the configured one when `None`.
    pub budget: Option<Duration>,
}

/// An incident that was opened, and its investigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub incident: IncidentId,
    pub number: u64,
    pub investigation: String,
}

/// Work for the actor. It answers after the append.
pub(super) enum Job {
    Deliver {
        received: Received,
        bytes: usize,
        reply: oneshot::Sender<Result<Delivered>>,
        permit: OwnedSemaphorePermit,
    },
    Open {
        asked: Asked,
        reply: oneshot::Sender<Result<Opened>>,
    },
    Resolve {
        incident: IncidentId,
        because: String,
        reply: oneshot::Sender<Result<bool>>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// The one place that turns deliveries into incidents. Cheap to clone; one task decides for all.
#[derive(Clone, Debug)]
pub struct Intake {
    jobs: mpsc::Sender<Job>,
    permits: Arc<Semaphore>,
    all_permits: u32,
    changes: Arc<ChangeLog>,
    repeats: Arc<Repeats>,
}

impl Intake {
    /// Reads the open incidents back from the journal, and begins to take deliveries.
    pub async fn start(journal: Arc<dyn Journal>, clock: SharedClock, config: Config) -> Result<Self> {
        let changes = Arc::new(ChangeLog::new(config.keep_changes, config.max_changes));
        let state = rebuild(&journal, &config, &changes, clock.now())
            .await
            .map_err(|error| Error::Journal(Arc::new(error)))?;
        tracing::info!(incidents = state.incidents.len(), changes = changes.len(), "intake started");
        let all = (config.max_queue_bytes / PERMIT_BYTES).clamp(1, 1 << 20);
        // Each delivery holds at least one permit, so the channel is never full before they are out.
        let (jobs, receiver) = mpsc::channel(all + 64);
        let actor = Actor::new(journal, clock, config, Arc::clone(&changes), state);
        tokio::spawn(actor.run(receiver));
        Ok(Self {
            jobs,
            permits: Arc::new(Semaphore::new(all)),
            all_permits: u32::try_from(all).unwrap_or(u32::MAX),
            changes,
            repeats: Arc::new(Repeats::new(MAX_REPEATS)),
        })
    }

    /// What the repeat of a request gets that was taken as [`Intake::accept_request`], all of it on disk;
    /// `None` when it has to be taken like any other.
    pub fn repeated(&self, request: &RequestKey) -> Option<Accepted> {
        self.repeats.answer(request)
    }

    /// Takes the delivery that a request held, and knows its repeats by the request's key.
    pub async fn accept_request(&self, request: RequestKey, received: Received) -> Result<Accepted> {
        let Delivered { accepted, again, spent } = self.deliver(received).await?;
        drop(spent);
        if let Some((again, marks)) = again {
            self.repeats.note(request, again, marks);
        }
        Ok(accepted)
    }

    /// Takes a delivery. When this returns `Ok`, what it says is on disk.
    pub async fn accept(&self, received: Received) -> Result<Accepted> {
        let Delivered { accepted, spent, .. } = self.deliver(received).await?;
        drop(spent);
        Ok(accepted)
    }

    async fn deliver(&self, received: Received) -> Result<Delivered> {
        let bytes = size(&received);
        // A delivery larger than the whole queue still may come alone.
        let wanted = u32::try_from(bytes / PERMIT_BYTES + 1).unwrap_or(u32::MAX).min(self.all_permits);
        let permit =
            Arc::clone(&self.permits).try_acquire_many_owned(wanted).map_err(|error| match error {
                TryAcquireError::NoPermits => Error::Overloaded,
                TryAcquireError::Closed => Error::Closed,
            })?;
        self.ask(|reply| Job::Deliver { received, bytes, reply, permit }).await?
    }

    /// Opens an incident without an alert having come, and asks for its investigation.
    pub async fn open(&self, asked: Asked) -> Result<Opened> {
        self.ask(|reply| Job::Open { asked, reply }).await?
    }

    /// Ends an incident because somebody says so; `false` when it is not open.
    pub async fn resolve(&self, incident: &IncidentId, because: impl Into<String>) -> Result<bool> {
        let (incident, because) = (incident.clone(), because.into());
        self.ask(|reply| Job::Resolve { incident, because, reply }).await?
    }

    /// Changes that came in lately, as a source for investigations.
    pub fn changes(&self) -> Arc<ChangeLog> {
        Arc::clone(&self.changes)
    }

    /// Finishes what waits, and stops. Later calls give [`Error::Closed`].
    pub async fn close(&self) {
        self.permits.close();
        let (reply, closed) = oneshot::channel();
        // An actor that is gone is closed already.
        if self.jobs.send(Job::Close { reply }).await.is_ok() {
            closed.await.ok();
        }
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(job(reply)).map_err(|error| match error {
            TrySendError::Full(_) => Error::Overloaded,
            TrySendError::Closed(_) => Error::Closed,
        })?;
        answer.await.map_err(|_| Error::Closed)
    }
}

/// Bytes that a delivery holds while it waits, about.
fn size(received: &Received) -> usize {
    let alerts: usize = received.alerts.iter().map(weight).sum();
    let notes: usize = received.notes.iter().map(|note| 64 + note.author.len() + note.text.len()).sum();
    let changes = received.changes.iter().map(|change| {
        let lists: usize = change.commits.iter().chain(&change.files).map(|one| 24 + one.len()).sum();
        256 + change.title.len() + change.patch.len() + lists
    });
    alerts + notes + changes.sum::<usize>()
}
