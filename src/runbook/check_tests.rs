use std::sync::Arc;

use async_trait::async_trait;
use quell_sdk::{
    Answer, Error, ErrorKind, LogsSource, MetricsSource, TracesSource,
    signal::{
        LogRecord, MetricKind, Point, Series, Severity, Span, SpanId, SpanKind, SpanStatus, TraceId,
        UnixNanos,
    },
    source::{Discover, LogsQuery, TracesQuery},
};
use rstest::rstest;

use super::*;
use crate::{investigation::Reference, runbook::Expect};

const MINUTE: i64 = 60_000_000_000;
/// The onset, in minutes after the epoch; the baseline is the half hour before, now is ten minutes later.
const ONSET: i64 = 60;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(minutes * MINUTE)).unwrap()
}

fn times() -> CheckTimes {
    CheckTimes {
        onset: at(ONSET),
        now: at(ONSET + 10),
        baseline: Window::new(at(ONSET - 30), at(ONSET)),
        incident: Window::new(at(ONSET), at(ONSET + 10)),
    }
}

type OfMinute = fn(i64) -> f64;

/// Answers a query by its text with values that depend on the minute.
#[derive(Clone, Default)]
struct Memory {
    name: &'static str,
    metrics: Vec<(&'static str, OfMinute)>,
    /// Text and the minutes at which a record was written.
    logs: Vec<(&'static str, Vec<i64>)>,
    /// Duration in milliseconds of a span in each minute.
    spans: Option<fn(i64) -> i64>,
    partial: bool,
    dead: bool,
}

impl Memory {
    fn answer<T>(&self, data: T, query: &str, window: Window) -> quell_sdk::Result<Answer<T>> {
        if self.dead {
            return Err(Error::new(ErrorKind::Timeout, self.name, "no answer within 5 s"));
        }
        let answer = Answer::full(data, query, window);
        Ok(if self.partial {
            answer.with_completeness(Completeness::partial("one store is down"))
        } else {
            answer
        })
    }

    fn minutes(window: Window) -> impl Iterator<Item = i64> {
        (0..ONSET + 20).filter(move |minute| window.contains(minute * MINUTE))
    }

    fn records(&self, window: Window, wanted: impl Fn(&str) -> bool, limit: usize) -> Vec<LogRecord> {
        let record = |at: UnixNanos, body: &str| LogRecord {
            at,
            service: "cart".into(),
            pod: "".into(),
            severity: Severity::Info,
            body: body.into(),
            trace_id: None,
            span_id: None,
            attributes: Vec::new(),
        };
        let all = self.logs.iter().filter(|(body, _)| wanted(body)).flat_map(|(body, minutes)| {
            minutes.iter().map(|minute| record(minute * MINUTE, body)).collect::<Vec<_>>()
        });
        all.filter(|record| window.contains(record.at)).take(limit).collect()
    }
}

#[async_trait]
impl MetricsSource for Memory {
    fn name(&self) -> &str {
        self.name
    }

    async fn discover(&self, request: &Discover) -> quell_sdk::Result<Answer<Vec<Series>>> {
        self.answer(Vec::new(), "", request.window)
    }

    async fn query_range(
        &self,
        expr: &str,
        window: Window,
        _: Duration,
    ) -> quell_sdk::Result<Answer<Vec<Series>>> {
        let series = self.metrics.iter().filter(|(query, _)| *query == expr).map(|(query, value)| Series {
            name: String::new(),
            labels: [("pod".to_owned(), "cart-1".to_owned())].into(),
            kind: MetricKind::Gauge,
            unit: String::new(),
            points: Self::minutes(window).map(|m| Point { at: m * MINUTE, value: value(m) }).collect(),
            query: (*query).to_owned(),
        });
        self.answer(series.filter(|series| !series.points.is_empty()).collect(), expr, window)
    }
}

#[async_trait]
impl LogsSource for Memory {
    fn name(&self) -> &str {
        self.name
    }

    async fn logs(&self, query: &LogsQuery) -> quell_sdk::Result<Answer<Vec<LogRecord>>> {
        let known = query.services.iter().any(|service| service == "cart");
        self.answer(self.records(query.window, |_| known, query.limit), "", query.window)
    }

    async fn query_range(
        &self,
        expr: &str,
        window: Window,
        step: Duration,
    ) -> quell_sdk::Result<Answer<Vec<Series>>> {
        MetricsSource::query_range(self, expr, window, step).await
    }

    /// Understands `{...} |= "text"`.
    async fn select(
        &self,
        expr: &str,
        window: Window,
        limit: usize,
    ) -> quell_sdk::Result<Answer<Vec<LogRecord>>> {
        let needle = expr.rsplit('"').nth(1).unwrap_or_default();
        self.answer(self.records(window, |body| body.contains(needle), limit), expr, window)
    }
}

#[async_trait]
impl TracesSource for Memory {
    fn name(&self) -> &str {
        self.name
    }

    async fn spans(&self, query: &TracesQuery) -> quell_sdk::Result<Answer<Vec<Span>>> {
        TracesSource::select(self, "all", query.window, query.limit).await
    }

    /// Understands `all` and anything else as nothing.
    async fn select(&self, expr: &str, window: Window, limit: usize) -> quell_sdk::Result<Answer<Vec<Span>>> {
        let span = |minute: i64, millis: i64| Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([1; 8]),
            parent: None,
            service: "cart".into(),
            pod: "".into(),
            operation: "GET /".into(),
            kind: SpanKind::Server,
            start: minute * MINUTE,
            end: minute * MINUTE + millis * 1_000_000,
            status: SpanStatus::Unset,
            message: "".into(),
            attributes: Vec::new(),
        };
        let spans = self.spans.filter(|_| expr.contains("all")).into_iter();
        let spans = spans.flat_map(|millis| Self::minutes(window).map(move |m| span(m, millis(m))));
        self.answer(spans.take(limit).collect(), expr, window)
    }
}

fn sources(memories: &[Memory]) -> Sources {
    let mut sources = Sources::default();
    for memory in memories {
        sources.metrics.push(Arc::new(memory.clone()));
        sources.logs.push(Arc::new(memory.clone()));
        sources.traces.push(Arc::new(memory.clone()));
    }
    sources
}

fn memory() -> Memory {
    Memory {
        name: "memory",
        metrics: vec![
            ("pending{service=\"cart\"}", |minute| if minute >= ONSET { 7.0 } else { 0.0 }),
            ("latency", |minute| if minute >= ONSET { 0.9 } else { 0.1 }),
            ("generation", |minute| if (ONSET - 2..ONSET + 5).contains(&minute) { 1.0 } else { 0.0 }),
            ("memory", |minute| minute as f64),
            ("flat", |_| 3.0),
            ("gone", |minute| if minute < ONSET { 5.0 } else { f64::NAN }),
        ],
        logs: vec![
            ("GET / 200", (0..ONSET + 20).collect()),
            ("pool exhausted", (ONSET..ONSET + 10).flat_map(|minute| [minute; 4]).collect()),
        ],
        spans: Some(|minute| if minute >= ONSET { 400 } else { 50 }),
        ..Memory::default()
    }
}

fn check(language: Language, query: &str, expect: &str, at: At) -> Check {
    let expect = Expect::parse(expect).unwrap();
    let (id, query) = ("check".to_owned(), query.to_owned());
    Check { id, language, query, expect, at, title: String::new(), text: String::new() }
}

fn vars() -> Vars {
    let mut vars = Vars::new();
    vars.set("service", "cart");
    vars
}

async fn ask(language: Language, query: &str, expect: &str) -> CheckOutcome {
    let check = check(language, query, expect, At::Now);
    evaluate(&check, &vars(), &sources(&[memory()]), times()).await
}

#[rstest]
#[case("pending{service=\"$service\"}", "> 0", Truth::True, "value{pod=\"cart-1\"} 7; expected > 0: true")]
#[case(
    "latency",
    "> 3x baseline",
    Truth::True,
    "value{pod=\"cart-1\"} 0.9, normally value{pod=\"cart-1\"} 0.1; expected > 3x baseline: true"
)]
#[case(
    "flat",
    "> 3x baseline",
    Truth::False,
    "value{pod=\"cart-1\"} 3, normally value{pod=\"cart-1\"} 3; expected > 3x baseline: false"
)]
#[case("memory", "increasing", Truth::True, "first 60, last 69; expected increasing: true")]
#[case("flat", "increasing", Truth::False, "first 3, last 3; expected increasing: false")]
#[case("nothing", "> 0", Truth::Unknown, "expected > 0: unknown (memory: no data)")]
#[case("nothing", "absent", Truth::True, "nothing found; expected absent: true")]
#[case("gone", "> 0", Truth::Unknown, "expected > 0: unknown (memory: no data)")]
#[tokio::test]
async fn metrics(#[case] query: &str, #[case] expect: &str, #[case] truth: Truth, #[case] summary: &str) {
    let outcome = ask(Language::Promql, query, expect).await;
    assert_eq!((outcome.truth, outcome.summary.as_str()), (truth, summary));
}

