//! What a journal promises; a conformance suite holds every implementation to it.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::domain::{Event, IncidentId, Payload};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Place of an event among those of all incidents; grows by append order, may have gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// Events to append to one incident, all or none.
#[derive(Clone, Debug)]
pub struct Append {
    pub incident: IncidentId,
    /// Sequence number that the incident's last event must have (0: the incident must be new). `None`:
    /// wherever the end is.
    pub expected: Option<u64>,
    pub at: Timestamp,
    pub payloads: Vec<Payload>,
    /// Appending the same id again, ever, changes nothing and reports `duplicate`.
    pub message_id: Option<String>,
}

/// Outcome of an append that is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number of the incident's last event.
    pub last_seq: u64,
    pub duplicate: bool,
}

/// An investigation that this worker now owns until the lease ends or it completes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub incident: IncidentId,
    pub investigation: String,
    /// 1 for the first.
    pub attempt: u32,
    pub budget: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else appended first; read on and decide again.
    #[error("{incident} is at event {actual}, not {expected}")]
    Conflict { incident: IncidentId, expected: u64, actual: u64 },
    /// The queue of writes is full: ask the sender for patience.
    #[error("the journal is overloaded")]
    Overloaded,
    /// The journal is shutting down.
    #[error("the journal is closed")]
    Closed,
    #[error("journal {path}: {message}")]
    Storage { path: String, message: String },
    #[error("journal {path}, event {position}: {message}")]
    Corrupt { path: String, position: u64, message: String },
}

/// The journal. Cheap to clone behind an `Arc`; all methods may be called from anywhere.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends, and returns once it would survive `kill -9` and power loss. Several appends that arrive
    /// together share one commit. A payload `InvestigationRequested` also enters the work queue, and
    /// `InvestigationFinished` leaves it, in the same commit.
    async fn append(&self, batch: Append) -> Result<Appended>;

    /// As [`Journal::append`], several incidents in one commit, all or none.
    async fn append_all(&self, batches: Vec<Append>) -> Result<Vec<Appended>>;

    /// As [`Journal::append_all`], for a caller that waits rather than give up: when there is no room, it
    /// is tried again after each of `pauses`.
    async fn append_patiently(&self, batches: Vec<Append>, pauses: &[Duration]) -> Result<Vec<Appended>> {
        for pause in pauses {
            match self.append_all(batches.clone()).await {
                Err(Error::Overloaded) => tokio::time::sleep(*pause).await,
                outcome => return outcome,
            }
        }
        self.append_all(batches).await
    }

    /// Events of an incident with a number above `after`, in order, at most `limit`.
    async fn read(&self, incident: &IncidentId, after: u64, limit: usize) -> Result<Vec<Event>>;

    /// Events of all incidents past a position, in order, at most `limit`.
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>>;

    /// Position of the last event of all: at least that of every append acknowledged before.
    async fn end(&self) -> Result<Position>;

    /// Events of an incident from `after` on: those stored, then those to come, none twice, none left
    /// out. A slow reader never holds up an append. Ends only when the journal closes.
    fn follow(&self, incident: &IncidentId, after: u64) -> BoxStream<'static, Result<Event>>;

    /// As [`Journal::follow`], over all incidents.
    fn follow_all(&self, after: Position) -> BoxStream<'static, Result<(Position, Event)>>;

    /// Claims the oldest investigation that nobody holds, waiting until there is one. Work that a dead
    /// process held is free again when the journal is opened.
    async fn claim(&self, worker: &str, lease: Duration) -> Result<Claim>;

    /// Extends a claim. `false`: it was lost.
    async fn renew(&self, claim: &Claim, worker: &str, lease: Duration) -> Result<bool>;

    /// Gives a claim back unfinished, so that another attempt can start at once. After the fifth attempt
    /// an investigation rests a growing while (1 s to 5 min) before it is handed out again.
    async fn release(&self, claim: &Claim, worker: &str) -> Result<()>;

    /// Next incident number of this installation, never given twice.
    async fn next_number(&self) -> Result<u64>;

    /// Flushes and stops; later calls give [`Error::Closed`].
    async fn close(&self);
}
