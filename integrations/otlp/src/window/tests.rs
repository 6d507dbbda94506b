use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use proptest::prelude::*;
use quell_sdk::{
    Completeness, LogsSource, MetricsSource, TopologySource, TracesSource,
    signal::{self, CallEdge},
    source::{Discover, LogsQuery, TracesQuery},
};
use serde_json::{Value, json};

use super::*;
use crate::Reason;

/// 2024-01-01, in seconds.
const T: i64 = 1_704_067_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(T + seconds).unwrap()
}

fn nanos(seconds: i64) -> String {
    format!("{}000000000", T + seconds)
}

fn between(start: i64, end: i64) -> signal::Window {
    signal::Window::new(at(start), at(end))
}

fn resource(service: &str) -> Value {
    json!({"attributes": [{"key": "service.name", "value": {"stringValue": service}}]})
}

fn spans(service: &str, spans: &[Value]) -> Vec<u8> {
    json!({"resourceSpans": [{"resource": resource(service), "scopeSpans": [{"spans": spans}]}]})
        .to_string()
        .into()
}

fn span(trace: u64, id: u64, parent: u64, seconds: i64) -> Value {
    json!({"traceId": format!("{trace:x}"), "spanId": format!("{id:x}"), "parentSpanId": format!("{parent:x}"),
        "name": "op", "startTimeUnixNano": nanos(seconds), "endTimeUnixNano": nanos(seconds)})
}

fn logs(service: &str, records: &[(i64, &str)]) -> Vec<u8> {
    let records: Vec<_> = records
        .iter()
        .map(|(seconds, body)| json!({"timeUnixNano": nanos(*seconds), "body": {"stringValue": body}}))
        .collect();
    json!({"resourceLogs": [{"resource": resource(service), "scopeLogs": [{"logRecords": records}]}]})
        .to_string()
        .into()
}

fn gauge(service: &str, name: &str, points: &[(i64, f64)]) -> Vec<u8> {
    let points: Vec<_> = points
        .iter()
        .map(|(seconds, value)| json!({"timeUnixNano": nanos(*seconds), "asDouble": value}))
        .collect();
    json!({"resourceMetrics": [{"resource": resource(service), "scopeMetrics": [{"metrics": [
        {"name": name, "gauge": {"dataPoints": points}}]}]}]})
    .to_string()
    .into()
}

#[tokio::test]
async fn what_was_pushed_can_be_asked_for() {
    let window = Window::default();
    window
        .push_metrics_json(&gauge("cart", "cpu.load", &[(0, 1.0), (60, 2.0), (120, 3.0)]), at(120))
        .unwrap();
    window.push_logs_json(&logs("cart", &[(5, "boom"), (6, "fine")]), at(120)).unwrap();
    window.push_logs_json(&logs("web", &[(1, "boom")]), at(120)).unwrap();
    window.push_traces_json(&spans("web", &[span(1, 1, 0, 3)]), at(120)).unwrap();
    window.push_traces_json(&spans("cart", &[span(1, 2, 1, 4)]), at(120)).unwrap();
    let asked = between(0, 180);

    let answer =
        MetricsSource::query_range(&window, "cpu_load{service=\"cart\"}", asked, Duration::from_secs(60))
            .await
            .unwrap();
    assert_eq!(answer.data.len(), 1);
    assert_eq!(
        answer.data[0].points.iter().map(|point| point.value).collect::<Vec<_>>()[..3],
        [1.0, 2.0, 3.0]
    );
    assert_eq!(answer.completeness, Completeness::Full);

    let request = Discover {
        services: vec!["cart".to_owned()],
        labels: Default::default(),
        expr: None,
        window: asked,
        step: Duration::from_secs(60),
        budget: Default::default(),
    };
    assert_eq!(window.discover(&request).await.unwrap().data.len(), 1);

    let query = LogsQuery { services: vec!["cart".to_owned()], window: asked, limit: 1 };
    let answer = window.logs(&query).await.unwrap();
    assert_eq!(answer.data.iter().map(|record| &*record.body).collect::<Vec<_>>(), ["fine"]);
    assert!(!answer.completeness.is_full(), "the limit cut one off");
    let answer = LogsSource::select(&window, "{service=~\".+\"} |= \"boom\"", asked, 10).await.unwrap();
    assert_eq!(answer.data.iter().map(|record| &*record.service).collect::<Vec<_>>(), ["web", "cart"]);

    let query = TracesQuery { services: vec!["web".to_owned()], window: asked, limit: 10 };
    assert_eq!(window.spans(&query).await.unwrap().data.len(), 2, "the whole trace through web");
    let edge = CallEdge { caller: "web".into(), callee: "cart".into() };
    assert_eq!(window.edges(asked).await.unwrap().data, [edge]);
    assert!(LogsSource::select(&window, "{", asked, 10).await.is_err());
}

