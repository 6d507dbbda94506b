//! What wakes followers: numbers of what is on disk, and per followed incident its newest events.
//!
//! The writer publishes after each commit and waits for nobody. A follower that is behind the few events
//! kept here pages from the file; thousands that watch one incident share one copy of each event. Those
//! who follow all incidents have a [`Tail`] each.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::watch;

use super::{prepare::Prepared, tail::Tail};
use crate::{
    domain::{Event, IncidentId},
    journal::Position,
};

/// Newest events kept per followed incident, by number and by bytes of their JSON.
const KEPT_EVENTS: usize = 256;
const KEPT_BYTES: usize = 512 << 10;
/// Over all incidents; at the bound an incident's followers read from the file.
const KEPT_BYTES_TOTAL: usize = 32 << 20;

/// How far something has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Number of the last event that is on disk; for one incident 0 while not known.
    pub(super) last: u64,
    pub(super) closed: bool,
}

pub(super) struct Hub {
    all: watch::Sender<Progress>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    followed: HashMap<IncidentId, Followed>,
    /// Of those who follow all incidents.
    tails: Vec<Weak<Tail>>,
    /// Position of the last event that the tails were told of.
    published: u64,
    kept_bytes: usize,
    closed: bool,
}

struct Followed {
    live: Arc<Live>,
    followers: usize,
}

struct Live {
    progress: watch::Sender<Progress>,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    events: VecDeque<(Arc<Event>, usize)>,
    bytes: usize,
}

impl Hub {
    pub(super) fn new(position: u64) -> Self {
        let all = watch::Sender::new(Progress { last: position, closed: false });
        Self { all, inner: Mutex::new(Inner { published: position, ..Inner::default() }) }
    }

    /// Position of the last event on disk.
    pub(super) fn end(&self) -> u64 {
        self.all.borrow().last
    }

    /// Progress over all incidents, by position, and the events to come.
    pub(super) fn all(&self) -> (watch::Receiver<Progress>, Arc<Tail>) {
        let mut inner = lock(&self.inner);
        let tail = Arc::new(Tail::new(Position(inner.published)));
        inner.tails.push(Arc::downgrade(&tail));
        (self.all.subscribe(), tail)
    }

    /// Tells the followers what was appended to one incident, of which the last event is at `position`.
    pub(super) fn publish(&self, batch: Prepared, first_seq: u64, position: u64) {
        let Prepared { incident, at, entries, .. } = batch;
        let mut inner = lock(&self.inner);
        inner.published = inner.published.max(position);
        inner.tails.retain(|tail| tail.strong_count() > 0);
        let tails: Vec<Arc<Tail>> = inner.tails.iter().filter_map(Weak::upgrade).collect();
        let live = inner.followed.get(&incident).map(|followed| Arc::clone(&followed.live));
        if live.is_none() && tails.is_empty() {
            return;
        }
        let first_position = (position + 1).saturating_sub(entries.len() as u64);
        let mut last = None;
        for ((seq, position), entry) in (first_seq..).zip(first_position..).zip(entries) {
            let bytes = entry.json.len();
            let event = Arc::new(Event { seq, at, incident: incident.clone(), payload: entry.payload });
            if let Some(live) = &live {
                let mut recent = lock(&live.recent);
                inner.kept_bytes += recent.push(Arc::clone(&event), bytes);
                inner.kept_bytes -= recent.trim(inner.kept_bytes);
                last = Some(seq);
            }
            for tail in &tails {
                tail.push(Position(position), Arc::clone(&event), bytes);
            }
        }
        drop(inner);
        if let (Some(live), Some(last)) = (live, last) {
            live.progress.send_modify(|progress| progress.last = last);
        }
    }

    /// Tells the followers of everything.
    pub(super) fn advance(&self, position: u64) {
        self.all.send_modify(|progress| progress.last = progress.last.max(position));
    }

    pub(super) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        for followed in inner.followed.values() {
            followed.live.progress.send_modify(|progress| progress.closed = true);
        }
        self.all.send_modify(|progress| progress.closed = true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.all.borrow().closed
    }

    pub(super) fn follow(self: &Arc<Self>, incident: &IncidentId) -> Subscription {
        let mut inner = lock(&self.inner);
        let closed = inner.closed;
        let followed = inner.followed.entry(incident.clone()).or_insert_with(|| {
            let progress = watch::Sender::new(Progress { last: 0, closed });
            Followed { live: Arc::new(Live { progress, recent: Mutex::default() }), followers: 0 }
        });
        followed.followers += 1;
        let live = Arc::clone(&followed.live);
        let progress = live.progress.subscribe();
        Subscription { hub: Arc::clone(self), incident: incident.clone(), live, progress }
    }
}

/// One follower of one incident.
pub(super) struct Subscription {
    hub: Arc<Hub>,
    incident: IncidentId,
    live: Arc<Live>,
    pub(super) progress: watch::Receiver<Progress>,
}

impl Subscription {
    /// Kept events from `after + 1` on, at most `limit`; none when the next one is not kept.
    pub(super) fn recent(&self, after: u64, limit: usize) -> Vec<Arc<Event>> {
        let recent = lock(&self.live.recent);
        let Some((first, _)) = recent.events.front() else { return Vec::new() };
        let Some(skip) = (after + 1).checked_sub(first.seq).and_then(|skip| usize::try_from(skip).ok())
        else {
            return Vec::new();
        };
        recent.events.iter().skip(skip).take(limit).map(|(event, _)| Arc::clone(event)).collect()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut inner = lock(&self.hub.inner);
        let Some(followed) = inner.followed.get_mut(&self.incident) else { return };
        followed.followers -= 1;
        if followed.followers == 0 {
            let bytes = lock(&self.live.recent).bytes;
            inner.followed.remove(&self.incident);
            inner.kept_bytes -= bytes;
        }
    }
}

impl Recent {
    fn push(&mut self, event: Arc<Event>, bytes: usize) -> usize {
        self.events.push_back((event, bytes));
        self.bytes += bytes;
        bytes
    }

    /// Drops the oldest until within bounds; says how many bytes went.
    fn trim(&mut self, total: usize) -> usize {
        let before = self.bytes;
        while self.events.len() > KEPT_EVENTS
            || self.bytes > KEPT_BYTES
            || (total - (before - self.bytes) > KEPT_BYTES_TOTAL && !self.events.is_empty())
        {
            let Some((_, bytes)) = self.events.pop_front() else { break };
            self.bytes -= bytes;
        }
        before - self.bytes
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
