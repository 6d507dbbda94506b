use std::time::Duration;

use crate::Limits;

/// How much the window holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Memory of all signals, by estimate.
    pub max_bytes: usize,
    /// Age at which data is dropped.
    pub max_age: Duration,
    /// How far ahead of the clock a sender's clock may be.
    pub max_ahead: Duration,
    /// Series held at one time.
    pub max_series: usize,
    /// What is kept of one request.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_age: Duration::from_secs(3600),
            max_ahead: Duration::from_secs(600),
            max_series: 50_000,
            limits: Limits::default(),
        }
    }
}

impl Config {
    /// Shares of memory: metrics are small for what they tell, so they get the most history.
    pub(super) fn metrics_bytes(&self) -> usize {
        self.max_bytes / 100 * 40
    }

    pub(super) fn traces_bytes(&self) -> usize {
        self.max_bytes / 100 * 35
    }

    pub(super) fn logs_bytes(&self) -> usize {
        self.max_bytes / 100 * 25
    }
}