#[tokio::test]
async fn nothing_pushed_is_said_and_not_taken_for_nothing_there() {
    let window = Window::default();
    let asked = between(0, 60);
    let query = LogsQuery { services: Vec::new(), window: asked, limit: 10 };
    assert!(matches!(window.logs(&query).await.unwrap().completeness, Completeness::Missing { .. }));
    let answer = MetricsSource::query_range(&window, "up", asked, Duration::from_secs(15)).await.unwrap();
    assert!(matches!(answer.completeness, Completeness::Missing { .. }));

    window.push_logs_json(&logs("cart", &[(3_000, "late start")]), at(3_000)).unwrap();
    let query = LogsQuery { services: Vec::new(), window: between(0, 3_600), limit: 10 };
    let completeness = window.logs(&query).await.unwrap().completeness;
    assert!(completeness.reason().is_some_and(|reason| reason.contains("before 2024")), "{completeness:?}");
}

#[tokio::test]
async fn a_flood_of_logs_drops_the_oldest_and_says_so() {
    let window = Window::new(Config { max_bytes: 4 << 20, ..Config::default() });
    let body = "x".repeat(1_000);
    for second in 0..3_000 {
        window
            .push_logs_json(&logs("cart", &[(second, body.as_str()), (second, body.as_str())]), at(second))
            .unwrap();
        assert!(window.stats().logs.bytes <= 1 << 20);
    }
    let stats = window.stats().logs;
    assert_eq!(stats.accepted, 6_000);
    assert_eq!(stats.dropped.get(Reason::Memory) + stats.items as u64, 6_000);
    assert!(stats.items > 500, "{}", stats.items);

    let query = LogsQuery { services: Vec::new(), window: between(0, 3_000), limit: 10_000 };
    let answer = window.logs(&query).await.unwrap();
    assert_eq!(answer.data.len(), stats.items);
    assert_eq!(answer.data.last().unwrap().at, (T + 2_999) * 1_000_000_000, "the newest stay");
    assert!(answer.completeness.reason().is_some_and(|reason| reason.contains("memory")));
    let query = LogsQuery { services: Vec::new(), window: between(2_990, 3_000), limit: 10_000 };
    assert!(window.logs(&query).await.unwrap().completeness.is_full(), "the end is whole");
}

#[test]
fn one_push_larger_than_the_window_keeps_its_newest_part() {
    let window = Window::new(Config { max_bytes: 1 << 20, ..Config::default() });
    let many: Vec<_> = (0..20_000).map(|number| span(1, number + 1, 0, (number / 10) as i64)).collect();
    let pushed = window.push_traces_json(&spans("cart", &many), at(2_000)).unwrap();
    assert_eq!((pushed.accepted, pushed.rejected), (20_000, 0));
    let stats = window.stats().traces;
    assert!(stats.bytes <= (1 << 20) * 35 / 100 && stats.items > 500, "{stats:?}");
}

#[tokio::test]
async fn age_ends_points_records_and_series() {
    let window = Window::new(Config { max_age: Duration::from_secs(600), ..Config::default() });
    window.push_metrics_json(&gauge("cart", "a", &[(0, 1.0)]), at(0)).unwrap();
    window.push_metrics_json(&gauge("cart", "b", &[(0, 1.0), (500, 1.0)]), at(500)).unwrap();
    window.push_logs_json(&logs("cart", &[(0, "x")]), at(0)).unwrap();
    window.expire(at(700));
    let stats = window.stats();
    assert_eq!((stats.series, stats.metrics.items, stats.logs.items), (1, 1, 0));
    assert_eq!(stats.metrics.dropped.get(Reason::Age), 2);
    assert_eq!(stats.logs.dropped.get(Reason::Age), 1);
    let answer =
        MetricsSource::query_range(&window, "b", between(0, 700), Duration::from_secs(60)).await.unwrap();
    assert!(answer.completeness.reason().is_some_and(|reason| reason.contains("age")));
}

#[test]
fn clocks_far_off_are_counted() {
    let window = Window::default();
    let pushed = window
        .push_logs_json(&logs("cart", &[(-7_200, "old"), (0, "now"), (7_200, "ahead")]), at(0))
        .unwrap();
    assert_eq!((pushed.accepted, pushed.rejected), (1, 2));
    assert_eq!((pushed.dropped.get(Reason::TooOld), pushed.dropped.get(Reason::InFuture)), (1, 1));
    assert_eq!(window.stats().logs.dropped.items(), 2);
}

#[test]
fn a_pushed_record_without_a_time_happened_when_it_came() {
    let window = Window::default();
    let request =
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]});
    window.push_logs_json(request.to_string().as_bytes(), at(9)).unwrap();
    assert_eq!(window.stats().logs.extent, Some(((T + 9) * 1_000_000_000, (T + 9) * 1_000_000_000)));
}

