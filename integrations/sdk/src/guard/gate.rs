//! The guard itself.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};
use tracing::{Instrument, debug, field, warn};

use super::{
    breaker::{Breaker, Outcome, counts},
    stats::{Counters, GuardStats},
};
use crate::{Error, ErrorKind, Result};

/// Wait before the retry when the source names none.
const BACKOFF: Duration = Duration::from_millis(250);

/// What a guard allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for one question, with the wait for a free place and the retry in it.
    pub deadline: Duration,
    /// Most questions asked at once.
    pub concurrency: usize,
    /// Consecutive failures after which nothing is asked any more.
    pub failures: u32,
    /// How long nothing is asked then; one probe follows.
    pub cool_down: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            concurrency: 4,
            failures: 5,
            cool_down: Duration::from_secs(10),
        }
    }
}

/// Stands between a source's code and the other side. See the [module](super).
#[derive(Debug)]
pub struct Guard {
    name: String,
    limits: Limits,
    places: Semaphore,
    breaker: Mutex<Breaker>,
    counters: Counters,
}

impl Guard {
    /// A guard for the source of this name.
    pub fn new(name: impl Into<String>, limits: Limits) -> Self {
        Self {
            name: name.into(),
            limits,
            places: Semaphore::new(limits.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            breaker: Mutex::new(Breaker::new(limits.failures, limits.cool_down)),
            counters: Counters::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    pub fn stats(&self) -> GuardStats {
        self.counters.snapshot(self.breaker().is_open())
    }

    /// Asks, within the guard's own deadline. `what` names the kind of question in the trace, and must
    /// hold no secret; `ask` is called once, and once more if the source was overloaded or unavailable.
    ///
    /// # Errors
    /// What `ask` gave; [`ErrorKind::Timeout`] when time ran out; [`ErrorKind::Refused`] when the source
    /// failed so often that it is left alone for now.
    pub async fn run<T, Ask>(&self, what: &'static str, ask: impl Fn() -> Ask) -> Result<T>
    where
        Ask: Future<Output = Result<T>>,
    {
        self.run_until(Instant::now() + self.limits.deadline, what, ask).await
    }

    /// Asks, until a moment or the guard's own deadline, whichever comes first.
    ///
    /// # Errors
    /// As [`Guard::run`].
    pub async fn run_until<T, Ask>(
        &self,
        until: Instant,
        what: &'static str,
        ask: impl Fn() -> Ask,
    ) -> Result<T>
    where
        Ask: Future<Output = Result<T>>,
    {
        let begin = Instant::now();
        let until = until.min(begin + self.limits.deadline);
        let span = tracing::info_span!(
            "source_query",
            source = %self.name,
            what,
            outcome = field::Empty,
            took_ms = field::Empty,
        );
        let record = span.clone();
        let result = self.counted(until, ask).instrument(span).await;
        let took = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        record.record("took_ms", took);
        match &result {
            Ok(_) => record.record("outcome", "ok"),
            Err(error) => {
                record.record("outcome", field::debug(error.kind));
                record.in_scope(|| debug!(%error, "source query failed"));
                self.counters.failed(error.kind);
                &record
            }
        };
        result
    }

    async fn counted<T, Ask>(&self, until: Instant, ask: impl Fn() -> Ask) -> Result<T>
    where
        Ask: Future<Output = Result<T>>,
    {
        self.counters.queries.fetch_add(1, Ordering::Relaxed);
        let _present = Present::new(self);
        // While queued nothing has been asked: running out of time here says nothing about the source.
        let _place = match timeout_at(until, self.places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(self.error(ErrorKind::Refused, "guard is closed")),
            Err(_) => {
                return Err(self.error(
                    ErrorKind::Timeout,
                    format!("no free place among {} questions in time", self.limits.concurrency),
                ));
            }
        };
        let mut passage = self.enter()?;
        let result = match timeout_at(until, self.ask_twice(until, ask)).await {
            Ok(result) => result,
            Err(_) => Err(self.error(ErrorKind::Timeout, "no answer within the deadline")),
        };
        passage.outcome = match &result {
            Err(error) if counts(error.kind) => Outcome::Failed(error.message.clone()),
            Ok(_) | Err(_) => Outcome::Alive,
        };
        result
    }

    async fn ask_twice<T, Ask>(&self, until: Instant, ask: impl Fn() -> Ask) -> Result<T>
    where
        Ask: Future<Output = Result<T>>,
    {
        let error = match ask().await {
            Err(error) if error.is_transient() => error,
            result => return result,
        };
        let wait = error.retry_after.unwrap_or(BACKOFF);
        let patient = Instant::now().checked_add(wait).is_some_and(|at| at < until);
        if !patient {
            return Err(error);
        }
        self.counters.retries.fetch_add(1, Ordering::Relaxed);
        sleep(wait).await;
        ask().await
    }

    fn enter(&self) -> Result<Passage<'_>> {
        let (wait, reason) = match self.breaker().enter(Instant::now()) {
            Ok(()) => return Ok(Passage { guard: self, outcome: Outcome::Unknown }),
            Err(closed) => closed,
        };
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        let message = format!(
            "not asked: {} failures in a row, next try in {} s; last failure: {reason}",
            self.limits.failures.max(1),
            wait.as_secs_f64().ceil(),
        );
        Err(self.error(ErrorKind::Refused, message).retry_after(Some(wait)))
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, &self.name, message)
    }
}

/// One question that waits or is being asked.
struct Present<'a>(&'a Guard);

impl<'a> Present<'a> {
    fn new(guard: &'a Guard) -> Self {
        guard.counters.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(guard)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One question that the breaker let through. Tells it the outcome even when the asker goes away.
struct Passage<'a> {
    guard: &'a Guard,
    outcome: Outcome,
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Unknown);
        let mut breaker = self.guard.breaker();
        let was_open = breaker.is_open();
        breaker.leave(outcome, Instant::now());
        let is_open = breaker.is_open();
        drop(breaker);
        if is_open && !was_open {
            warn!(source = %self.guard.name, "source keeps failing and is left alone for a while");
        }
    }
}