#[tokio::test]
async fn an_outcome_carries_its_evidence() {
    let outcome = ask(Language::Promql, "latency", "> 3x baseline").await;
    assert_eq!((outcome.source.as_str(), outcome.query.as_str()), ("memory", "latency"));
    assert_eq!(outcome.observed[0].value, 0.9);
    assert_eq!(outcome.baseline[0].value, 0.1);
    assert_eq!(outcome.window, times().incident);
    assert!(outcome.completeness.is_full());
}

#[tokio::test]
async fn at_onset_looks_at_what_was_before() {
    let sources = sources(&[memory()]);
    let before = check(Language::Promql, "generation", "> 0", At::Onset);
    assert_eq!(evaluate(&before, &vars(), &sources, times()).await.truth, Truth::True);
    let late = CheckTimes { onset: at(ONSET - 10), ..times() };
    assert_eq!(evaluate(&before, &vars(), &sources, late).await.truth, Truth::False, "it came after");
}

#[rstest]
#[case("{service=\"$service\"} |= \"pool exhausted\"", "> 3", Truth::True)]
#[case("{service=\"$service\"} |= \"pool exhausted\"", "> 5", Truth::False)]
#[case("{service=\"$service\"} |= \"pool exhausted\"", "> 3x baseline", Truth::True)]
#[case("{service=\"$service\"} |= \"GET\"", "> 2x baseline", Truth::False)]
#[case("{service=\"$service\"} |= \"deadlock\"", "present", Truth::False)]
#[case("{service=\"$service\"} |= \"deadlock\"", "absent", Truth::True)]
#[case("{service=\"$service\"} |= \"deadlock\"", "> 3x baseline", Truth::Unknown)]
#[case("{service=\"$service\"} |= \"pool\"", "matches /(?i)EXHAUSTED/", Truth::True)]
#[tokio::test]
async fn logs(#[case] query: &str, #[case] expect: &str, #[case] truth: Truth) {
    let outcome = ask(Language::Logql, query, expect).await;
    assert_eq!(outcome.truth, truth, "{}", outcome.summary);
}

