//! What arrives by OTLP: traces that span services, logs under them, metrics.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use http::Method;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use quell_shop::{Config, Fault, Shop};
use serde_json::json;

use super::{
    collector::{Collector, Received, attribute, service, text},
    watch::{at, send},
};

const TRACED: [&str; 6] = ["cart", "checkout", "frontend", "inventory", "orders", "payments"];

/// Runs a shop without customers, does something in it, and gives what it sent by the time it stopped.
async fn observe(scene: impl AsyncFnOnce(&Shop)) -> Received {
    let (collector, address) = Collector::start().await;
    let otlp_endpoint = Some(format!("http://{address}"));
    let config = Config { otlp_endpoint, load_rps: 0.0, ..Config::default() };
    let shop = Shop::start(config).await.expect("the shop starts");
    scene(&shop).await;
    shop.stop().await;
    collector.take()
}

async fn check_out(shop: &Shop, currency: &str) -> u16 {
    let body = json!({ "user": 5, "currency": currency, "coupon": 3 });
    send(at(shop, "frontend"), Method::POST, "/checkout", Some(body)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn one_checkout_is_one_trace_through_all_services() {
    let received = observe(async |shop| assert_eq!(check_out(shop, "EUR").await, 200)).await;
    let traces: BTreeSet<_> = received.spans.iter().map(|(_, span)| span.trace_id.clone()).collect();
    assert_eq!(traces.len(), 1, "one trace");
    let services: BTreeSet<_> = received.spans.iter().map(|(resource, _)| service(resource)).collect();
    assert_eq!(services, TRACED.map(str::to_owned).into(), "stores and providers send no spans");

    let by_id: HashMap<_, _> = received
        .spans
        .iter()
        .map(|(resource, span)| (span.span_id.clone(), (service(resource), span)))
        .collect();
    let mut roots = 0;
    for (resource, span) in &received.spans {
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        if span.parent_span_id.is_empty() {
            assert_eq!((service(resource).as_str(), span.name.as_str()), ("frontend", "POST /checkout"));
            roots += 1;
            continue;
        }
        let (caller, parent) = by_id.get(&span.parent_span_id).expect("each parent is in the trace");
        if span.kind == SpanKind::Server as i32 {
            assert_eq!(parent.kind, SpanKind::Client as i32);
            assert_eq!(attribute(&parent.attributes, "server.address"), Some(service(resource)));
            assert_ne!(*caller, service(resource));
        } else {
            assert_eq!(*caller, service(resource));
        }
    }
    assert_eq!(roots, 1);

    let queries: Vec<&Span> = received
        .spans
        .iter()
        .map(|(_, span)| span)
        .filter(|span| attribute(&span.attributes, "peer.service").as_deref() == Some("orders-db"))
        .collect();
    let texts: BTreeSet<_> =
        queries.iter().filter_map(|span| attribute(&span.attributes, "db.query.text")).collect();
    assert!(texts.contains("SELECT id, total FROM orders WHERE customer_id = $1"), "{texts:?}");
    assert!(queries.iter().all(|span| attribute(&span.attributes, "db.system").is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_metrics_say_who_they_are_from() {
    let received = observe(async |shop| {
        assert_eq!(check_out(shop, "EUR").await, 200);
        tokio::time::sleep(Duration::from_millis(1500)).await;
    })
    .await;
    let trace = &received.spans.first().expect("spans").1.trace_id;
    let (resource, placed) = received
        .logs
        .iter()
        .find(|(_, log)| {
            log.body.as_ref().and_then(text).is_some_and(|body| body.contains("placed for customer 5"))
        })
        .expect("the order is logged");
    assert_eq!((&placed.trace_id, placed.severity_text.as_str()), (trace, "INFO"));
    let get = |key| attribute(&resource.attributes, key);
    assert_eq!(get("service.name").as_deref(), Some("orders"));
    assert_eq!(get("service.version").as_deref(), Some("3.2.7"));
    assert!(
        get("k8s.pod.name")
            .is_some_and(|pod| pod.starts_with("orders-") && get("service.instance.id") == Some(pod))
    );

    let from = |name: &str| -> BTreeSet<String> {
        let named = received.metrics.iter().filter(|(_, metric)| metric.name == name);
        named.map(|(resource, _)| service(resource)).collect()
    };
    assert!(TRACED.iter().all(|service| from("http.server.request.duration").contains(*service)));
    assert_eq!(from("db.client.connection.count"), ["inventory", "orders"].map(str::to_owned).into());
    assert_eq!(from("cache.misses"), ["cart"].map(str::to_owned).into());
    assert_eq!(from("db.server.query.duration"), ["orders-db"].map(str::to_owned).into());
    let all: BTreeSet<_> = received.metrics.iter().map(|(resource, _)| service(resource)).collect();
    assert!(all.contains("cache") && !all.contains("payment-provider"), "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_is_in_the_span_and_in_the_log() {
    let received = observe(async |shop| {
        shop.inject(Fault::BadRelease).await.expect("inject");
        assert_eq!(check_out(shop, "USD").await, 502);
    })
    .await;
    let thrown = received
        .spans
        .iter()
        .find(|(resource, span)| service(resource) == "payments" && span.kind == SpanKind::Server as i32)
        .expect("payments served the charge");
    assert_eq!(attribute(&thrown.0.attributes, "service.version").as_deref(), Some("3.8.0"));
    assert_eq!(thrown.1.status.as_ref().map(|status| status.code), Some(StatusCode::Error as i32));
    let event = thrown.1.events.first().expect("an exception event");
    assert_eq!(attribute(&event.attributes, "exception.type").as_deref(), Some("CurrencyTableError"));
    let errors: Vec<_> = received.logs.iter().filter(|(_, log)| log.severity_text == "ERROR").collect();
    let from: BTreeSet<_> = errors.iter().map(|(resource, _)| service(resource)).collect();
    assert_eq!(from, ["checkout", "frontend", "payments"].map(str::to_owned).into());
    assert!(errors.iter().all(|(_, log)| log.trace_id == thrown.1.trace_id));
    let stack = errors.iter().find_map(|(_, log)| attribute(&log.attributes, "exception.stacktrace"));
    assert!(stack.is_some_and(|stack| stack.contains("convert_minor_units")));
}
