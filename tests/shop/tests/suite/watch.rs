//! Watching a shop from outside.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::body::{Body, to_bytes};
use http::{Method, Request};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use quell_shop::{Config, Shop, Stats};
use serde_json::Value;

/// A shop with customers, few enough that it is at ease beside other tests.
pub(super) async fn shop() -> Shop {
    Shop::start(Config { load_rps: 30.0, ..Config::default() }).await.expect("the shop starts")
}

pub(super) fn at(shop: &Shop, service: &str) -> SocketAddr {
    shop.address(service).expect("the shop has it")
}

/// One request; status and body.
pub(super) async fn send(
    address: SocketAddr,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"))
        .header("content-type", "application/json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .expect("a request");
    let response = client.request(request).await.expect("an answer");
    let status = response.status().as_u16();
    let body = to_bytes(Body::new(response.into_body()), 1 << 22).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

/// Sum of all series of that name in `/metrics` of a service whose line has all these parts.
pub(super) async fn metric(shop: &Shop, service: &str, name: &str, parts: &[&str]) -> f64 {
    let (status, text) = send(at(shop, service), Method::GET, "/metrics", None).await;
    assert_eq!(status, 200);
    let own = format!("service=\"{service}\"");
    text.lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(name))
        .inspect(|line| assert!(line.contains(&own), "{line} does not say its service"))
        .filter(|line| parts.iter().all(|part| line.contains(part)))
        .map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a number"))
        .sum()
}

/// Waits until the customers see this.
pub(super) async fn until(shop: &Shop, what: &str, seconds: u64, seen: impl Fn(&Stats) -> bool) -> Stats {
    let limit = Instant::now() + Duration::from_secs(seconds);
    loop {
        let stats = shop.stats();
        if seen(&stats) {
            return stats;
        }
        assert!(Instant::now() < limit, "no {what} within {seconds} s: {stats:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the shop is warm and well; its usual 95th percentile. How fast that is depends on the
/// machine and on what else it does, so tests compare with it.
pub(super) async fn baseline(shop: &Shop) -> Duration {
    tokio::time::sleep(Duration::from_secs(3)).await;
    let well = |stats: &Stats| stats.rps > 10.0 && stats.error_rate < 0.02;
    until(shop, "healthy shop", 30, well).await.p95
}

/// Switches the fault off and waits until customers are well again.
pub(super) async fn recovers(shop: &Shop) {
    shop.clear().await.expect("it can be cleared");
    assert_eq!(shop.active().await, None);
    until(shop, "recovery", 30, |stats| stats.error_rate < 0.02).await;
}
