//! Deliveries that were decided together: what they append, and who waits for it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    task::JoinHandle,
    time::Instant,
};

use super::{
    handle::{Delivered, Error, Opened, Result},
    plan::Plan,
    state::Slot,
};
use crate::{
    domain::Change,
    journal::{self, Journal},
};

/// Incident numbers fetched side by side, so that they share commits.
const NUMBERS_AT_ONCE: usize = 256;
/// Pauses before an append is tried again that the journal had no room for.
const RETRIES: [Duration; 3] =
    [Duration::from_millis(10), Duration::from_millis(40), Duration::from_millis(160)];

/// Answers that wait for the append.
pub(super) enum Answer {
    Delivered(oneshot::Sender<Result<Delivered>>, Delivered),
    Opened(oneshot::Sender<Result<Opened>>, Slot, Opened),
    Resolved(oneshot::Sender<Result<bool>>, bool),
}

pub(super) struct Batch {
    pub(super) plan: Plan,
    pub(super) answers: Vec<Answer>,
    /// What is decided no longer waits in the queue, but still is in memory.
    pub(super) permits: Vec<OwnedSemaphorePermit>,
    pub(super) bytes: usize,
    /// The time of its events.
    pub(super) at: Timestamp,
}

/// A batch on its way to the disk.
pub(super) struct Storing {
    pub(super) task: JoinHandle<Stored>,
    pub(super) began: Instant,
    /// Ids of the changes in it.
    pub(super) changes: HashSet<String>,
}

/// What has come of a batch.
pub(super) struct Stored {
    pub(super) outcome: journal::Result<Vec<Change>>,
    pub(super) answers: Vec<Answer>,
    pub(super) at: Timestamp,
    _permits: Vec<OwnedSemaphorePermit>,
}

impl Batch {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { plan: Plan::default(), answers: Vec::new(), permits: Vec::new(), bytes: 0, at }
    }

    /// Stores it in a task of its own.
    pub(super) fn store(self, journal: Arc<dyn Journal>) -> Storing {
        let changes = self.plan.change_ids().clone();
        let Self { plan, mut answers, permits, at, .. } = self;
        let task = tokio::spawn(async move {
            let outcome = append(&*journal, plan, &mut answers, at).await;
            Stored { outcome, answers, at, _permits: permits }
        });
        Storing { task, began: Instant::now(), changes }
    }

    /// Tells those who wait that nothing of it is stored.
    pub(super) fn refuse(self, error: &Error) {
        self.answers.into_iter().for_each(|answer| answer.refuse(error));
    }
}

async fn append(
    journal: &dyn Journal,
    mut plan: Plan,
    answers: &mut [Answer],
    at: Timestamp,
) -> journal::Result<Vec<Change>> {
    let openings = plan.openings();
    if openings > 0 {
        let mut numbers: Vec<u64> = stream::iter(0..openings)
            .map(|_| journal.next_number())
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
    let (appends, changes) = plan.into_appends(at);
    if !appends.is_empty() {
        journal.append_patiently(appends, &RETRIES).await?;
    }
    Ok(changes)
}

impl Answer {
    pub(super) fn send(self) {
        // A sender that has gone away wants no answer.
        match self {
            Self::Delivered(reply, delivered) => drop(reply.send(Ok(delivered))),
            Self::Opened(reply, _, opened) => drop(reply.send(Ok(opened))),
            Self::Resolved(reply, done) => drop(reply.send(Ok(done))),
        }
    }

    pub(super) fn refuse(self, error: &Error) {
        match self {
            Self::Delivered(reply, _) => drop(reply.send(Err(error.clone()))),
            Self::Opened(reply, _, _) => drop(reply.send(Err(error.clone()))),
            Self::Resolved(reply, _) => drop(reply.send(Err(error.clone()))),
        }
    }
}