#[tokio::test]
async fn a_bomb_of_series_is_bounded_and_said() {
    let window = Window::new(Config { max_series: 1_000, ..Config::default() });
    let points: Vec<_> = (0..50_000)
        .map(|number| {
            json!({"timeUnixNano": nanos(0), "asInt": 1, "attributes": [
            {"key": "user", "value": {"stringValue": format!("u{number}")}}]})
        })
        .collect();
    let bomb = json!({"resourceMetrics": [{"resource": resource("cart"), "scopeMetrics": [{"metrics": [
        {"name": "n", "gauge": {"dataPoints": points}}]}]}]});
    let pushed = window.push_metrics_json(bomb.to_string().as_bytes(), at(0)).unwrap();
    assert_eq!((pushed.accepted, pushed.rejected), (1_000, 49_000));
    let stats = window.stats();
    assert_eq!(stats.series, 1_000);
    assert!(stats.metrics.bytes < 4 << 20, "{stats:?}");
    let answer = MetricsSource::query_range(&window, "count(n)", between(0, 60), Duration::from_secs(60))
        .await
        .unwrap();
    assert!(
        answer.completeness.reason().is_some_and(|reason| reason.contains("49000")),
        "{:?}",
        answer.completeness
    );
}

#[test]
fn long_histories_of_points_stay_within_memory() {
    let window = Window::new(Config { max_bytes: 2 << 20, ..Config::default() });
    for minute in 0..60 {
        let points: Vec<_> = (0..60).map(|second| (minute * 60 + second, second as f64)).collect();
        for service in ["cart", "web", "pay"] {
            let request = gauge(service, &format!("m{minute}"), &points);
            window.push_metrics_json(&request, at(minute * 60 + 59)).unwrap();
        }
    }
    for round in 0..40 {
        let points: Vec<_> = (0..1_800).map(|step| (step * 2, f64::from(round))).collect();
        window.push_metrics_json(&gauge("big", &format!("g{round}"), &points), at(3_600)).unwrap();
        assert!(window.stats().metrics.bytes <= (2 << 20) * 40 / 100, "{:?}", window.stats().metrics);
    }
    assert!(window.stats().metrics.dropped.get(Reason::Memory) > 0);
}

#[tokio::test]
async fn orphans_and_loops_are_harmless() {
    let window = Window::default();
    let odd = [span(1, 1, 1, 0), span(1, 2, 3, 0), span(1, 3, 2, 0), span(1, 4, 99, 0), span(2, 5, 1, 0)];
    window.push_traces_json(&spans("cart", &odd), at(0)).unwrap();
    window.push_traces_json(&spans("web", &[span(1, 6, 2, 0)]), at(0)).unwrap();
    let edge = CallEdge { caller: "cart".into(), callee: "web".into() };
    assert_eq!(window.edges(between(0, 1)).await.unwrap().data, [edge]);
    let query = TracesQuery { services: Vec::new(), window: between(0, 1), limit: 100 };
    assert_eq!(window.spans(&query).await.unwrap().data.len(), 6);
}

#[test]
fn many_threads_push_and_ask() {
    let window = Arc::new(Window::default());
    std::thread::scope(|scope| {
        for thread in 0..4_i64 {
            let window = Arc::clone(&window);
            scope.spawn(move || {
                for round in 0..200 {
                    let service = format!("s{thread}");
                    window.push_metrics_json(&gauge(&service, "n", &[(round, 1.0)]), at(round)).unwrap();
                    window.push_logs_json(&logs(&service, &[(round, "x")]), at(round)).unwrap();
                    window.stats();
                }
            });
        }
    });
    let stats = window.stats();
    assert_eq!((stats.series, stats.metrics.items, stats.logs.items), (4, 800, 800));
    assert!(stats.metrics.dropped.is_empty() && stats.logs.dropped.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is pushed in whatever order, no signal outgrows its share, and nothing is lost uncounted.
    #[test]
    fn memory_and_counts_hold(pushes in prop::collection::vec((0_i64..5_000, 1_usize..40, 0_usize..3_000), 1..40)) {
        let window = Window::new(Config { max_bytes: 1 << 20, max_age: Duration::from_secs(1_000), ..Config::default() });
        let mut told = 0;
        for (second, count, length) in pushes {
            let body = "y".repeat(length);
            let records = vec![(second, body.as_str()); count];
            let pushed = window.push_logs_json(&logs("cart", &records), at(second)).unwrap();
            prop_assert_eq!(pushed.accepted + pushed.rejected, count as u64);
            told += count as u64;
            let stats = window.stats().logs;
            prop_assert!(stats.bytes <= (1 << 20) / 4);
            prop_assert_eq!(stats.items as u64 + stats.dropped.items(), told);
        }
    }
}
