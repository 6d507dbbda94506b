//! Keeps the view in step with the journal.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use tokio::{sync::watch, time::Instant};

use super::{
    error::Result,
    find::blocking,
    store::{Mark, Store},
};
use crate::{
    domain::Event,
    journal::{self, Journal, Position},
};

/// Events folded in one transaction at most.
const CHUNK: usize = 512;
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// In a storm the same incidents change all the time, and the rest between folds, so many times as long as
/// the fold took, lets one fold serve many deliveries.
const REST: u32 = 4;
const LONGEST_REST: Duration = Duration::from_millis(200);

/// How far the view has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) position: Position,
    /// It will not come further.
    pub(super) ended: bool,
}

type Item = (Position, Event);

/// Where to go on. The view starts over when its last event is not in this journal: the journal was
/// replaced, or restored from a backup.
pub(super) async fn start(journal: &Arc<dyn Journal>, store: &Arc<Store>) -> Result<Position> {
    let Some(mark) = store.mark()? else { return Ok(Position(0)) };
    let before = Position(mark.position.saturating_sub(1));
    let same = match journal.read_all(before, 1).await {
        Ok(events) => events.first().is_some_and(|(position, event)| Mark::of(*position, event) == mark),
        Err(journal::Error::Corrupt { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if same {
        return Ok(Position(mark.position));
    }
    tracing::warn!(position = mark.position, "history is of another journal and is built anew");
    let store = Arc::clone(store);
    blocking(move || store.clear()).await?;
    Ok(Position(0))
}

/// Folds what the journal gives until it closes.
pub(super) async fn follow(
    events: BoxStream<'static, journal::Result<Item>>,
    journal: Arc<dyn Journal>,
    store: Arc<Store>,
    progress: watch::Sender<Progress>,
) {
    let mut chunks = events.ready_chunks(CHUNK);
    while let Some(chunk) = chunks.next().await {
        let mut items = Vec::with_capacity(chunk.len());
        let mut failed = None;
        for item in chunk {
            match item {
                Ok(item) => items.push(item),
                Err(error) => failed = Some(error),
            }
        }
        if let Some((last, _)) = items.last() {
            let last = *last;
            let began = Instant::now();
            fold(&store, items).await;
            progress.send_modify(|progress| progress.position = last);
            tokio::time::sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
        }
        if let Some(error) = failed {
            let position = progress.borrow().position;
            tracing::error!(%error, position = position.0, "history cannot read the journal");
            // One event that cannot be read must not hide all later incidents.
            if let journal::Error::Corrupt { position: bad, .. } = error
                && bad > position.0
            {
                progress.send_modify(|progress| progress.position = Position(bad));
                chunks = journal.follow_all(Position(bad)).ready_chunks(CHUNK);
            }
        }
    }
    progress.send_modify(|progress| progress.ended = true);
}

/// Folds a chunk, trying again for as long as the file refuses: a full disk must not leave a hole.
async fn fold(store: &Arc<Store>, items: Vec<Item>) {
    let items = Arc::new(items);
    loop {
        let (target, source) = (Arc::clone(store), Arc::clone(&items));
        match blocking(move || target.fold(&source)).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, "history cannot be written");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}
