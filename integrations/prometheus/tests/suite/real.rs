//! Against a real Prometheus that holds a known past.

use std::time::Duration;

use quell_prometheus::{Config, Prometheus};
use quell_sdk::{
    Answer, Completeness, ErrorKind, Integration, MetricsSource,
    conformance::MetricsFixture,
    signal::{Labels, MetricKind, Series, Window},
    source::{Budget, Discover},
};
use quell_testkit::prometheus::Setup;

use super::shop;

const STEP: Duration = Duration::from_secs(30);

fn source(server: &quell_testkit::Server) -> Prometheus {
    Prometheus::new("prometheus", &Config::new(server.url().parse().unwrap())).unwrap()
}

async fn fixture() -> MetricsFixture {
    let server = Setup::new("global: {}").history(shop::history()).start().await.unwrap();
    MetricsFixture {
        source: std::sync::Arc::new(source(&server)),
        service: "checkout".into(),
        expr: "rate(http_requests_total{service=\"checkout\"}[1m])".into(),
        window: shop::window(),
        quiet: Window::new(shop::at(-400), shop::at(-340)),
        step: STEP,
        keep: Box::new(server),
    }
}

quell_sdk::metrics_conformance!(fixture);

fn request(services: &[&str]) -> Discover {
    Discover {
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        labels: Labels::new(),
        expr: None,
        window: shop::window(),
        step: STEP,
        budget: Budget::default(),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

fn named<'a>(answer: &'a Answer<Vec<Series>>, name: &str, pairs: &[(&str, &str)]) -> Vec<&'a Series> {
    let wanted = labels(pairs);
    let fits = |series: &&Series| {
        series.name == name && wanted.iter().all(|(key, value)| series.labels.get(key) == Some(value))
    };
    answer.data.iter().filter(fits).collect()
}

