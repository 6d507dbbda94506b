//! Ninety minutes of a made-up shop whose checkout runs out of database connections after an hour.

use std::time::Duration;

use jiff::Timestamp;
use quell_sdk::signal::{UnixNanos, Window};
use quell_testkit::History;

/// A Monday in the past, so that the tests see the same numbers on any day.
const START: i64 = 1_767_600_000;
const ONSET_MINUTE: i64 = 60;

/// The moment so many minutes after the start.
pub(super) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(START + minute * 60).unwrap()
}

pub(super) fn window() -> Window {
    Window::new(at(0), at(90))
}

/// When the fault begins.
pub(super) fn onset() -> UnixNanos {
    (START + ONSET_MINUTE * 60) * 1_000_000_000
}

fn broken(t: f64) -> bool {
    t >= (ONSET_MINUTE * 60) as f64
}

pub(super) fn history() -> History {
    let mut history = History::new(window(), Duration::from_secs(15));
    for pod in ["checkout-1", "checkout-2"] {
        let own = [("service", "checkout"), ("job", "pods"), ("pod", pod)];
        let with = |name, value| {
            let mut labels = own.to_vec();
            labels.push((name, value));
            labels
        };
        history
            .gauge("up", &own, |_| Some(1.0))
            .counter("http_requests_total", &with("code", "200"), |t| {
                Some(if broken(t) { 6.0 } else { 10.0 })
            })
            .counter("http_requests_total", &with("code", "500"), |t| {
                Some(if broken(t) { 4.0 } else { 0.02 })
            })
            .gauge("db_pool_in_use", &own, |t| Some(if broken(t) { 8.0 } else { 3.0 + (t / 300.0).sin() }))
            .gauge("go_info", &with("version", "go1.22"), |_| Some(1.0))
            .gauge("ALERTS", &with("alertname", "X"), |_| Some(1.0));
        for code in ["200", "500"] {
            history.histogram(
                "http_request_duration_seconds",
                &with("code", code),
                &[0.05, 0.1, 0.5, 1.0, 2.5],
                |_| Some(5.0),
                |t| if broken(t) { 0.9 } else { 0.04 },
            );
        }
    }
    history
        // The same container as cAdvisor sees it.
        .counter(
            "container_cpu_usage_seconds_total",
            &[("service", "kubelet"), ("container", "checkout"), ("namespace", "prod")],
            |_| Some(0.4),
        )
        // Named by another label, its latency a summary without quantiles.
        .summary("charge_seconds", &[("app", "payments")], |_| Some(2.0), |_| 0.2)
        .gauge("ledger_backlog", &[("component", "ledger")], |_| Some(4.0))
        .gauge("cart_items", &[("job", "prod/cart"), ("namespace", "prod")], |_| Some(5.0))
        .gauge("cart_items", &[("job", "test/cart"), ("namespace", "test")], |_| Some(5.0))
        .gauge("up", &[("service", "ads"), ("instance", "10.0.0.9:80")], |t| Some(f64::from(!broken(t))))
        .gauge("ad_slots", &[("service", "ads"), ("instance", "10.0.0.9:80")], |t| {
            (!broken(t)).then_some(3.0)
        });
    history
}
