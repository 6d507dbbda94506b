use jiff::Timestamp;
use quell_sdk::{
    Completeness,
    signal::{self, UnixNanos},
};

use crate::{Dropped, Reason};

/// How the window is doing, for quell's own metrics and its health page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub metrics: SignalStats,
    pub logs: SignalStats,
    pub traces: SignalStats,
    /// Series held.
    pub series: usize,
}

/// One signal's part of [`Stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalStats {
    /// Points, records or spans held.
    pub items: usize,
    /// Memory, by estimate.
    pub bytes: usize,
    /// Items taken since the start.
    pub accepted: u64,
    /// Items and parts of items left out since the start, by reason.
    pub dropped: Dropped,
    /// Time of the oldest and of the newest item held.
    pub extent: Option<(UnixNanos, UnixNanos)>,
}

/// From when on a signal is whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    /// The earliest moment of which anything was ever received.
    since: Option<UnixNanos>,
    /// The latest moment of which something was dropped for memory.
    memory: Option<UnixNanos>,
    /// The latest moment of which something was dropped for its age.
    age: Option<UnixNanos>,
}

/// What a sender that pushes every minute may lack at the start of a window.
const SLACK: UnixNanos = 60_000_000_000;

impl Loss {
    pub(super) fn received(&mut self, at: UnixNanos) {
        self.since = Some(self.since.map_or(at, |since| since.min(at)));
    }

    pub(super) fn dropped(&mut self, reason: Reason, last: UnixNanos) {
        let until = if reason == Reason::Memory { &mut self.memory } else { &mut self.age };
        *until = Some(until.map_or(last, |until| until.max(last)));
    }

    /// The lesser completeness of two parts of one signal.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            since: [self.since, other.since].into_iter().flatten().min(),
            memory: self.memory.max(other.memory),
            age: self.age.max(other.age),
        }
    }

    /// How whole the signal is within a window of time.
    pub(super) fn completeness(&self, what: &str, window: signal::Window) -> Completeness {
        let start = window.start_nanos();
        let Some(since) = self.since else {
            return Completeness::missing(format!("no {what} have been pushed"));
        };
        let within = |until: Option<UnixNanos>| until.filter(|until| *until >= start).map(show);
        let mut completeness = Completeness::Full;
        if let Some(until) = within(self.memory) {
            let reason = format!("{what} until {until} were dropped to stay within memory");
            completeness = completeness.and(Completeness::partial(reason));
        }
        if let Some(until) = within(self.age) {
            let reason = format!("{what} until {until} were dropped for their age");
            completeness = completeness.and(Completeness::partial(reason));
        }
        if since.saturating_sub(SLACK) > start {
            let reason = format!("no {what} were received before {}", show(since));
            completeness = completeness.and(Completeness::partial(reason));
        }
        completeness
    }
}

fn show(at: UnixNanos) -> String {
    match Timestamp::from_second(at.div_euclid(1_000_000_000)) {
        Ok(at) => at.to_string(),
        Err(_) => format!("{at} ns"),
    }
}