#[tokio::test]
async fn counts_of_logs_are_read_like_metrics() {
    let outcome = ask(Language::Logql, "flat", "== 3").await;
    assert_eq!(
        (outcome.truth, outcome.summary.as_str()),
        (Truth::True, "value{pod=\"cart-1\"} 3; expected == 3: true")
    );
}

#[tokio::test]
async fn silence_of_a_service_that_nobody_logs_is_no_evidence() {
    let mut other = Vars::new();
    other.set("service", "ghost");
    let check = check(Language::Logql, "{service=\"$service\"} |= \"deadlock\"", "present", At::Now);
    let outcome = evaluate(&check, &other, &sources(&[memory()]), times()).await;
    assert_eq!(outcome.truth, Truth::Unknown, "{}", outcome.summary);
}

#[rstest]
#[case("all", "p95 > 3x baseline", Truth::True)]
#[case("all", "p50 < 500ms", Truth::True)]
#[case("all", "p95 > 1s", Truth::False)]
#[case("all", "> 3x baseline", Truth::False)]
#[case("none", "p95 > 3x baseline", Truth::Unknown)]
#[case("none", "present", Truth::False)]
#[tokio::test]
async fn traces(#[case] query: &str, #[case] expect: &str, #[case] truth: Truth) {
    let outcome = ask(Language::Traceql, query, expect).await;
    assert_eq!(outcome.truth, truth, "{}", outcome.summary);
}

