//! Counters of a guard.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ErrorKind;

const KINDS: [ErrorKind; 9] = [
    ErrorKind::BadRequest,
    ErrorKind::Unauthorized,
    ErrorKind::NotFound,
    ErrorKind::Overloaded,
    ErrorKind::Timeout,
    ErrorKind::Unavailable,
    ErrorKind::BadAnswer,
    ErrorKind::Refused,
    ErrorKind::Unsupported,
];

/// What a guard has seen since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardStats {
    /// Questions put to the guard, refused ones included; a retry is not a new one.
    pub queries: u64,
    /// Questions that ended in an error, by kind; kinds that never occurred are left out.
    pub failures: Vec<(ErrorKind, u64)>,
    pub retries: u64,
    /// Questions that were never asked, since the breaker was open. Also under `failures`.
    pub refused: u64,
    /// Questions that wait or are being asked right now.
    pub in_flight: u64,
    /// Whether the breaker lets nothing but a probe through.
    pub open: bool,
}

impl GuardStats {
    /// Failures of one kind.
    pub fn failed(&self, kind: ErrorKind) -> u64 {
        self.failures.iter().find(|(other, _)| *other == kind).map_or(0, |(_, count)| *count)
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) queries: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) in_flight: AtomicU64,
    failures: [AtomicU64; KINDS.len()],
}

impl Counters {
    pub(super) fn failed(&self, kind: ErrorKind) {
        for (known, count) in KINDS.iter().zip(&self.failures) {
            if *known == kind {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn snapshot(&self, open: bool) -> GuardStats {
        let failures = KINDS
            .iter()
            .zip(&self.failures)
            .map(|(kind, count)| (*kind, count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        GuardStats {
            queries: self.queries.load(Ordering::Relaxed),
            failures,
            retries: self.retries.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            open,
        }
    }
}
