//! The task that owns the state. While one batch of deliveries is being stored it decides what comes in
//! meanwhile, on top of it, as the next batch: one commit serves many senders, and neither the deciding nor
//! the disk waits for the other.
//!
//! Batches are stored one after the other, and each is answered once it is on disk, so that no answer rests
//! on something that is not. If one fails, whatever was decided on top of it never happened: those senders
//! are told to deliver again, and the state is read back from the journal.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    task::JoinError,
    time::{Instant, sleep_until},
};

use super::{
    batch::{Answer, Batch, Stored, Storing},
    changelog::ChangeLog,
    config::Config,
    decide::Decider,
    dedup::Deliveries,
    handle::{Error, Job, Opened},
    pace::Pace,
    rebuild::rebuild,
    state::State,
};
use crate::{
    clock::SharedClock,
    journal::{self, Journal},
};

/// Bytes of deliveries decided for one append, which the journal must be able to hold in its queue.
const MAX_BYTES: usize = 8 << 20;
/// Deliveries decided for one append.
const MAX_JOBS: usize = 1_024;
/// Delivery ids remembered.
const MAX_DELIVERIES: usize = 100_000;
/// The state is read back at most this often while the journal fails.
const REBUILD_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Actor {
    journal: Arc<dyn Journal>,
    clock: SharedClock,
    config: Config,
    changes: Arc<ChangeLog>,
    deliveries: Deliveries,
    /// With all that is decided; `None` after a failed append: what was decided may or may not be stored.
    state: Option<State>,
    /// Decided on top of what is being stored.
    open: Option<Batch>,
    storing: Option<Storing>,
    pace: Pace,
    rebuilt_at: Option<Instant>,
    last_error: Error,
}

impl Actor {
    pub(super) fn new(
        journal: Arc<dyn Journal>,
        clock: SharedClock,
        config: Config,
        changes: Arc<ChangeLog>,
        state: State,
    ) -> Self {
        Self {
            journal,
            clock,
            config,
            changes,
            deliveries: Deliveries::new(MAX_DELIVERIES),
            state: Some(state),
            open: None,
            storing: None,
            pace: Pace::default(),
            rebuilt_at: None,
            last_error: Error::Overloaded,
        }
    }

    /// Runs until told to close, or until nobody can send any more.
    pub(super) async fn run(mut self, mut receiver: mpsc::Receiver<Job>) {
        let mut closing = Vec::new();
        let mut ended = false;
        loop {
            let company = if ended || !self.has_room() { None } else { self.company() };
            if company.is_none() {
                self.store();
            }
            tokio::select! {
                biased;
                stored = finished(&mut self.storing), if self.storing.is_some() => self.stored(stored),
                () = sleep_until(company.unwrap_or_else(Instant::now)), if company.is_some() => {}
                job = receiver.recv(), if !ended && self.has_room() => {
                    ended = job.is_none();
                    let mut next = job;
                    while let Some(job) = next.take() {
                        if let Job::Close { reply } = job {
                            // What is queued already still goes in.
                            receiver.close();
                            closing.push(reply);
                        } else {
                            self.decide(job).await;
                        }
                        if self.has_room() {
                            next = receiver.try_recv().ok();
                        }
                    }
                }
                else => break,
            }
        }
        for reply in closing {
            // Whoever asked may have gone.
            reply.send(()).ok();
        }
    }

