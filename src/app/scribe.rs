//! Writes an investigation's events to the journal, in order and in few appends, without holding up who
//! finds them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    domain::{IncidentId, Payload},
    investigation::Emit,
    journal::{self, Append, Journal},
};

/// Events in one append. More share a commit, but a watcher sees none before the last is on disk.
const BATCH: usize = 256;
/// Events that may wait for the disk. The answer repeats all that matters, so that what is left out beyond
/// this is missing in the telling only.
const WAITING: usize = 50_000;
/// How long to wait for an overloaded journal before trying again.
const PATIENCE: Duration = Duration::from_millis(50);

/// The end that takes events; never blocks.
pub(super) struct Pen {
    sender: mpsc::UnboundedSender<Payload>,
    waiting: Arc<AtomicUsize>,
}

impl Emit for Pen {
    fn emit(&self, payload: Payload) {
        // the worker writes these two: they mark what it owns
        if matches!(payload, Payload::InvestigationStarted { .. } | Payload::InvestigationFinished { .. }) {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            tracing::warn!(event = payload.name(), "left out an event: the journal is too slow");
            return;
        }
        if self.sender.send(payload).is_err() {
            tracing::debug!("left out an event: its investigation was given up");
        }
    }
}

/// The end that writes.
pub(super) struct Scribe {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: SharedClock,
    pub(super) incident: IncidentId,
    receiver: mpsc::UnboundedReceiver<Payload>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn pair(
    journal: Arc<dyn Journal>,
    clock: SharedClock,
    incident: IncidentId,
) -> (Arc<Pen>, Scribe) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let pen = Arc::new(Pen { sender, waiting: Arc::clone(&waiting) });
    (pen, Scribe { journal, clock, incident, receiver, waiting })
}

impl Scribe {
    /// Writes `first`, then what comes, until every pen is gone or `enough` was said and what had come by
    /// then is written.
    pub(super) async fn run(mut self, first: Payload, enough: CancellationToken) -> journal::Result<()> {
        write(&*self.journal, &self.clock, &self.incident, vec![first]).await?;
        let mut batch = Vec::new();
        loop {
            let taken = tokio::select! {
                biased;
                taken = self.receiver.recv_many(&mut batch, BATCH) => taken,
                () = enough.cancelled(), if !self.receiver.is_closed() => {
                    self.receiver.close();
                    continue;
                }
            };
            if taken == 0 {
                return Ok(());
            }
            self.waiting.fetch_sub(taken, Ordering::AcqRel);
            write(&*self.journal, &self.clock, &self.incident, std::mem::take(&mut batch)).await?;
        }
    }
}

/// Appends, with patience for an overloaded journal.
pub(super) async fn write(
    journal: &dyn Journal,
    clock: &SharedClock,
    incident: &IncidentId,
    payloads: Vec<Payload>,
) -> journal::Result<()> {
    loop {
        let append = Append {
            incident: incident.clone(),
            expected: None,
            at: clock.now(),
            payloads: payloads.clone(),
            message_id: None,
        };
        match journal.append(append).await {
            Ok(_) => return Ok(()),
            Err(journal::Error::Overloaded) => tokio::time::sleep(PATIENCE).await,
            Err(error) => return Err(error),
        }
    }
}
