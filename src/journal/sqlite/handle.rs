use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
    time::Instant,
};

use super::{
    follow,
    live::{Hub, lock},
    open::{self, Opened, Options},
    prepare::Prepared,
    queue::{Claimed, Queue},
    reader::{Page, Readers},
    store::Store,
    writer::{Command, Reply, Writer},
};
use crate::{
    domain::{Event, IncidentId},
    journal::{Append, Appended, Claim, Error, Journal, Position, Result, sqlite::failure::Place},
};

type Outcome = oneshot::Receiver<Result<Vec<Appended>>>;

/// The embedded journal.
///
/// Dropping it commits what is queued and gives the folder free, as [`Journal::close`] does, and waits
/// for that on the spot.
pub struct SqliteJournal {
    /// Taken at drop, so that the writer sees its end.
    sender: Option<mpsc::Sender<Command>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    finished: watch::Receiver<bool>,
    readers: Arc<Readers>,
    hub: Arc<Hub>,
    work: watch::Sender<u64>,
    queued_bytes: Arc<AtomicUsize>,
    queue_bytes: usize,
    place: Place,
}

impl SqliteJournal {
    /// Opens `journal.sqlite` in the data folder, making both when missing. One process at a time may:
    /// another gets an error that names the folder and who holds it. Work that an earlier process had
    /// claimed is free.
    pub fn open(folder: &Path, options: Options) -> Result<Self> {
        Self::start(open::on_disk(folder, &options)?, &options)
    }

    /// A journal that is gone when it is dropped.
    pub fn in_memory() -> Result<Self> {
        Self::start(open::in_memory()?, &Options::default())
    }

