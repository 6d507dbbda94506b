//! Streams of what is stored and then of what comes.
//!
//! A follower asks for the event after the last it gave, first among the kept ones, else in the file, and
//! sleeps while there is none: whatever it is late for, it can neither miss nor repeat a number. An error
//! is handed on, and the same event is asked for again after a pause; the stream ends when the journal
//! closes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::{StreamExt, stream, stream::BoxStream};
use tokio::sync::watch;

use super::{
    live::{Hub, Progress, Subscription},
    reader::{Page, Readers},
    tail::Tail,
};
use crate::{
    domain::{Event, IncidentId},
    journal::{Error, Position, Result},
};

const PAGE: Page = Page { events: 256, bytes: 512 << 10, up_to_error: true };
const PAGE_ALL: Page = Page { events: 1_024, bytes: 4 << 20, up_to_error: true };
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// Events of one incident above `after`.
pub(super) fn incident(
    hub: &Arc<Hub>,
    readers: &Arc<Readers>,
    incident: &IncidentId,
    after: u64,
) -> BoxStream<'static, Result<Event>> {
    let follower = Follower {
        subscription: hub.follow(incident),
        readers: Arc::clone(readers),
        incident: incident.clone(),
        after,
        page: VecDeque::new(),
        from_file: true,
        failed: false,
    };
    stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((item, follower))
    })
    .boxed()
}

/// Events of all incidents past `after`.
pub(super) fn all(
    hub: &Arc<Hub>,
    readers: &Arc<Readers>,
    after: Position,
) -> BoxStream<'static, Result<(Position, Event)>> {
    let (progress, tail) = hub.all();
    let follower = AllFollower {
        progress,
        tail,
        readers: Arc::clone(readers),
        after,
        page: VecDeque::new(),
        failed: false,
    };
    stream::unfold(follower, |mut follower| async move {
        let item = follower.next().await?;
        Some((item, follower))
    })
    .boxed()
}

struct Follower {
    subscription: Subscription,
    readers: Arc<Readers>,
    incident: IncidentId,
    after: u64,
    page: VecDeque<Arc<Event>>,
    /// May be before the end of the file without the progress telling so.
    from_file: bool,
    failed: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Event>> {
        pause(&mut self.failed).await;
        loop {
            if let Some(event) = self.page.pop_front() {
                self.after = event.seq;
                return Some(Ok(Arc::unwrap_or_clone(event)));
            }
            let progress = *self.subscription.progress.borrow_and_update();
            if self.from_file || progress.last > self.after {
                self.page = self.subscription.recent(self.after, PAGE.events).into();
                if !self.page.is_empty() {
                    continue;
                }
                let read = Arc::clone(&self.readers).read(self.incident.clone(), self.after, PAGE);
                match read.await {
                    Ok(events) => {
                        self.from_file = progress.last == 0 && !events.is_empty();
                        self.page = events.into_iter().map(Arc::new).collect();
                    }
                    Err(Error::Closed) => return None,
                    Err(error) => {
                        self.failed = true;
                        return Some(Err(error));
                    }
                }
                if !self.page.is_empty() {
                    continue;
                }
            }
            wait(&mut self.subscription.progress, progress).await?;
        }
    }
}

struct AllFollower {
    progress: watch::Receiver<Progress>,
    tail: Arc<Tail>,
    readers: Arc<Readers>,
    after: Position,
    page: VecDeque<(Position, Arc<Event>)>,
    failed: bool,
}

impl AllFollower {
    async fn next(&mut self) -> Option<Result<(Position, Event)>> {
        pause(&mut self.failed).await;
        loop {
            if let Some((position, event)) = self.page.pop_front() {
                self.after = position;
                return Some(Ok((position, Arc::unwrap_or_clone(event))));
            }
            let progress = *self.progress.borrow_and_update();
            if progress.last > self.after.0 {
                self.page = self.tail.take(self.after, PAGE_ALL.events);
                if !self.page.is_empty() {
                    continue;
                }
                match Arc::clone(&self.readers).read_all(self.after, PAGE_ALL).await {
                    Ok(events) => {
                        let shared = |(position, event)| (position, Arc::new(event));
                        self.page = events.into_iter().map(shared).collect();
                    }
                    Err(Error::Closed) => return None,
                    Err(error) => {
                        self.failed = true;
                        return Some(Err(error));
                    }
                }
                if !self.page.is_empty() {
                    continue;
                }
            }
            wait(&mut self.progress, progress).await?;
        }
    }
}

/// Waits for the next progress; `None` when the journal has closed.
async fn wait(receiver: &mut watch::Receiver<Progress>, seen: Progress) -> Option<()> {
    if seen.closed {
        return None;
    }
    receiver.changed().await.ok()
}

async fn pause(failed: &mut bool) {
    if std::mem::take(failed) {
        tokio::time::sleep(PAUSE_AFTER_ERROR).await;
    }
}
