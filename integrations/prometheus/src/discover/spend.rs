//! Counts queries against their budget.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::Instant;

/// What is left of a budget of queries, and of time.
#[derive(Debug)]
pub(crate) struct Spend {
    left: AtomicU32,
    used: AtomicU32,
    until: Instant,
}

impl Spend {
    pub(crate) fn new(queries: u32, until: Instant) -> Self {
        Self { left: AtomicU32::new(queries), used: AtomicU32::new(0), until }
    }

    /// Takes one query, if there is one left.
    pub(crate) fn take(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if taken {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    pub(crate) fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    pub(crate) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn until(&self) -> Instant {
        self.until
    }
}