    fn has_room(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.bytes < MAX_BYTES && open.answers.len() < MAX_JOBS)
    }

    /// Until when what is decided waits for more to come.
    fn company(&self) -> Option<Instant> {
        let open = self.open.as_ref().filter(|open| self.storing.is_none() && !open.plan.is_empty())?;
        self.pace.wait(open.answers.len(), Instant::now())
    }

    /// Begins to store what is decided, unless something is being stored.
    fn store(&mut self) {
        if self.storing.is_some() {
            return;
        }
        let Some(batch) = self.open.take() else { return };
        if batch.plan.is_empty() {
            // All that it rests on is on disk.
            batch.answers.into_iter().for_each(Answer::send);
        } else {
            self.storing = Some(batch.store(Arc::clone(&self.journal)));
        }
    }

    fn stored(&mut self, stored: Result<Stored, JoinError>) {
        let began = self.storing.take().map(|storing| storing.began);
        let failed = match stored {
            Ok(Stored { outcome: Ok(changes), answers, at, .. }) => {
                let now = Instant::now();
                let took = began.map(|began| now.duration_since(began)).unwrap_or_default();
                let waiting = self.open.as_ref().map_or(0, |open| open.answers.len());
                self.pace.committed(took, answers.len(), waiting, now);
                for change in changes {
                    self.changes.add(change, at, at);
                }
                answers.into_iter().for_each(Answer::send);
                return;
            }
            Ok(Stored { outcome: Err(error), answers, .. }) => {
                tracing::error!(%error, deliveries = answers.len(), "deliveries not stored");
                self.last_error = match error {
                    journal::Error::Overloaded => Error::Overloaded,
                    journal::Error::Closed => Error::Closed,
                    error => Error::Journal(Arc::new(error)),
                };
                answers
            }
            Err(error) => {
                // The answers are gone with the task, which their senders take for a closed intake.
                tracing::error!(%error, "deliveries not stored");
                self.last_error = Error::Closed;
                Vec::new()
            }
        };
        self.state = None;
        self.deliveries = Deliveries::new(MAX_DELIVERIES);
        failed.into_iter().for_each(|answer| answer.refuse(&self.last_error));
        if let Some(open) = self.open.take() {
            tracing::error!(deliveries = open.answers.len(), "deliveries decided on top of them not stored");
            open.refuse(&self.last_error);
        }
    }

    /// Decides on one more job, for the next append.
    async fn decide(&mut self, job: Job) {
        if self.open.is_none() {
            let now = self.clock.now();
            self.restore(now).await;
            if let Some(state) = &mut self.state {
                state.tidy(now);
                self.open = Some(Batch::new(now));
            }
        }
        let (Some(state), Some(open)) = (&mut self.state, &mut self.open) else {
            refuse(job, &self.last_error);
            return;
        };
        let none = HashSet::new();
        let mut decider = Decider {
            state,
            deliveries: &mut self.deliveries,
            changes: &self.changes,
            storing: self.storing.as_ref().map_or(&none, |storing| &storing.changes),
            plan: &mut open.plan,
            now: open.at,
        };
        let answer = match job {
            Job::Deliver { received, reply, bytes, permit } => {
                if !received.dropped.is_empty() {
                    tracing::warn!(dropped = ?received.dropped, "parts of a delivery left out");
                }
                open.bytes += bytes;
                open.permits.push(permit);
                Answer::Delivered(reply, decider.delivery(received))
            }
            Job::Open { asked, reply } => {
                let (slot, incident, investigation) = decider.asked(asked);
                Answer::Opened(reply, slot, Opened { incident, number: 0, investigation })
            }
            Job::Resolve { incident, because, reply } => {
                Answer::Resolved(reply, decider.resolve(&incident, because))
            }
            Job::Close { .. } => return,
        };
        open.answers.push(answer);
    }

    /// Reads the state back from the journal if an append has failed; nothing is being stored then.
    async fn restore(&mut self, now: Timestamp) {
        if self.state.is_some() || self.rebuilt_at.is_some_and(|at| at.elapsed() < REBUILD_PAUSE) {
            return;
        }
        let rebuilt = rebuild(&self.journal, &self.config, &self.changes, now).await;
        self.rebuilt_at = Some(Instant::now());
        match rebuilt {
            Ok(state) => self.state = Some(state),
            Err(error) => tracing::error!(%error, "open incidents cannot be read back"),
        }
    }
}

/// Waits for the batch that is being stored.
async fn finished(storing: &mut Option<Storing>) -> Result<Stored, JoinError> {
    match storing {
        Some(storing) => (&mut storing.task).await,
        None => std::future::pending().await,
    }
}

fn refuse(job: Job, error: &Error) {
    match job {
        Job::Deliver { reply, .. } => drop(reply.send(Err(error.clone()))),
        Job::Open { reply, .. } => drop(reply.send(Err(error.clone()))),
        Job::Resolve { reply, .. } => drop(reply.send(Err(error.clone()))),
        Job::Close { reply } => drop(reply.send(())),
    }
}
