//! The shipped runbooks against signals in memory: what they ask is answered, and answered rightly.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use quell_sdk::{
    local::{BySignal, Store, StoreSource},
    signal::{
        LogRecord, MetricKind, MetricMeta, Point, Series, Severity, Span, SpanId, SpanKind, SpanStatus,
        TraceId, Window,
    },
};

use super::{CheckOutcome, CheckTimes, Library, Truth, Vars, evaluate};
use crate::{domain::Labels, investigation::Sources};

const SECOND: i64 = 1_000_000_000;
/// Seconds after the epoch; the recording is half an hour of health and ten minutes of trouble.
const ONSET: i64 = 1_800;
const END: i64 = 2_400;

struct Recording {
    store: Store,
    spans: u64,
}

impl Recording {
    /// A shop in which one service asks a database for everything; `now` and `then` say what it does.
    fn new() -> Self {
        Self { store: Store::default(), spans: 0 }
    }

    fn gauge(&mut self, name: &str, labels: &[(&str, &str)], value: impl Fn(i64) -> f64) {
        self.series(name, labels, MetricKind::Gauge, value);
    }

    fn series(&mut self, name: &str, labels: &[(&str, &str)], kind: MetricKind, value: impl Fn(i64) -> f64) {
        let mut all: Labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        all.insert("service".to_owned(), "orders".to_owned());
        let points = (0..END).step_by(5).map(|s| Point { at: s * SECOND, value: value(s) }).collect();
        let unit = String::new();
        self.store
            .meta
            .insert(name.to_owned(), MetricMeta { name: name.to_owned(), kind, unit: unit.clone() });
        self.store.series.push(Series {
            name: name.to_owned(),
            labels: all,
            kind,
            unit,
            points,
            query: String::new(),
        });
    }

    fn span(
        &mut self,
        second: i64,
        operation: &str,
        kind: SpanKind,
        millis: i64,
        failed: bool,
        database: bool,
    ) {
        self.spans += 1;
        let mut id = [0; 8];
        id.copy_from_slice(&self.spans.to_be_bytes());
        self.store.spans.push(Span {
            trace_id: TraceId([7; 16]),
            span_id: SpanId(id),
            parent: None,
            service: "orders".into(),
            pod: "orders-1".into(),
            operation: operation.into(),
            kind,
            start: second * SECOND,
            end: second * SECOND + millis * 1_000_000,
            status: if failed { SpanStatus::Error } else { SpanStatus::Unset },
            message: "".into(),
            attributes: if database { vec![("db.system".into(), "postgresql".into())] } else { Vec::new() },
        });
    }

    fn log(&mut self, second: i64, body: &str) {
        self.store.logs.push(LogRecord {
            at: second * SECOND,
            service: "orders".into(),
            pod: "orders-1".into(),
            severity: Severity::Error,
            body: body.into(),
            trace_id: None,
            span_id: None,
            attributes: Vec::new(),
        });
    }

    fn sources(mut self) -> Sources {
        self.store.sort();
        let source = Arc::new(StoreSource::new("memory", Arc::new(self.store), BySignal::default()));
        Sources {
            metrics: vec![Arc::clone(&source) as _],
            logs: vec![Arc::clone(&source) as _],
            traces: vec![source as _],
            ..Sources::default()
        }
    }
}

fn times() -> CheckTimes {
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    CheckTimes {
        onset: at(ONSET),
        now: at(END),
        baseline: Window::new(at(0), at(ONSET)),
        incident: Window::new(at(ONSET), at(END)),
    }
}

async fn ask(library: &Library, sources: &Sources, runbook: &str, check: &str) -> CheckOutcome {
    ask_at(library, sources, runbook, check, times()).await
}

async fn ask_at(
    library: &Library,
    sources: &Sources,
    runbook: &str,
    check: &str,
    times: CheckTimes,
) -> CheckOutcome {
    let runbook = library.get(runbook).unwrap();
    let mut vars = Vars::of(&runbook.vars, &Labels::new(), &[("service", "orders")]);
    for name in ["new_version", "old_version", "pod", "node", "instance"] {
        vars.set(name, "x");
    }
    evaluate(&runbook.checks[check], &vars, sources, times).await
}

