//! The task that owns the state. It decides for all deliveries that wait, appends once, then answers all:
//! one commit serves many senders.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    changelog::ChangeLog,
    config::Config,
    decide::Decider,
    dedup::Deliveries,
    handle::{Accepted, Error, Job, Opened, Result},
    plan::Plan,
    rebuild::rebuild,
    state::State,
};
use crate::{
    clock::SharedClock,
    journal::{self, Append, Journal},
};

/// Jobs taken from the queue at once.
const MAX_JOBS: usize = 1_024;
/// Bytes of deliveries decided for one append, which the journal must be able to hold in its queue.
const MAX_BYTES: usize = 8 << 20;
/// Delivery ids remembered.
const MAX_DELIVERIES: usize = 100_000;
/// Incident numbers fetched side by side, so that they share commits.
const NUMBERS_AT_ONCE: usize = 256;
/// Pauses before an append is tried again that the journal had no room for.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(10), Duration::from_millis(40), Duration::from_millis(160)];
/// The state is read back at most this often while the journal fails.
const REBUILD_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Actor {
    journal: Arc<dyn Journal>,
    clock: SharedClock,
    config: Config,
    changes: Arc<ChangeLog>,
    deliveries: Deliveries,
    /// `None` after a failed append: what was decided may or may not be stored.
    state: Option<State>,
    rebuilt_at: Option<Instant>,
    last_error: Error,
}

/// Answers that wait for the append.
enum Answer {
    Delivered(oneshot::Sender<Result<Accepted>>, Accepted),
    Opened(oneshot::Sender<Result<Opened>>, super::state::Slot, Opened),
    Resolved(oneshot::Sender<Result<bool>>, bool),
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
            rebuilt_at: None,
            last_error: Error::Overloaded,
        }
    }

    /// Runs until told to close, or until nobody can send any more.
    pub(super) async fn run(mut self, mut receiver: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        let mut closing = Vec::new();
        while receiver.recv_many(&mut jobs, MAX_JOBS).await > 0 {
            let mut waiting = jobs.drain(..).peekable();
            while waiting.peek().is_some() {
                let mut bytes = 0;
                let mut batch = Vec::new();
                while bytes < MAX_BYTES
                    && let Some(job) = waiting.next()
                {
                    match job {
                        Job::Close { reply } => {
                            // What is queued already still goes in.
                            receiver.close();
                            closing.push(reply);
                        }
                        job => {
                            bytes += if let Job::Deliver { bytes, .. } = &job { *bytes } else { 0 };
                            batch.push(job);
                        }
                    }
                }
                self.batch(batch).await;
            }
        }
        for reply in closing {
            // Whoever asked may have gone.
            reply.send(()).ok();
        }
    }

    async fn batch(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let now = self.clock.now();
        let Some(mut state) = self.state(now).await else {
            jobs.into_iter().for_each(|job| refuse(job, &self.last_error));
            return;
        };
        state.tidy(now);
        let mut plan = Plan::default();
        let mut decider = Decider {
            state: &mut state,
            deliveries: &mut self.deliveries,
            changes: &self.changes,
            plan: &mut plan,
            now,
        };
        let mut answers = Vec::with_capacity(jobs.len());
        // The permits go with the jobs: what is decided no longer waits, but still is in memory.
        let mut permits = Vec::with_capacity(jobs.len());
        for job in jobs {
            match job {
                Job::Deliver { received, reply, _permit: permit, .. } => {
                    if !received.dropped.is_empty() {
                        tracing::warn!(dropped = ?received.dropped, "parts of a delivery left out");
                    }
                    permits.push(permit);
                    answers.push(Answer::Delivered(reply, decider.delivery(received)));
                }
                Job::Open { asked, reply } => {
                    let (slot, incident, investigation) = decider.asked(asked);
                    answers.push(Answer::Opened(reply, slot, Opened { incident, number: 0, investigation }));
                }
                Job::Resolve { incident, because, reply } => {
                    answers.push(Answer::Resolved(reply, decider.resolve(&incident, because)));
                }
                Job::Close { .. } => {}
            }
        }
        match self.store(plan, &mut answers, now).await {
            Ok(()) => {
                self.state = Some(state);
                answers.into_iter().for_each(Answer::send);
            }
            Err(error) => {
                tracing::error!(%error, deliveries = answers.len(), "deliveries not stored");
                self.deliveries = Deliveries::new(MAX_DELIVERIES);
                self.last_error = match error {
                    journal::Error::Overloaded => Error::Overloaded,
                    journal::Error::Closed => Error::Closed,
                    error => Error::Journal(Arc::new(error)),
                };
                answers.into_iter().for_each(|answer| answer.refuse(&self.last_error));
            }
        }
    }

    /// The state, read back from the journal if the last append failed.
    async fn state(&mut self, now: Timestamp) -> Option<State> {
        if let Some(state) = self.state.take() {
            return Some(state);
        }
        if self.rebuilt_at.is_some_and(|at| at.elapsed() < REBUILD_PAUSE) {
            return None;
        }
        let rebuilt = rebuild(&self.journal, &self.config, &self.changes, now).await;
        self.rebuilt_at = Some(Instant::now());
        match rebuilt {
            Ok(state) => Some(state),
            Err(error) => {
                tracing::error!(%error, "open incidents cannot be read back");
                None
            }
        }
    }

    async fn store(&self, mut plan: Plan, answers: &mut [Answer], now: Timestamp) -> journal::Result<()> {
        let openings = plan.openings();
        if openings > 0 {
            let mut numbers: Vec<u64> = stream::iter(0..openings)
                .map(|_| self.journal.next_number())
                .buffer_unordered(NUMBERS_AT_ONCE)
                .try_collect()
                .await?;
            numbers.sort_unstable();
            plan.number(numbers);
            for answer in answers {
                if let Answer::Opened(_, slot, opened) = answer {
                    opened.number = plan.number_of(*slot);
                }
            }
        }
        let (appends, changes) = plan.into_appends(now);
        if appends.is_empty() {
            return Ok(());
        }
        self.append(appends).await?;
        for change in changes {
            self.changes.add(change, now, now);
        }
        Ok(())
    }

    async fn append(&self, appends: Vec<Append>) -> journal::Result<()> {
        for pause in RETRIES {
            match self.journal.append_all(appends.clone()).await {
                Err(journal::Error::Overloaded) => tokio::time::sleep(pause).await,
                outcome => return outcome.map(|_| ()),
            }
        }
        self.journal.append_all(appends).await.map(|_| ())
    }
}

impl Answer {
    fn send(self) {
        // A sender that has gone away wants no answer.
        match self {
            Self::Delivered(reply, accepted) => drop(reply.send(Ok(accepted))),
            Self::Opened(reply, _, opened) => drop(reply.send(Ok(opened))),
            Self::Resolved(reply, done) => drop(reply.send(Ok(done))),
        }
    }

    fn refuse(self, error: &Error) {
        match self {
            Self::Delivered(reply, _) => drop(reply.send(Err(error.clone()))),
            Self::Opened(reply, _, _) => drop(reply.send(Err(error.clone()))),
            Self::Resolved(reply, _) => drop(reply.send(Err(error.clone()))),
        }
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
