use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{BySignal, Store, StoreSource};
use crate::{
    ChangeSource, Completeness, ErrorKind, LogsSource, MetricsSource, TopologySource, TracesSource,
    signal::{
        CallEdge, Change, ChangeKind, LogRecord, MetricKind, Point, Series, Severity, Span, SpanId, SpanKind,
        SpanStatus, TraceId, Window,
    },
    source::{LogsQuery, TracesQuery},
};

const T0: i64 = 1_700_000_000;

fn nanos(at: i64) -> i64 {
    (T0 + at) * 1_000_000_000
}

fn window(from: i64, to: i64) -> Window {
    let at = |seconds| Timestamp::from_second(T0 + seconds).unwrap();
    Window::new(at(from), at(to))
}

fn span(trace: &str, id: u64, parent: Option<u64>, service: &str, at: i64) -> Span {
    let span_id = |id: u64| SpanId::parse(&format!("{id:x}")).unwrap();
    Span {
        trace_id: TraceId::parse(trace).unwrap(),
        span_id: span_id(id),
        parent: parent.map(span_id),
        service: service.into(),
        pod: "".into(),
        operation: "op".into(),
        kind: SpanKind::Internal,
        start: nanos(at),
        end: nanos(at) + 5,
        status: SpanStatus::Unset,
        message: "".into(),
        attributes: Vec::new(),
    }
}

fn edge(caller: &str, callee: &str) -> CallEdge {
    CallEdge { caller: caller.into(), callee: callee.into() }
}

fn gauge(name: &str, points: &[(i64, f64)]) -> Series {
    Series {
        name: name.to_owned(),
        labels: [("service".to_owned(), "cart".to_owned())].into(),
        kind: MetricKind::Gauge,
        unit: String::new(),
        points: points.iter().map(|(at, value)| Point { at: nanos(*at), value: *value }).collect(),
        query: String::new(),
    }
}

fn record(at: i64, service: &str) -> LogRecord {
    LogRecord {
        at: nanos(at),
        service: service.into(),
        pod: "".into(),
        severity: Severity::Error,
        body: format!("at {at}").into(),
        trace_id: None,
        span_id: None,
        attributes: Vec::new(),
    }
}

fn change(id: &str, at: i64) -> Change {
    Change {
        kind: ChangeKind::Deploy,
        id: id.to_owned(),
        service: String::new(),
        at: Timestamp::from_second(T0 + at).unwrap(),
        title: String::new(),
        author: String::new(),
        version_from: String::new(),
        version_to: String::new(),
        commits: Vec::new(),
        files: Vec::new(),
        patch: String::new(),
        url: String::new(),
    }
}

fn store() -> Store {
    let mut store = Store {
        series: vec![
            gauge("b", &[(30, 3.0), (0, 1.0)]),
            gauge("a", &[(0, 9.0)]),
            gauge("b", &[(15, 2.0), (30, 4.0)]),
        ],
        logs: vec![record(20, "pay"), record(10, "cart"), record(30, "cart")],
        spans: vec![
            span("1", 1, None, "web", 0),
            span("1", 2, Some(1), "cart", 1),
            span("1", 3, Some(2), "cart", 2),
            span("2", 1, None, "batch", 3),
            span("2", 2, Some(1), "db", 50),
        ],
        changes: vec![change("late", 40), change("early", 5)],
        edges: vec![edge("web", "cart"), edge("x", "y"), edge("x", "y")],
        ..Store::default()
    };
    store.sort();
    store
}

fn source() -> StoreSource {
    StoreSource::new("bundle", Arc::new(store()), BySignal::default())
}