#[tokio::test]
async fn a_dead_source_is_said_and_another_decides() {
    let dead = Memory { name: "dead", dead: true, ..memory() };
    let check = check(Language::Promql, "flat", "> 1", At::Now);
    let alone = evaluate(&check, &vars(), &sources(std::slice::from_ref(&dead)), times()).await;
    assert_eq!(alone.truth, Truth::Unknown);
    assert!(alone.summary.contains("no answer within 5 s"), "{}", alone.summary);
    assert!(!alone.completeness.is_full());
    let both = evaluate(&check, &vars(), &sources(&[dead, memory()]), times()).await;
    assert_eq!((both.truth, both.source.as_str()), (Truth::True, "memory"));
}

#[tokio::test]
async fn half_an_answer_never_says_no() {
    let half = sources(&[Memory { partial: true, ..memory() }]);
    for (language, query, expect) in [
        (Language::Promql, "flat", "> 5"),
        (Language::Promql, "nothing", "absent"),
        (Language::Logql, "{service=\"cart\"} |= \"deadlock\"", "present"),
        (Language::Logql, "{service=\"cart\"} |= \"pool\"", "< 100"),
        (Language::Traceql, "all", "p95 > 1s"),
    ] {
        let check = check(language, query, expect, At::Now);
        let outcome = evaluate(&check, &vars(), &half, times()).await;
        assert_eq!(outcome.truth, Truth::Unknown, "{query} {expect}: {}", outcome.summary);
        assert!(outcome.summary.contains("one store is down"), "{}", outcome.summary);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_for_a_person() {
    let none = Sources::default();
    let outcome = |check: Check| async move { evaluate(&check, &vars(), &Sources::default(), times()).await };
    let shell = outcome(check(Language::Sh, "df -h", "> 0", At::Now)).await;
    assert_eq!((shell.truth, shell.summary.contains("for a person")), (Truth::Unknown, true));
    let metrics = evaluate(&check(Language::Promql, "up", "> 0", At::Now), &vars(), &none, times()).await;
    assert!(metrics.summary.contains("no source of metrics is configured"), "{}", metrics.summary);
    let unbound = outcome(check(Language::Promql, "up{node=\"$node\"}", "> 0", At::Now)).await;
    assert_eq!(unbound.query, "up{node=\"<node>\"}");
    assert!(unbound.summary.contains("variable $node has no value here"), "{}", unbound.summary);
}

#[tokio::test]
async fn a_healthy_recording_stands_in_for_the_baseline() {
    let mut now_only = memory();
    now_only.metrics = vec![("latency", |minute| if minute >= ONSET { 0.9 } else { f64::NAN })];
    let mut sources = sources(&[now_only]);
    let check = check(Language::Promql, "latency", "> 3x baseline", At::Now);
    let without = evaluate(&check, &vars(), &sources, times()).await;
    assert_eq!(without.truth, Truth::Unknown);
    assert!(without.summary.contains("before the incident"), "{}", without.summary);
    let healthy = super::tests::sources(&[memory()]);
    sources.reference = Some(Reference { sources: Box::new(healthy), window: Window::new(at(10), at(40)) });
    assert_eq!(evaluate(&check, &vars(), &sources, times()).await.truth, Truth::True);
}

#[tokio::test]
async fn a_verification_has_to_hold() {
    let verify = |query: &str, expect: &str, minutes: u64| Verify {
        id: "errors-gone".to_owned(),
        language: Language::Promql,
        query: query.to_owned(),
        expect: Expect::parse(expect).unwrap(),
        hold: Duration::from_secs(minutes * 60),
        text: String::new(),
    };
    let sources = sources(&[memory()]);
    let run = |verify: Verify| {
        let sources = &sources;
        async move { evaluate_verify(&verify, &vars(), sources, times()).await }
    };
    assert_eq!(run(verify("flat", "< 5", 5)).await.truth, Truth::True);
    assert_eq!(run(verify("generation", "< 1", 4)).await.truth, Truth::True);
    assert_eq!(run(verify("generation", "< 1", 8)).await.truth, Truth::False, "it was above within the time");
    assert_eq!(run(verify("gone", "< 9", 5)).await.truth, Truth::Unknown);
    let young = run(verify("latency", "> 0.5", 30)).await;
    assert_eq!(young.truth, Truth::False, "it was not so half an hour ago");
}
