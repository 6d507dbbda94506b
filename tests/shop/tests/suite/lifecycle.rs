//! Starting, stopping, and what a caller gets wrong.

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use quell_shop::{Config, Error, Fault, Kind, Shop};

use super::watch::{shop, until};

#[tokio::test(flavor = "multi_thread")]
async fn starts_fast_and_stop_frees_all_ports() {
    let started = Instant::now();
    let shop = shop().await;
    assert!(started.elapsed() < Duration::from_secs(2), "up after {:?}", started.elapsed());
    until(&shop, "customers", 5, |stats| stats.requests > 20).await;
    let services = shop.services();
    assert_eq!(services.len(), 9);
    for service in &services {
        assert!(TcpListener::bind(service.address).is_err(), "{} has its port", service.name);
    }
    shop.stop().await;
    for service in &services {
        TcpListener::bind(service.address).unwrap_or_else(|_| panic!("{} keeps its port", service.name));
    }
    let requests = shop.stats().requests;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shop.stats().requests, requests, "no customers after the stop");
    shop.stop().await;
    assert!(matches!(shop.inject(Fault::PoolLeak).await, Err(Error::Stopped)));
    assert!(matches!(shop.clear().await, Err(Error::Stopped)));
}

#[tokio::test]
async fn runs_on_a_single_threaded_runtime_and_ends_when_dropped() {
    let shop = shop().await;
    until(&shop, "customers", 5, |stats| stats.requests > 20).await;
    let address = shop.address("frontend").expect("frontend");
    drop(shop);
    let limit = Instant::now() + Duration::from_secs(5);
    while TcpListener::bind(address).is_err() {
        assert!(Instant::now() < limit, "the port is still taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_fault_takes_the_place_of_the_one_before() {
    let shop = Shop::start(Config { load_rps: 0.0, ..Config::default() }).await.expect("start");
    shop.inject(Fault::SlowQuery).await.expect("inject");
    shop.inject(Fault::DependencyDown).await.expect("inject");
    assert_eq!(shop.active().await, Some(Fault::DependencyDown));
    // Dropping the index a second time only works when it was brought back in between.
    shop.inject(Fault::SlowQuery).await.expect("inject");
    shop.clear().await.expect("clear");
    shop.clear().await.expect("clearing nothing is fine");
    shop.stop().await;
}

#[tokio::test]
async fn refuses_what_makes_no_sense() {
    for config in [
        Config { load_rps: -1.0, ..Config::default() },
        Config { load_rps: f64::NAN, ..Config::default() },
        Config { scale: 0.0, ..Config::default() },
        Config { otlp_endpoint: Some("not an address".to_owned()), ..Config::default() },
        Config { change_endpoint: Some(("ftp://x".to_owned(), "key".to_owned())), ..Config::default() },
    ] {
        let text = format!("{config:?}");
        assert!(matches!(Shop::start(config).await, Err(Error::Config(_))), "{text}");
    }
    assert!(matches!("no-such".parse::<Fault>(), Err(Error::UnknownFault(_))));
}

#[test]
fn faults_have_names_and_truths_in_the_shop() {
    for fault in Fault::ALL {
        assert_eq!(fault.as_str().parse::<Fault>().expect("its own name"), fault);
        assert_eq!(fault.truth().is_none(), fault == Fault::None);
    }
    assert_eq!("pool_leak".parse::<Fault>().expect("underscores are fine"), Fault::PoolLeak);
}

#[tokio::test]
async fn prometheus_is_told_to_scrape_all_but_the_external() {
    let shop = Shop::start(Config { load_rps: 0.0, ..Config::default() }).await.expect("start");
    let alertmanager = "127.0.0.1:9093".parse().expect("address");
    let yaml = quell_shop::prometheus_config(&shop, &[Path::new("/etc/shop.rules.yml")], Some(alertmanager));
    for service in shop.services() {
        let scraped = yaml.contains(&format!("targets: [\"{}\"]", service.address));
        assert_eq!(scraped, service.kind != Kind::External, "{}", service.name);
        let known = Fault::ALL.iter().filter_map(|fault| fault.truth());
        assert!(known.into_iter().all(|truth| shop.address(truth.service).is_some()));
    }
    assert!(yaml.contains("- \"/etc/shop.rules.yml\"") && yaml.contains("127.0.0.1:9093"));
    let rules = quell_shop::alert_rules();
    assert!(rules.contains("FrontendHighErrorRate") && rules.contains("FrontendHighLatencyP95"));
    shop.stop().await;
}
