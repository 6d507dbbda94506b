//! The circuit breaker: stops asking a source that keeps failing, and probes it now and then.

use std::time::Duration;

use tokio::time::Instant;

use crate::ErrorKind;

/// State of one breaker. The caller brings the time and the lock.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Consecutive failures that open it.
    threshold: u32,
    cool_down: Duration,
    last_failure: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// How a query that was let through went, as far as the breaker cares.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The source is alive, whether it liked the question or not.
    Alive,
    /// It is not, for this reason.
    Failed(String),
    /// The asker went away before there was an answer.
    Unknown,
}

impl Breaker {
    pub(super) fn new(threshold: u32, cool_down: Duration) -> Self {
        Self {
            state: State::Closed { failures: 0 },
            threshold: threshold.max(1),
            cool_down,
            last_failure: String::new(),
        }
    }

    /// Lets a query through, or says how long nothing will be and why. After the cool-down exactly one
    /// query is let through at a time, until one shows the source alive.
    pub(super) fn enter(&mut self, now: Instant) -> Result<(), (Duration, String)> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if now >= until => {
                self.state = State::Probing;
                Ok(())
            }
            State::Open { until } => Err((until - now, self.last_failure.clone())),
            State::Probing => Err((Duration::ZERO, self.last_failure.clone())),
        }
    }

    pub(super) fn leave(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Alive => self.state = State::Closed { failures: 0 },
            Outcome::Failed(reason) => {
                self.last_failure = reason;
                self.state = match self.state {
                    State::Closed { failures } if failures + 1 < self.threshold => {
                        State::Closed { failures: failures + 1 }
                    }
                    // A straggler that was let through before it opened changes nothing.
                    State::Open { until } => State::Open { until },
                    State::Closed { .. } | State::Probing => State::Open { until: now + self.cool_down },
                };
            }
            // The next one may probe at once.
            Outcome::Unknown => {
                if self.state == State::Probing {
                    self.state = State::Open { until: now };
                }
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed { .. })
    }
}

/// Whether a failure says something about the source rather than about the question.
///
/// Refused credentials count: asking on with them may lock an account.
pub(super) fn counts(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Unauthorized
        | ErrorKind::Overloaded
        | ErrorKind::Timeout
        | ErrorKind::Unavailable
        | ErrorKind::BadAnswer => true,
        ErrorKind::BadRequest | ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Unsupported => false,
    }
}