/// Connections leak: requests wait for one and fail, the database stays fast, traffic stays as it was.
fn pool_leak() -> Sources {
    let mut recording = Recording::new();
    recording.gauge("db_client_connection_pending_requests", &[("pod", "orders-1")], |s| {
        if s > ONSET { 9.0 } else { 0.0 }
    });
    recording.gauge("db_client_connection_count", &[("db_client_connection_state", "used")], |s| {
        if s > ONSET { 10.0 } else { 3.0 }
    });
    recording.gauge("db_client_connection_max", &[], |_| 10.0);
    recording
        .series("http_server_request_duration_seconds_count", &[], MetricKind::Counter, |s| 2.0 * s as f64);
    for second in 0..END {
        let bad = second >= ONSET;
        recording.span(second, "POST /orders", SpanKind::Server, if bad { 1_000 } else { 20 }, bad, false);
        recording.span(second, "pool.acquire", SpanKind::Internal, if bad { 990 } else { 1 }, bad, false);
        if !bad || second % 3 == 0 {
            recording.span(second, "SELECT orders", SpanKind::Client, 8, false, true);
        }
        recording.log(second, "GET /orders 200");
        if bad && second % 2 == 0 {
            recording.log(
                second,
                "timed out waiting for a connection from pool orders-db after 1000 ms (size=10 in_use=10)",
            );
        }
    }
    recording.sources()
}

#[tokio::test]
async fn a_leaking_pool_is_told_from_a_slow_database() {
    let (library, sources) = (Library::embedded(), pool_leak());
    for (check, truth) in [
        ("pool-waiting", Truth::True),
        ("pool-full", Truth::True),
        ("pool-timeouts-logged", Truth::True),
        ("waits-in-traces", Truth::True),
        ("statements-slow", Truth::False),
        ("traffic-up", Truth::False),
        ("traffic-up-in-traces", Truth::False),
        ("rollout-before-onset", Truth::Unknown),
    ] {
        let outcome = ask(&library, &sources, "pool-exhaustion", check).await;
        assert_eq!(outcome.truth, truth, "{check}: {}", outcome.summary);
    }
    let other = ask(&library, &sources, "http-5xx", "failing").await;
    assert_eq!(other.truth, Truth::True, "{}", other.summary);
    let other = ask(&library, &sources, "slow-query", "slow-logged").await;
    assert_eq!(other.truth, Truth::False, "{}", other.summary);
}

#[tokio::test]
async fn seconds_after_the_onset_it_can_be_told_already() {
    let (library, sources) = (Library::embedded(), pool_leak());
    let now = Timestamp::from_second(ONSET + 8).unwrap();
    let early = CheckTimes { now, incident: Window::new(times().onset, now), ..times() };
    for check in ["pool-waiting", "pool-timeouts-logged", "waits-in-traces"] {
        let outcome = ask_at(&library, &sources, "pool-exhaustion", check, early).await;
        assert_eq!(outcome.truth, Truth::True, "{check}: {}", outcome.summary);
    }
}

/// No question of a shipped runbook is refused by the sources in memory.
#[tokio::test]
async fn every_shipped_check_can_be_asked() {
    let (library, sources) = (Library::embedded(), pool_leak());
    let mut asked = 0;
    for runbook in library.runbooks() {
        for check in runbook.checks.keys() {
            let outcome = ask(&library, &sources, &runbook.id, check).await;
            let reason = outcome.completeness.reason().unwrap_or_default().to_owned();
            assert!(
                outcome.completeness.is_full() || reason.ends_with("no data") || reason.contains("limit"),
                "{}/{check}: {}",
                runbook.id,
                outcome.summary
            );
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
}

#[tokio::test]
async fn a_recording_without_a_signal_gives_unknowns() {
    let (library, sources) = (Library::embedded(), Sources::default());
    for runbook in library.runbooks() {
        for check in runbook.checks.keys() {
            let outcome = ask(&library, &sources, &runbook.id, check).await;
            assert_eq!(outcome.truth, Truth::Unknown, "{}/{check}", runbook.id);
        }
    }
}

#[test]
fn reading_all_shipped_runbooks_takes_no_time_that_a_start_would_show() {
    let started = std::time::Instant::now();
    let library = Library::embedded();
    assert!(!library.runbooks().is_empty());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