    fn start(opened: Opened, options: &Options) -> Result<Self> {
        let Opened { connection, readers, place, lock: folder } = opened;
        let fail = |error: rusqlite::Error| place.sqlite("cannot start", 0, &error);
        let (queue, position) = {
            let connection = lock(&connection);
            let queue = Queue::open(&connection, Instant::now()).map_err(fail)?;
            let position = connection
                .query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get::<_, i64>(0))
                .map_err(fail)?;
            (queue, position.cast_unsigned())
        };
        let hub = Arc::new(Hub::new(position));
        let readers = Arc::new(readers);
        let work = watch::Sender::new(0);
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = mpsc::channel(options.queue.max(1));
        let (finished_sender, finished) = watch::channel(false);
        let writer = Writer {
            connection,
            place: place.clone(),
            hub: Arc::clone(&hub),
            work: work.clone(),
            queued_bytes: Arc::clone(&queued_bytes),
            queue,
            store: Store::new(place.clone()),
            synced: true,
            _lock: folder,
        };
        let end = End { hub: Arc::clone(&hub), readers: Arc::clone(&readers), finished: finished_sender };
        let writer = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                let _end = end;
                writer.run(receiver);
            })
            .map_err(|error| place.storage(format!("cannot start the writing thread: {error}")))?;
        Ok(Self {
            sender: Some(sender),
            writer: Mutex::new(Some(writer)),
            finished,
            readers,
            hub,
            work,
            queued_bytes,
            queue_bytes: options.queue_bytes,
            place,
        })
    }

    fn sender(&self) -> Result<&mpsc::Sender<Command>> {
        self.sender.as_ref().ok_or(Error::Closed)
    }

    /// Hands a command to the writer, waiting for room, and waits for its outcome.
    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let (reply, outcome) = oneshot::channel();
        self.sender()?.send(command(reply)).await.map_err(|_| Error::Closed)?;
        outcome.await.unwrap_or(Err(Error::Closed))
    }

    /// Hands an append to the writer. `None`, and the batches stay where they are, when there is no room.
    fn enqueue(&self, waiting: &mut Option<Vec<Prepared>>, bytes: usize) -> Result<Option<Outcome>> {
        let sender = self.sender()?;
        let queued = self.queued_bytes.fetch_add(bytes, Ordering::AcqRel);
        let undo = || self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
        // A single one that is larger than the queue goes through when nothing else waits.
        if queued > 0 && queued + bytes > self.queue_bytes {
            undo();
            return Ok(None);
        }
        let (reply, outcome) = oneshot::channel();
        let batches = waiting.take().unwrap_or_default();
        match sender.try_send(Command::Append { batches, bytes, reply }) {
            Ok(()) => Ok(Some(outcome)),
            Err(TrySendError::Full(command)) => {
                undo();
                if let Command::Append { batches, .. } = command {
                    *waiting = Some(batches);
                }
                Ok(None)
            }
            Err(TrySendError::Closed(_)) => {
                undo();
                Err(Error::Closed)
            }
        }
    }

    fn open_check(&self) -> Result<()> {
        if self.hub.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, batch: Append) -> Result<Appended> {
        let appended = self.append_all(vec![batch]).await?;
        appended.first().copied().ok_or(Error::Closed)
    }

    async fn append_all(&self, batches: Vec<Append>) -> Result<Vec<Appended>> {
        self.append_patiently(batches, &[]).await
    }

    async fn append_patiently(&self, batches: Vec<Append>, pauses: &[Duration]) -> Result<Vec<Appended>> {
        let batches =
            batches.into_iter().map(|batch| Prepared::new(batch, &self.place)).collect::<Result<Vec<_>>>()?;
        let bytes = batches.iter().map(Prepared::bytes).sum();
        let mut waiting = Some(batches);
        let mut pauses = pauses.iter();
        loop {
            let Some(outcome) = self.enqueue(&mut waiting, bytes)? else {
                let Some(pause) = pauses.next() else { return Err(Error::Overloaded) };
                tokio::time::sleep(*pause).await;
                continue;
            };
            return outcome.await.unwrap_or(Err(Error::Closed));
        }
    }

    async fn read(&self, incident: &IncidentId, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.open_check()?;
        let page = Page { events: limit, bytes: usize::MAX, up_to_error: false };
        Arc::clone(&self.readers).read(incident.clone(), after, page).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<(Position, Event)>> {
        self.open_check()?;
        let page = Page { events: limit, bytes: usize::MAX, up_to_error: false };
        Arc::clone(&self.readers).read_all(after, page).await
    }

    async fn end(&self) -> Result<Position> {
        self.open_check()?;
        Ok(Position(self.hub.end()))
    }

    fn follow(&self, incident: &IncidentId, after: u64) -> BoxStream<'static, Result<Event>> {
        follow::incident(&self.hub, &self.readers, incident, after)
    }

    fn follow_all(&self, after: Position) -> BoxStream<'static, Result<(Position, Event)>> {
        follow::all(&self.hub, &self.readers, after)
    }

    async fn claim(&self, worker: &str, lease: Duration) -> Result<Claim> {
        let mut work = self.work.subscribe();
        let mut finished = self.finished.clone();
        let sender = self.sender()?;
        loop {
            work.mark_unchanged();
            let (reply, outcome) = oneshot::channel();
            let now = Instant::now();
            let command = Command::Claim { worker: worker.to_owned(), lease, now, reply };
            sender.send(command).await.map_err(|_| Error::Closed)?;
            let until = match (Waiting { outcome, worker, sender }).claimed().await? {
                Claimed::Work(claim) => return Ok(claim),
                Claimed::Nothing { until } => until,
            };
            tokio::select! {
                changed = work.changed() => changed.map_err(|_| Error::Closed)?,
                () = sleep_until(until) => {}
                _ = finished.wait_for(|finished| *finished) => return Err(Error::Closed),
            }
        }
    }

    async fn renew(&self, claim: &Claim, worker: &str, lease: Duration) -> Result<bool> {
        let (claim, worker, now) = (claim.clone(), worker.to_owned(), Instant::now());
        self.ask(|reply| Command::Renew { claim, worker, lease, now, reply }).await
    }

    async fn release(&self, claim: &Claim, worker: &str) -> Result<()> {
        let (claim, worker, now) = (claim.clone(), worker.to_owned(), Instant::now());
        self.ask(|reply| Command::Release { claim, worker, now, reply }).await
    }

    async fn next_number(&self) -> Result<u64> {
        self.ask(|reply| Command::NextNumber { reply }).await
    }

    async fn close(&self) {
        if let Some(sender) = &self.sender
            && sender.send(Command::Close).await.is_err()
        {
            tracing::debug!("journal was closed before");
        }
        let mut finished = self.finished.clone();
        // An error means that the writer is gone, which is what is waited for.
        drop(finished.wait_for(|finished| *finished).await);
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        self.sender = None;
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer
            && writer.join().is_err()
        {
            tracing::error!("journal writer panicked");
        }
    }
}

/// Runs when the writer has ended in whichever way, after its connection and lock are gone.
struct End {
    hub: Arc<Hub>,
    readers: Arc<Readers>,
    finished: watch::Sender<bool>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.hub.close();
        self.readers.close();
        self.finished.send_replace(true);
    }
}

/// An asked-for claim. A worker that stops waiting must not keep what it was about to get.
struct Waiting<'a> {
    outcome: oneshot::Receiver<Result<Claimed>>,
    worker: &'a str,
    sender: &'a mpsc::Sender<Command>,
}

impl Waiting<'_> {
    async fn claimed(mut self) -> Result<Claimed> {
        (&mut self.outcome).await.unwrap_or(Err(Error::Closed))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.outcome.close();
        if let Ok(Ok(Claimed::Work(claim))) = self.outcome.try_recv() {
            let command = Command::Unclaim { claim, worker: self.worker.to_owned(), now: Instant::now() };
            if self.sender.try_send(command).is_err() {
                tracing::warn!("claim was not given back; it is free when its lease ends");
            }
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
