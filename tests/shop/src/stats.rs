use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Stretch of time that the moving numbers are over.
const WINDOW: Duration = Duration::from_secs(5);
/// Most samples kept.
const CAPACITY: usize = 50_000;

/// How the shop does, seen by its customers.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Requests answered since the start.
    pub requests: u64,
    /// Of these, the ones that failed: status 5xx, or no answer.
    pub errors: u64,
    /// Arrivals turned away because too many requests were open.
    pub dropped: u64,
    /// Requests open now.
    pub in_flight: u64,
    /// Answers per second over the last five seconds, as are the next three.
    pub rps: f64,
    /// Share of failures, 0 to 1; 0 when nothing was answered.
    pub error_rate: f64,
    pub p50: Duration,
    pub p95: Duration,
    /// Change events that could not be posted.
    pub changes_lost: u64,
}

/// Collects what customers see.
#[derive(Default)]
pub(crate) struct Monitor {
    requests: AtomicU64,
    errors: AtomicU64,
    dropped: AtomicU64,
    in_flight: AtomicU64,
    recent: Mutex<VecDeque<Sample>>,
}

struct Sample {
    at: Instant,
    took: Duration,
    failed: bool,
}

impl Monitor {
    /// Counts one more open request; `false` when there are already too many.
    pub(crate) fn open(&self, limit: u64) -> bool {
        if self.in_flight.load(Ordering::Relaxed) >= limit {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        true
    }

    pub(crate) fn close(&self, took: Duration, failed: bool) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        let now = Instant::now();
        let mut recent = self.lock();
        forget(&mut recent, now);
        if recent.len() >= CAPACITY {
            recent.pop_front();
        }
        recent.push_back(Sample { at: now, took, failed });
    }

    pub(crate) fn stats(&self, changes_lost: u64) -> Stats {
        let mut recent = self.lock();
        forget(&mut recent, Instant::now());
        let mut times: Vec<Duration> = recent.iter().map(|sample| sample.took).collect();
        let failed = recent.iter().filter(|sample| sample.failed).count();
        drop(recent);
        times.sort_unstable();
        let share = if times.is_empty() { 0.0 } else { failed as f64 / times.len() as f64 };
        Stats {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            rps: times.len() as f64 / WINDOW.as_secs_f64(),
            error_rate: share,
            p50: quantile(&times, 50),
            p95: quantile(&times, 95),
            changes_lost,
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Sample>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget(recent: &mut VecDeque<Sample>, now: Instant) {
    while recent.front().is_some_and(|sample| now.duration_since(sample.at) > WINDOW) {
        recent.pop_front();
    }
}

/// The smallest time that this percentage does not exceed.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_customers_saw() {
        let monitor = Monitor::default();
        for ms in 1..=100 {
            assert!(monitor.open(1));
            assert!(!monitor.open(1), "the limit holds");
            monitor.close(Duration::from_millis(ms), ms > 90);
        }
        let stats = monitor.stats(3);
        assert_eq!((stats.requests, stats.errors, stats.dropped, stats.in_flight), (100, 10, 100, 0));
        assert_eq!((stats.p50.as_millis(), stats.p95.as_millis()), (50, 95));
        assert_eq!((stats.rps, stats.error_rate, stats.changes_lost), (20.0, 0.1, 3));
    }

    #[test]
    fn is_all_zero_before_the_first_answer() {
        let stats = Monitor::default().stats(0);
        assert_eq!((stats.error_rate, stats.p95), (0.0, Duration::ZERO));
    }
}
