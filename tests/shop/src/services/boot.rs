use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    Config,
    http::{Peer, Wire},
    telemetry::Telemetry,
};

/// How long a service waits for another one.
const PEER_TIMEOUT: Duration = Duration::from_secs(3);

/// Where each part of the shop listens.
pub(crate) type Directory = BTreeMap<&'static str, SocketAddr>;

/// What a service instance is started with.
pub(crate) struct Boot {
    pub(crate) service: &'static str,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) switches: Arc<Switches>,
    pub(crate) release: Release,
    pub(crate) config: Config,
    pub(crate) wire: Wire,
}

/// A version of a service.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) version: String,
    /// Whether the defect of the bad release is in it.
    pub(crate) broken: bool,
}

/// What faults turn on and off while services run.
#[derive(Default)]
pub(crate) struct Switches {
    /// `orders` keeps the connection of each coupon lookup.
    pub(crate) leak: AtomicBool,
    /// The payment provider answers 503.
    pub(crate) provider_down: AtomicBool,
    /// The payment provider takes longer, but answers.
    pub(crate) provider_slow: AtomicBool,
}

impl Switches {
    pub(crate) fn is(switch: &AtomicBool) -> bool {
        switch.load(Ordering::Relaxed)
    }

    pub(crate) fn turn(switch: &AtomicBool, on: bool) {
        switch.store(on, Ordering::Relaxed);
    }
}

impl Boot {
    pub(crate) fn wire() -> Wire {
        Wire::new(PEER_TIMEOUT)
    }

    /// Another service. One that is not in the directory has the address that nobody listens on.
    pub(crate) fn peer(&self, name: &'static str) -> Peer {
        Peer::new(name, self.address(name), &self.wire)
    }

    pub(crate) fn store(&self, name: &'static str, system: &'static str) -> Peer {
        Peer::store(name, self.address(name), &self.wire, system)
    }

    pub(crate) fn address(&self, name: &'static str) -> SocketAddr {
        self.directory.get(name).copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Service times of this service, by the seed.
    pub(crate) fn jitter(&self) -> Jitter {
        let own = self
            .service
            .bytes()
            .fold(self.config.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Jitter(Mutex::new(StdRng::seed_from_u64(own)))
    }
}

/// Service times that vary as they do in life: a quarter to either side, now and then double.
pub(crate) struct Jitter(Mutex<StdRng>);

impl Jitter {
    pub(crate) fn around(&self, typical: Duration) -> Duration {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let factor = if rng.random_bool(0.01) { 2.0 } else { rng.random_range(0.75..1.25) };
        typical.mul_f64(factor)
    }

    /// Works for about that long.
    pub(crate) async fn work(&self, milliseconds: u64) {
        tokio::time::sleep(self.around(Duration::from_millis(milliseconds))).await;
    }
}
