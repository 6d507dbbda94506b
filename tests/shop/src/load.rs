use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use ::http::{HeaderMap, Method};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{http::Wire, stats::Monitor};

/// Requests open at the same time, at most.
const MAX_OPEN: u64 = 2000;
/// How long a customer waits for a page.
const PATIENCE: Duration = Duration::from_secs(5);
/// Falling further behind than this skips arrivals instead of sending them in one burst.
const MAX_LAG: Duration = Duration::from_secs(1);

const CUSTOMERS: u32 = 2000;
const PRODUCTS: u32 = 500;

/// How much more than usual there is to do.
pub(crate) struct Rush(AtomicU32);

impl Default for Rush {
    fn default() -> Self {
        Self(AtomicU32::new(1))
    }
}

impl Rush {
    pub(crate) fn set(&self, factor: u32) {
        self.0.store(factor, Ordering::Relaxed);
    }

    fn factor(&self) -> f64 {
        f64::from(self.0.load(Ordering::Relaxed))
    }
}

/// What a customer wants.
#[derive(Clone, Debug, PartialEq)]
struct Visit {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Visit {
    /// 5 % home, 50 % product pages, 10 % cart, 15 % add to cart, 20 % checkout.
    fn draw(rng: &mut StdRng) -> Self {
        let user = rng.random_range(0..CUSTOMERS);
        let sku = rng.random_range(0..PRODUCTS);
        let price = rng.random_range(500..9000);
        // Drawn for each visit, so that its kind does not shift the visits after it.
        let (euro, coupon) = (rng.random_bool(0.4), rng.random_bool(0.3));
        let get = |path: String| Self { method: Method::GET, path, body: None };
        let post = |path: String, body| Self { method: Method::POST, path, body: Some(body) };
        match rng.random_range(0..100) {
            0..5 => get("/".to_owned()),
            5..55 => get(format!("/products/{sku}")),
            55..65 => get(format!("/cart/{user}")),
            65..80 => post(format!("/cart/{user}/items"), json!({ "sku": sku, "price": price })),
            _ => {
                let currency = if euro { "EUR" } else { ["USD", "GBP", "SEK"][(user % 3) as usize] };
                let coupon = coupon.then_some(user % 100);
                post("/checkout".to_owned(), json!({ "user": user, "currency": currency, "coupon": coupon }))
            }
        }
    }
}

/// Customers: they arrive at random, independent of how the shop does, and leave when it is stopped.
pub(crate) struct Load {
    pub(crate) frontend: SocketAddr,
    pub(crate) rps: f64,
    pub(crate) seed: u64,
    pub(crate) rush: Arc<Rush>,
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) tasks: TaskTracker,
}

impl Load {
    pub(crate) async fn run(self, until: CancellationToken) {
        if self.rps <= 0.0 {
            return;
        }
        let wire = Wire::new(PATIENCE);
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut next = Instant::now();
        loop {
            let gap = -(1.0 - rng.random::<f64>()).ln() / (self.rps * self.rush.factor());
            next = (next + Duration::from_secs_f64(gap)).max(Instant::now() - MAX_LAG);
            let visit = Visit::draw(&mut rng);
            tokio::select! {
                () = until.cancelled() => return,
                () = tokio::time::sleep_until(next.into()) => {}
            }
            if self.monitor.open(MAX_OPEN) {
                let (wire, monitor, frontend) = (wire.clone(), self.monitor.clone(), self.frontend);
                self.tasks.spawn(async move {
                    let started = Instant::now();
                    let failed = !serve(&wire, frontend, visit).await;
                    monitor.close(started.elapsed(), failed);
                });
            }
        }
    }
}

/// One visit; whether it went well.
async fn serve(wire: &Wire, frontend: SocketAddr, visit: Visit) -> bool {
    let uri = Wire::uri(frontend, &visit.path);
    let Ok(request) = Wire::request(visit.method, &uri, HeaderMap::new(), visit.body.as_ref()) else {
        return false;
    };
    wire.send(request).await.is_ok_and(|(status, _)| !status.is_server_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_who_comes() {
        let visits = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            (0..500).map(|_| Visit::draw(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(visits(7), visits(7));
        assert_ne!(visits(7), visits(8));
        let checkouts = visits(7).iter().filter(|visit| visit.path == "/checkout").count();
        assert!((70..130).contains(&checkouts), "{checkouts} of 500 are checkouts");
    }
}