#[test]
fn sorting_joins_series_of_one_identity_and_keeps_the_later_sample() {
    let store = store();
    let told: Vec<_> = store
        .series
        .iter()
        .map(|series| {
            (series.name.as_str(), series.points.iter().map(|point| point.value).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(told, [("a", vec![9.0]), ("b", vec![1.0, 2.0, 4.0])]);
    assert!(store.logs.is_sorted_by_key(|record| record.at));
    assert_eq!(store.changes[0].id, "early");
    assert_eq!(store.edges.len(), 2);
}

#[test]
fn edges_are_those_told_and_those_seen_within_the_window() {
    let store = store();
    assert_eq!(store.edges(window(0, 10)), [edge("web", "cart"), edge("x", "y")]);
    assert_eq!(store.edges(window(0, 60)), [edge("batch", "db"), edge("web", "cart"), edge("x", "y")]);
}

#[tokio::test]
async fn every_capability_answers_from_the_store() {
    let source = source();
    let series =
        MetricsSource::query_range(&source, "b", window(0, 31), Duration::from_secs(15)).await.unwrap();
    assert_eq!(series.data[0].points.iter().map(|point| point.value).collect::<Vec<_>>(), [1.0, 2.0, 4.0]);

    let logs = LogsQuery { services: vec!["cart".to_owned()], window: window(0, 60), limit: 1 };
    let answer = source.logs(&logs).await.unwrap();
    assert_eq!(&*answer.data[0].body, "at 30");
    assert_eq!(answer.query, r#"{service="cart"}"#);
    assert_eq!(answer.completeness.reason(), Some("the newest 1 of 2 records"));
    let counted = LogsSource::query_range(
        &source,
        "sum(count_over_time({}[1m]))",
        window(40, 40),
        Duration::from_secs(1),
    );
    assert_eq!(counted.await.unwrap().data[0].points[0].value, 3.0);

    let traces = TracesQuery { services: vec!["cart".to_owned()], window: window(0, 60), limit: 10 };
    let answer = source.spans(&traces).await.unwrap();
    assert_eq!(answer.data.iter().map(|span| &*span.service).collect::<Vec<_>>(), ["web", "cart", "cart"]);
    let again = TracesSource::select(&source, &answer.query, window(0, 60), 10).await.unwrap();
    assert_eq!(again.data.len(), 2, "{}", answer.query);

    let changes = source.changes(window(5, 40)).await.unwrap();
    assert_eq!(changes.data.iter().map(|change| change.id.as_str()).collect::<Vec<_>>(), ["early"]);
    assert_eq!(TopologySource::edges(&source, window(0, 60)).await.unwrap().data.len(), 3);
}

#[tokio::test]
async fn the_query_of_an_answer_for_several_services_selects_the_same() {
    let source = source();
    let logs =
        LogsQuery { services: vec!["cart".to_owned(), "p.y".to_owned()], window: window(0, 60), limit: 9 };
    let answer = source.logs(&logs).await.unwrap();
    assert_eq!(answer.query, r#"{service=~"cart|p\\.y"}"#);
    let again = LogsSource::select(&source, &answer.query, window(0, 60), 9).await.unwrap();
    assert_eq!(again.data, answer.data);
}

#[tokio::test]
async fn what_was_not_recorded_is_said_by_every_answer() {
    let missing = BySignal { logs: Completeness::missing("no logs.jsonl"), ..BySignal::default() };
    let source = StoreSource::new("bundle", Arc::new(Store::default()), missing);
    let answer = LogsSource::select(&source, "{}", window(0, 60), 9).await.unwrap();
    assert_eq!(answer.completeness, Completeness::missing("no logs.jsonl"));
    let answer = TracesSource::select(&source, "{}", window(0, 60), 9).await.unwrap();
    assert!(answer.completeness.is_full());
}

#[tokio::test]
async fn errors_are_the_sources_own() {
    let error = LogsSource::select(&source(), "{", window(0, 60), 9).await.unwrap_err();
    assert_eq!((error.kind, error.origin.as_str()), (ErrorKind::BadRequest, "bundle"));
    assert!(error.message.starts_with("logql: column 2"), "{error}");
}
