use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use opentelemetry::metrics::Meter;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{http::Failure, telemetry::Call};

/// Longest time in the queue.
const MAX_WAIT: Duration = Duration::from_millis(400);

/// A fixed number of workers with a bounded queue before them; what does not fit is shed with 503.
pub(crate) struct Workers {
    size: usize,
    queue: usize,
    permits: Semaphore,
    waiting: AtomicUsize,
}

impl Workers {
    pub(crate) fn new(size: usize, meter: &Meter) -> Arc<Self> {
        let workers = Arc::new(Self {
            size,
            queue: size * 16,
            permits: Semaphore::new(size),
            waiting: AtomicUsize::new(0),
        });
        let gauge = |name: &'static str, what: &'static str, read: fn(&Self) -> usize| {
            let workers = Arc::downgrade(&workers);
            meter
                .u64_observable_gauge(name)
                .with_description(what)
                .with_callback(move |observer| {
                    if let Some(workers) = workers.upgrade() {
                        observer.observe(read(&workers) as u64, &[]);
                    }
                })
                .build();
        };
        gauge("worker.pool.size", "Render workers", |workers| workers.size);
        gauge("worker.pool.busy", "Render workers at work", Self::busy);
        gauge("worker.pool.queue", "Requests that wait for a render worker", |workers| {
            workers.waiting.load(Ordering::Relaxed)
        });
        workers
    }

    /// Turns a request away at the door when the queue is full, before it costs the others anything.
    pub(crate) fn admit(&self, call: &Call) -> Result<(), Failure> {
        if self.waiting.load(Ordering::Relaxed) >= self.queue {
            return Err(self.shed(call, "render queue full"));
        }
        Ok(())
    }

    /// Waits for a worker.
    pub(crate) async fn turn(&self, call: &Call) -> Result<SemaphorePermit<'_>, Failure> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let waiting = Queued::join(&self.waiting);
        if waiting.before >= self.queue {
            return Err(self.shed(call, "render queue full"));
        }
        match tokio::time::timeout(MAX_WAIT, self.permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.shed(call, "no render worker free in time")),
        }
    }

    fn busy(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
    }

    fn shed(&self, call: &Call, why: &str) -> Failure {
        let (busy, waiting) = (self.busy(), self.waiting.load(Ordering::Relaxed));
        let line = format!("{why}, shedding request (workers busy={busy}/{} queued={waiting})", self.size);
        call.warn(line.clone(), Vec::new());
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, line)
    }
}

/// A place in the queue, given up on drop.
struct Queued<'a> {
    waiting: &'a AtomicUsize,
    before: usize,
}

impl<'a> Queued<'a> {
    fn join(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, before: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
