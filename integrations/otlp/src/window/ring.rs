use std::{collections::VecDeque, sync::Arc};

use quell_sdk::signal::{LogRecord, Span, UnixNanos};

use super::stats::Loss;
use crate::{Dropped, Reason, size};

/// Bytes up to which pushes are gathered in one chunk. Dropping goes by chunks, so they must be far
/// smaller than the ring.
const CHUNK: usize = 64 * 1024;

/// Something with a time and a size.
pub(super) trait Item {
    /// The moment up to which it counts as recent.
    fn at(&self) -> UnixNanos;
    fn bytes(&self) -> usize;
}

impl Item for Span {
    fn at(&self) -> UnixNanos {
        self.end
    }
    fn bytes(&self) -> usize {
        size::of_span(self)
    }
}

impl Item for LogRecord {
    fn at(&self) -> UnixNanos {
        self.at
    }
    fn bytes(&self) -> usize {
        size::of_record(self)
    }
}

/// Items that came together. Shared with readers, who then need no lock.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    pub(super) items: Vec<T>,
    bytes: usize,
    first: UnixNanos,
    last: UnixNanos,
}

/// Items in order of arrival, the oldest dropped first.
#[derive(Debug)]
pub(super) struct Ring<T> {
    chunks: VecDeque<Arc<Chunk<T>>>,
    bytes: usize,
    items: usize,
    max_bytes: usize,
    pub(super) dropped: Dropped,
    pub(super) accepted: u64,
    pub(super) loss: Loss,
}

impl<T: Item> Ring<T> {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            chunks: VecDeque::new(),
            bytes: 0,
            items: 0,
            max_bytes,
            dropped: Dropped::default(),
            accepted: 0,
            loss: Loss::default(),
        }
    }

    /// Appends items, then drops what is older than `cutoff` or does not fit.
    pub(super) fn push(&mut self, items: Vec<T>, cutoff: UnixNanos) {
        for item in items {
            self.append(item);
        }
        self.expire(cutoff);
        while self.bytes > self.max_bytes && self.drop_oldest(Reason::Memory) {}
    }

    /// Drops what is older than `cutoff`.
    pub(super) fn expire(&mut self, cutoff: UnixNanos) {
        while self.chunks.front().is_some_and(|chunk| chunk.last < cutoff) {
            self.drop_oldest(Reason::Age);
        }
    }

    fn append(&mut self, item: T) {
        let (at, bytes) = (item.at(), item.bytes());
        self.accepted += 1;
        self.items += 1;
        self.loss.received(at);
        let open = self.chunks.back_mut().filter(|chunk| chunk.bytes + bytes <= CHUNK).and_then(Arc::get_mut);
        if let Some(chunk) = open {
            self.bytes += bytes;
            chunk.bytes += bytes;
            chunk.first = chunk.first.min(at);
            chunk.last = chunk.last.max(at);
            chunk.items.push(item);
            return;
        }
        let fixed = size_of::<Chunk<T>>() + 64;
        self.bytes += bytes + fixed;
        let chunk = Chunk { items: vec![item], bytes: bytes + fixed, first: at, last: at };
        self.chunks.push_back(Arc::new(chunk));
    }

    fn drop_oldest(&mut self, reason: Reason) -> bool {
        let Some(chunk) = self.chunks.pop_front() else { return false };
        self.bytes = self.bytes.saturating_sub(chunk.bytes);
        self.items -= chunk.items.len();
        self.dropped.add(reason, chunk.items.len() as u64);
        self.loss.dropped(reason, chunk.last);
        true
    }

    /// What is there now.
    pub(super) fn chunks(&self) -> Vec<Arc<Chunk<T>>> {
        self.chunks.iter().cloned().collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.items
    }

    pub(super) fn extent(&self) -> Option<(UnixNanos, UnixNanos)> {
        let ends = self.chunks.iter().map(|chunk| (chunk.first, chunk.last));
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }
}
