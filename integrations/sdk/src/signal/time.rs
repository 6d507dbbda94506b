use std::{ops::Range, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch.
pub type UnixNanos = i64;

/// A half-open span of time, `start <= t < end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Window {
    /// The window between two moments, in whichever order they are given.
    pub fn new(one: Timestamp, other: Timestamp) -> Self {
        Self { start: one.min(other), end: one.max(other) }
    }

    /// The `length` that ends at `end`.
    pub fn ending_at(end: Timestamp, length: Duration) -> Self {
        Self { start: end.saturating_sub(length).unwrap_or(Timestamp::MIN), end }
    }

    pub fn start_nanos(&self) -> UnixNanos {
        nanos(self.start)
    }

    pub fn end_nanos(&self) -> UnixNanos {
        nanos(self.end)
    }

    pub fn contains(&self, at: UnixNanos) -> bool {
        self.nanos().contains(&at)
    }

    /// The window in nanoseconds, for whoever holds many moments against it.
    pub fn nanos(&self) -> Range<UnixNanos> {
        self.start_nanos()..self.end_nanos()
    }

    pub fn length(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.end_nanos().saturating_sub(self.start_nanos())).unwrap_or(0))
    }
}

/// Unix nanoseconds of a timestamp, clamped to what an `i64` holds (years 1677 to 2262).
pub(crate) fn nanos(at: Timestamp) -> UnixNanos {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX })
}
