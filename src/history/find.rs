use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::watch,
    task::{AbortHandle, spawn_blocking},
    time::timeout,
};

use super::{
    build::{self, Progress},
    error::{Error, Result},
    store::Store,
};
use crate::{
    domain::{Incident, IncidentId, IncidentStatus, Payload},
    journal::{Journal, Position},
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;
/// Events read at once when one incident is folded.
const PAGE: usize = 512;
/// How long a list waits for the view to reach the end of the journal; after that it shows what it has.
const PATIENCE: Duration = Duration::from_millis(500);

/// Which incidents to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<IncidentStatus>,
    /// The alerted service, exactly.
    pub service: Option<String>,
    /// Opened at or after this moment.
    pub since: Option<Timestamp>,
    /// 0: 100. At most 1,000 are given.
    pub limit: usize,
}

/// The view of all incidents. It follows the journal until one of the two is dropped or closed.
pub struct History {
    journal: Arc<dyn Journal>,
    store: Arc<Store>,
    progress: watch::Receiver<Progress>,
    follower: AbortHandle,
}

impl History {
    /// Opens `history.sqlite` in the data folder, or a view in memory, and follows the journal from where
    /// the view stands. A file that is damaged, of another version, or of another journal is built anew.
    /// Must be called within a tokio runtime.
    pub async fn open(journal: Arc<dyn Journal>, folder: Option<&Path>) -> Result<Self> {
        let folder = folder.map(Path::to_owned);
        let store = blocking(move || Store::open(folder.as_deref())).await?;
        let store = Arc::new(store);
        let start = build::start(&journal, &store).await?;
        let (sender, progress) = watch::channel(Progress { position: start, ended: false });
        let task = tokio::spawn(build::follow(
            journal.follow_all(start),
            Arc::clone(&journal),
            Arc::clone(&store),
            sender,
        ));
        Ok(Self { journal, store, progress, follower: task.abort_handle() })
    }

    /// Incidents newest first, with their investigations in short. Shows every append that was acknowledged
    /// before, unless the view is more than half a second behind.
    pub async fn list(&self, filter: Filter) -> Result<Vec<Incident>> {
        let end = self.journal.end().await?;
        match timeout(PATIENCE, self.caught_up(end)).await {
            Ok(reached) => reached?,
            Err(_) => tracing::warn!(position = end.0, "history is behind; the list may lack the newest"),
        }
        let limit = if filter.limit == 0 { DEFAULT_LIMIT } else { filter.limit.min(MAX_LIMIT) };
        let store = Arc::clone(&self.store);
        blocking(move || store.list(&filter, limit)).await
    }

    /// One incident with its investigation, folded from the journal as it is now; by `inc_...`, `INC-7`
    /// or `7`. `None` when there is none of that name.
    pub async fn get(&self, id_or_number: &str) -> Result<Option<Incident>> {
        match self.resolve(id_or_number).await? {
            Some(id) => self.fold(&id).await,
            None => Ok(None),
        }
    }

    /// The id of an incident that is named as in [`History::get`].
    pub async fn resolve(&self, id_or_number: &str) -> Result<Option<IncidentId>> {
        let name = id_or_number.trim();
        if name.starts_with("inc_") {
            let id = IncidentId(name.to_owned());
            let first = self.journal.read(&id, 0, 1).await?;
            let opened =
                first.first().is_some_and(|event| matches!(event.payload, Payload::IncidentOpened { .. }));
            return Ok(opened.then_some(id));
        }
        let Some(number) = number(name) else { return Ok(None) };
        if let Some(id) = self.by_number(number).await? {
            return Ok(Some(id));
        }
        // It may have been opened a moment ago.
        self.caught_up(self.journal.end().await?).await?;
        self.by_number(number).await
    }

    /// Waits until the view shows the journal up to that position.
    pub async fn caught_up(&self, position: Position) -> Result<()> {
        let mut progress = self.progress.clone();
        let reached = progress
            .wait_for(|progress| progress.position >= position || progress.ended)
            .await
            .map_err(|_| Error::Closed)?;
        if reached.position >= position { Ok(()) } else { Err(Error::Closed) }
    }

    async fn by_number(&self, number: u64) -> Result<Option<IncidentId>> {
        let store = Arc::clone(&self.store);
        blocking(move || store.by_number(number)).await
    }

    async fn fold(&self, id: &IncidentId) -> Result<Option<Incident>> {
        let events = self.journal.read(id, 0, PAGE).await?;
        let Some(mut incident) = Incident::fold(&events) else { return Ok(None) };
        let mut full = events.len() == PAGE;
        while full {
            let events = self.journal.read(id, incident.last_seq, PAGE).await?;
            for event in &events {
                incident.apply(event);
            }
            full = events.len() == PAGE;
        }
        Ok(Some(incident))
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// The number in `INC-7` or `7`.
fn number(name: &str) -> Option<u64> {
    let digits = match name.split_once('-') {
        Some((prefix, digits)) if prefix.eq_ignore_ascii_case("inc") => digits,
        Some(_) => return None,
        None => name,
    };
    // `parse` would take a sign.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Runs SQLite off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.unwrap_or(Err(Error::Closed))
}
