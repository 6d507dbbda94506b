//! Each fault breaks what it says, by the mechanism it says, and nothing else; clearing it recovers.

use std::time::{Duration, Instant};

use http::Method;
use quell_sdk::signal::ChangeKind;
use quell_shop::{Config, Fault, Shop};
use serde_json::json;

use super::watch::{at, baseline, metric, recovers, send, shop, until};

const TIMEOUTS: &str = "db_client_connection_timeouts_total";
const SERVED: &str = "http_server_request_duration_seconds_count";

#[tokio::test(flavor = "multi_thread")]
async fn pool_leak_drains_the_pool_of_orders() {
    let shop = shop().await;
    baseline(&shop).await;
    shop.inject(Fault::PoolLeak).await.expect("inject");
    until(&shop, "failing customers", 20, |stats| stats.error_rate > 0.05).await;
    assert!(metric(&shop, "orders", TIMEOUTS, &[]).await > 0.0);
    assert_eq!(metric(&shop, "orders", "db_client_connection_count", &["state=\"used\""]).await, 8.0);
    let used = metric(&shop, "inventory", "db_client_connection_count", &["state=\"used\""]).await;
    assert!(used < 8.0, "only orders leaks");
    assert_eq!(metric(&shop, "orders-db", "db_server_scans_total", &["sequential"]).await, 0.0);
    assert!(metric(&shop, "orders", SERVED, &["status_code=\"503\""]).await > 0.0);
    assert!(metric(&shop, "checkout", SERVED, &["status_code=\"502\""]).await > 0.0);
    assert!(metric(&shop, "frontend", SERVED, &["/checkout", "status_code=\"502\""]).await > 0.0);
    recovers(&shop).await;
    assert!(metric(&shop, "orders", "db_client_connection_count", &["state=\"used\""]).await < 8.0);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_query_reads_whole_tables() {
    let shop = shop().await;
    let usual = baseline(&shop).await;
    let scans =
        async || metric(&shop, "orders-db", "db_server_scans_total", &["\"orders\"", "sequential"]).await;
    assert_eq!(scans().await, 0.0);
    shop.inject(Fault::SlowQuery).await.expect("inject");
    let slower = usual + Duration::from_millis(200);
    until(&shop, "slow customers", 20, |stats| stats.p95 > slower).await;
    assert!(scans().await > 5.0);
    let read = metric(&shop, "orders-db", "db_server_rows_examined_total", &["\"orders\""]).await;
    assert!(read > 5.0 * 40_000.0, "{read} rows");
    let elsewhere = metric(&shop, "orders-db", "db_server_scans_total", &["\"stock\"", "sequential"]).await;
    assert_eq!(elsewhere, 0.0, "only orders lost its index");
    recovers(&shop).await;
    // Lookups that began before the index was back have ended by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = scans().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(scans().await, after, "the index is used again");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_release_throws_for_other_currencies() {
    let shop = shop().await;
    baseline(&shop).await;
    let charge = |currency: &str| json!({ "user": 1, "amount": 100, "currency": currency });
    let payments = at(&shop, "payments");
    assert_eq!(send(payments, Method::POST, "/charges", Some(charge("USD"))).await.0, 200);
    shop.inject(Fault::BadRelease).await.expect("inject");
    let deploy = shop.changes().pop().expect("a deploy is announced");
    assert_eq!((deploy.kind, deploy.service.as_str()), (ChangeKind::Deploy, "payments"));
    assert_eq!((deploy.version_from.as_str(), deploy.version_to.as_str()), ("3.7.2", "3.8.0"));
    assert_eq!(payments, at(&shop, "payments"), "a deploy keeps the address");
    assert_eq!(send(payments, Method::POST, "/charges", Some(charge("EUR"))).await.0, 200);
    let (status, body) = send(payments, Method::POST, "/charges", Some(charge("USD"))).await;
    assert_eq!(status, 500);
    assert!(body.contains("CurrencyTableError"), "{body}");
    assert_eq!(metric(&shop, "payments", "target_info", &["service_version=\"3.8.0\""]).await, 1.0);
    until(&shop, "failing customers", 20, |stats| stats.error_rate > 0.05).await;
    recovers(&shop).await;
    assert_eq!(send(payments, Method::POST, "/charges", Some(charge("USD"))).await.0, 200);
    let rollback = shop.changes().pop().expect("the rollback is announced");
    assert_eq!((rollback.service.as_str(), rollback.version_to.as_str()), ("payments", "3.7.2"));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dependency_down_fails_charges_only() {
    let shop = shop().await;
    baseline(&shop).await;
    let before = shop.changes().len();
    shop.inject(Fault::DependencyDown).await.expect("inject");
    until(&shop, "failing customers", 20, |stats| stats.error_rate > 0.05).await;
    let calls = "http_client_request_duration_seconds_count";
    let refused = ["server_address=\"payment-provider\"", "status_code=\"503\""];
    assert!(metric(&shop, "payments", calls, &refused).await > 0.0);
    assert_eq!(shop.changes().len(), before, "no change has to do with it");
    recovers(&shop).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_surge_overruns_the_frontend() {
    let config = Config { load_rps: 30.0, scale: 0.5, ..Config::default() };
    let shop = Shop::start(config).await.expect("the shop starts");
    baseline(&shop).await;
    shop.inject(Fault::TrafficSurge).await.expect("inject");
    until(&shop, "failing customers", 20, |stats| stats.error_rate > 0.05 && stats.rps > 80.0).await;
    assert!(metric(&shop, "frontend", SERVED, &["status_code=\"503\""]).await > 0.0);
    assert!(metric(&shop, "frontend", "worker_pool_queue", &[]).await > 0.0);
    recovers(&shop).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decoy_deploy_is_not_the_cause() {
    let shop = shop().await;
    baseline(&shop).await;
    shop.inject(Fault::DecoyDeploy).await.expect("inject");
    until(&shop, "failing customers", 20, |stats| stats.error_rate > 0.05).await;
    let latest = shop.changes().pop().expect("changes");
    assert_eq!((latest.service.as_str(), latest.version_to.as_str()), ("frontend", "5.13.1"));
    assert!(metric(&shop, "orders", TIMEOUTS, &[]).await > 0.0, "orders leaks");
    recovers(&shop).await;
    let info = metric(&shop, "frontend", "target_info", &["service_version=\"5.13.1\""]).await;
    assert_eq!(info, 1.0, "well again with the suspected release in place");
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn none_breaks_nothing() {
    let shop = shop().await;
    baseline(&shop).await;
    let (version, before) = ("service_version=\"5.13.0\"", shop.changes().len());
    let charge = json!({ "user": 1, "amount": 100, "currency": "EUR" });
    let slow = async || {
        let started = Instant::now();
        let answer = send(at(&shop, "payments"), Method::POST, "/charges", Some(charge.clone())).await;
        assert_eq!(answer.0, 200);
        started.elapsed() > Duration::from_millis(95)
    };
    shop.inject(Fault::None).await.expect("inject");
    assert!(slow().await && slow().await, "charges take longer");
    tokio::time::sleep(Duration::from_secs(4)).await;
    let limit = Instant::now() + Duration::from_secs(20);
    while slow().await {
        assert!(Instant::now() < limit, "the blip passes by itself");
    }
    assert!(shop.stats().error_rate < 0.02);
    assert_eq!(metric(&shop, "frontend", "target_info", &[version]).await, 1.0);
    assert_eq!(shop.changes().len(), before);
    shop.stop().await;
}
