use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio_util::sync::CancellationToken;

use crate::{clock::SharedClock, telemetry::Metrics};

/// Whether the server takes work.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

impl Readiness {
    /// From here on requests are taken.
    pub fn ready(&self) {
        // nothing leads from draining back to ready
        let _was = self.0.compare_exchange(STARTING, READY, Ordering::AcqRel, Ordering::Acquire);
    }

    /// From here on senders are asked to come back later.
    pub fn drain(&self) {
        self.0.store(DRAINING, Ordering::Release);
    }

    /// Why no work is taken; `None` when it is.
    pub fn refusal(&self) -> Option<&'static str> {
        match self.0.load(Ordering::Acquire) {
            READY => None,
            STARTING => Some("starting up"),
            _ => Some("shutting down"),
        }
    }
}