/// Mean of the points before and after the fault began.
fn around(series: &Series) -> (f64, f64) {
    let onset = shop::onset();
    let mean = |after: bool| {
        let values: Vec<f64> = series
            .points
            .iter()
            // Rates look back: the first two minutes of the fault are a mixture.
            .filter(|point| if after { point.at > onset + 120_000_000_000 } else { point.at < onset })
            .map(|point| point.value)
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    (mean(false), mean(true))
}

#[tokio::test]
async fn the_fault_shows_in_what_is_discovered() {
    let fixture = fixture().await;
    let answer = fixture.source.discover(&request(&["checkout", "payments"])).await.unwrap();
    assert_eq!(answer.completeness, Completeness::Full);
    assert!(answer.data.iter().all(|series| series.kind == MetricKind::Gauge));
    assert!(answer.queries <= 15, "{} queries", answer.queries);

    let errors = named(
        &answer,
        "http_requests_total",
        &[("service", "checkout"), ("code", "500"), ("pod", "checkout-1")],
    );
    let [errors] = errors.as_slice() else { panic!("{} error rates", errors.len()) };
    let (before, after) = around(errors);
    assert!(before < 0.2 && (after - 4.0).abs() < 0.2, "errors per second {before} to {after}");
    assert!(errors.query.starts_with("rate(http_requests_total{"), "{}", errors.query);

    let slow =
        named(&answer, "http_request_duration_seconds", &[("service", "checkout"), ("pod", "checkout-1")]);
    let [slow] = slow.as_slice() else { panic!("{} latencies", slow.len()) };
    let (before, after) = around(slow);
    assert!(before < 0.1 && after > 0.5, "p95 {before} to {after}");
    assert!(!slow.labels.contains_key("code") && slow.unit == "s", "{slow:?}");
    assert!(slow.query.starts_with("histogram_quantile(0.95, sum by ("), "{}", slow.query);
    assert_eq!(named(&answer, "http_request_duration_seconds_count", &[("service", "checkout")]).len(), 4);

    let pool = named(&answer, "db_pool_in_use", &[("service", "checkout")]);
    assert!(pool.len() == 2 && around(pool[0]).1 > 7.5, "{pool:?}");

    // A summary without quantiles is read as its mean; `payments` goes by another label.
    let mean = named(&answer, "charge_seconds", &[("service", "payments"), ("app", "payments")]);
    let [mean] = mean.as_slice() else { panic!("{} means", mean.len()) };
    assert!((around(mean).0 - 0.2).abs() < 0.01, "{:?}", around(mean));

    // Known by its container only; the scraper's own `service` gives way.
    let cpu = named(&answer, "container_cpu_usage_seconds_total", &[("service", "checkout")]);
    assert!(cpu.len() == 1 && cpu[0].labels["exported_service"] == "kubelet", "{cpu:?}");

    // Request rates come before pools, pools before chatter.
    let position = |name: &str| answer.data.iter().position(|series| series.name == name).unwrap();
    assert!(position("http_requests_total") < position("db_pool_in_use"));
    assert!(position("db_pool_in_use") < position("go_info"));
    // Another service, and alerts, stay out.
    assert!(answer.data.iter().all(|series| series.service() != "ads" && series.name != "ALERTS"));
}

#[tokio::test]
async fn the_alerts_own_expression_comes_first_and_without_its_threshold() {
    let fixture = fixture().await;
    let expr = "sum by (service) (rate(http_requests_total{service=\"checkout\",code=\"500\"}[2m])) \
                / sum by (service) (rate(http_requests_total{service=\"checkout\"}[2m])) > 0.05";
    let asked = Discover { expr: Some(expr.into()), ..request(&[]) };
    let answer = fixture.source.discover(&asked).await.unwrap();
    let first = answer.data.first().unwrap();
    assert!(!first.name.contains('>') && first.query == first.name, "{}", first.query);
    assert_eq!(first.service(), "checkout");
    let (before, after) = around(first);
    assert!(before < 0.02 && after > 0.3, "error ratio {before} to {after}");
    // No service was asked for: the rule names it.
    assert!(!named(&answer, "db_pool_in_use", &[("service", "checkout")]).is_empty());
    assert!(named(&answer, "charge_seconds", &[]).is_empty());
}

#[tokio::test]
async fn a_label_that_only_the_alert_knows_finds_the_service() {
    let fixture = fixture().await;
    let asked =
        Discover { labels: labels(&[("component", "ledger"), ("alertname", "X")]), ..request(&["ledger"]) };
    let answer = fixture.source.discover(&asked).await.unwrap();
    assert_eq!(named(&answer, "ledger_backlog", &[("service", "ledger"), ("component", "ledger")]).len(), 1);
}

#[tokio::test]
async fn an_alert_from_one_namespace_is_not_about_another() {
    let fixture = fixture().await;
    let everywhere = fixture.source.discover(&request(&["cart"])).await.unwrap();
    assert_eq!(named(&everywhere, "cart_items", &[]).len(), 2);
    let asked = Discover { labels: labels(&[("namespace", "prod")]), ..request(&["cart", "checkout"]) };
    let here = fixture.source.discover(&asked).await.unwrap();
    assert_eq!(named(&here, "cart_items", &[]).len(), 1);
    assert_eq!(named(&here, "cart_items", &[("namespace", "prod")]).len(), 1);
    assert!(!named(&here, "db_pool_in_use", &[]).is_empty(), "series without a namespace stay");
}

#[tokio::test]
async fn a_small_budget_is_spent_on_what_matters_most() {
    let fixture = fixture().await;
    let budget = Budget { queries: 4, series: 10, ..Budget::default() };
    let answer = fixture.source.discover(&Discover { budget, ..request(&["checkout"]) }).await.unwrap();
    assert!(answer.queries <= 4 && answer.data.len() <= 10);
    let queries: Vec<_> = answer.data.iter().map(|series| &series.query).collect();
    assert!(!named(&answer, "http_requests_total", &[]).is_empty(), "{queries:#?} {:?}", answer.completeness);
    assert!(answer.completeness.reason().unwrap().contains("left out: budget"), "{:?}", answer.completeness);
}

#[tokio::test]
async fn a_silent_exporter_is_said() {
    let fixture = fixture().await;
    let answer = fixture.source.discover(&request(&["ads"])).await.unwrap();
    let reason = answer.completeness.reason().unwrap();
    assert!(reason.contains("ads at 10.0.0.9:80 is not being scraped"), "{reason}");
}

#[tokio::test]
async fn a_step_too_fine_is_widened_and_the_servers_limits_are_errors() {
    let server = Setup::new("global: {}")
        .history(shop::history())
        .flag("--query.max-samples=2000")
        .start()
        .await
        .unwrap();
    let source = source(&server);
    let month = Window::new(shop::at(-40_000), shop::at(60));
    let answer = source.query_range("up{service=\"checkout\"}", month, Duration::from_secs(1)).await.unwrap();
    assert!(!answer.data.is_empty());
    let error = source.query_range("{__name__=~\".+\"}", shop::window(), STEP).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(error.to_string().contains("too many samples"), "{error}");
    // Discovery takes smaller bites, and says what it could not swallow.
    let answer = source.discover(&request(&["checkout"])).await.unwrap();
    assert!(!named(&answer, "db_pool_in_use", &[]).is_empty(), "{:?}", answer.completeness);
}

#[tokio::test]
async fn a_live_server_is_healthy_and_knows_its_rules_and_dead_targets() {
    let dead = quell_testkit::ports::free().unwrap();
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: [rules.yml]\n\
         scrape_configs:\n\
         - job_name: web\n  static_configs: [{{targets: ['127.0.0.1:{dead}'], labels: {{service: web}}}}]\n"
    );
    let rules =
        "groups: [{name: g, rules: [{alert: WebDown, expr: 'avg by (service) (up{service=\"web\"}) < 1'}]}]";
    let server = Setup::new(&config).file("rules.yml", rules).start().await.unwrap();
    let source = source(&server);
    // It looks for targets only every few seconds.
    let mut health = source.health().await;
    for _ in 0..60 {
        if health.found.contains("1 down") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        health = source.health().await;
    }
    // The failed scrape has to fall before the end of the window.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(health.ok, "{health:?}");
    for part in ["Prometheus 2.", "0 targets up, 1 down", "scrape interval 1s", "clock +0.0 s"] {
        assert!(health.found.contains(part), "no {part:?} in {}", health.found);
    }
    assert!(health.next_action.contains("no target is up"), "{}", health.next_action);

    let window = Window::ending_at(jiff::Timestamp::now(), Duration::from_secs(60));
    let asked = Discover {
        labels: labels(&[("alertname", "WebDown"), ("service", "web")]),
        window,
        step: Duration::from_secs(1),
        ..request(&[])
    };
    let answer = source.discover(&asked).await.unwrap();
    assert_eq!(answer.data[0].query, "avg by (service) (up{service=\"web\"})");
    let reason = answer.completeness.reason().unwrap();
    assert!(reason.contains("is not being scraped (up is 0)") && reason.contains("refused"), "{reason}");
}
