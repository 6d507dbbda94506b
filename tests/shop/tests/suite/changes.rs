//! Change events: posted as PagerDuty takes them, and told to callbacks.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, routing::post};
use http::StatusCode;
use quell_shop::{Config, Fault, Shop};
use serde_json::Value;

type Events = Arc<Mutex<Vec<Value>>>;

async fn take(State(events): State<Events>, Json(event): Json<Value>) -> StatusCode {
    let mut events = events.lock().expect("no panic before");
    events.push(event);
    // The first one fails, as while a server starts: the shop has to try again.
    if events.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED }
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_routine_changes_and_deploys_in_order() {
    let events = Events::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}/", listener.local_addr().expect("an address"));
    let routes = Router::new().route("/v2/change/enqueue", post(take)).with_state(events.clone());
    tokio::spawn(axum::serve(listener, routes).into_future());

    let change_endpoint = Some((base, "secret-key".to_owned()));
    let shop =
        Shop::start(Config { change_endpoint, load_rps: 0.0, ..Config::default() }).await.expect("start");
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = told.clone();
    shop.on_change(move |change| listener.lock().expect("no panic before").push(change.title.clone()));
    shop.inject(Fault::BadRelease).await.expect("inject");
    let limit = Instant::now() + Duration::from_secs(5);
    while events.lock().expect("no panic before").len() < 8 {
        assert!(Instant::now() < limit, "not all changes arrive");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let events = events.lock().expect("no panic before").split_off(1);
    assert!(events.iter().all(|event| event["routing_key"] == "secret-key"));
    let summary = |event: &Value| event["payload"]["summary"].as_str().expect("text").to_owned();
    let summaries: Vec<_> = events.iter().map(summary).collect();
    assert_eq!(summaries, *told.lock().expect("no panic before"), "both ways tell the same");
    assert_eq!(summaries.last().map(String::as_str), Some("Deploy payments 3.8.0"));
    assert_eq!(shop.stats().changes_lost, 0);
    shop.stop().await;
}

#[tokio::test]
async fn counts_what_it_could_not_post() {
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let change_endpoint = Some((format!("http://{closed}"), "key".to_owned()));
    let shop =
        Shop::start(Config { change_endpoint, load_rps: 0.0, ..Config::default() }).await.expect("start");
    let limit = Instant::now() + Duration::from_secs(15);
    while shop.stats().changes_lost == 0 {
        assert!(Instant::now() < limit, "nothing is counted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    shop.stop().await;
}
