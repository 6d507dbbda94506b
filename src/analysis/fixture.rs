//! Small recordings for tests: requests as trees of calls, lines that they log, and series.

use std::{collections::BTreeMap, sync::Arc};

use quell_sdk::signal::{
    LogRecord, MetricKind, Point, Series, Severity, Span, SpanId, SpanKind, SpanStatus, TraceId, UnixNanos,
};

use super::Telemetry;

pub(super) const SECOND: UnixNanos = 1_000_000_000;
const MILLISECOND: UnixNanos = 1_000_000;

/// A call that a request makes, with what it calls in turn, one after the other.
#[derive(Clone)]
pub(super) struct Call {
    service: &'static str,
    operation: &'static str,
    kind: SpanKind,
    millis: i64,
    failed: bool,
    lines: Vec<(Severity, String)>,
    calls: Vec<Call>,
}

/// A call that a service serves, of so many milliseconds.
pub(super) fn call(service: &'static str, operation: &'static str, millis: i64) -> Call {
    let kind = SpanKind::Server;
    Call { service, operation, kind, millis, failed: false, lines: Vec::new(), calls: Vec::new() }
}

impl Call {
    /// The caller's half of a call.
    pub(super) fn client(self) -> Self {
        Self { kind: SpanKind::Client, ..self }
    }

    pub(super) fn failed(self) -> Self {
        Self { failed: true, ..self }
    }

    pub(super) fn calls(mut self, other: Self) -> Self {
        self.calls.push(other);
        self
    }

    pub(super) fn logs(mut self, severity: Severity, body: &str) -> Self {
        self.lines.push((severity, body.to_owned()));
        self
    }
}

/// What is recorded of requests.
#[derive(Default)]
pub(super) struct Recorder {
    telemetry: Telemetry,
    spans: u64,
}

impl Recorder {
    /// Records one request that begins at a moment.
    pub(super) fn request(&mut self, at: UnixNanos, call: &Call) {
        let trace = TraceId(u128::from(self.spans + 1).to_be_bytes());
        self.record(trace, None, at, call);
    }

    fn record(&mut self, trace_id: TraceId, parent: Option<SpanId>, start: UnixNanos, call: &Call) {
        self.spans += 1;
        let span_id = SpanId(self.spans.to_be_bytes());
        self.telemetry.spans.push(Span {
            trace_id,
            span_id,
            parent,
            service: call.service.into(),
            pod: "".into(),
            operation: call.operation.into(),
            kind: call.kind,
            start,
            end: start + call.millis * MILLISECOND,
            status: if call.failed { SpanStatus::Error } else { SpanStatus::Unset },
            message: "".into(),
            attributes: Vec::new(),
        });
        for (severity, body) in &call.lines {
            let mut line = line(start, call.service, *severity, body);
            (line.trace_id, line.span_id) = (Some(trace_id), Some(span_id));
            self.telemetry.logs.push(line);
        }
        let mut next = start;
        for other in &call.calls {
            self.record(trace_id, Some(span_id), next, other);
            next += other.millis * MILLISECOND;
        }
    }

    /// All of it, in order of time.
    pub(super) fn finish(mut self) -> Telemetry {
        self.telemetry.spans.sort_by_key(|span| span.start);
        self.telemetry.logs.sort_by_key(|line| line.at);
        self.telemetry
    }
}

/// A line outside any span.
pub(super) fn line(at: UnixNanos, service: &str, severity: Severity, body: &str) -> LogRecord {
    LogRecord {
        at,
        service: service.into(),
        pod: "".into(),
        severity,
        body: body.into(),
        trace_id: None,
        span_id: None,
        attributes: Vec::new(),
    }
}

/// A line with an attribute.
pub(super) fn with(mut line: LogRecord, key: &str, value: &str) -> LogRecord {
    line.attributes.push((Arc::from(key), Arc::from(value)));
    line
}

/// A metric of a service, one sample a minute.
pub(super) fn series(name: &str, service: &str, values: impl IntoIterator<Item = f64>) -> Series {
    let labels = BTreeMap::from([("service".to_owned(), service.to_owned())]);
    let points = (0..).zip(values).map(|(minute, value)| Point { at: minute * 60 * SECOND, value });
    Series {
        name: name.to_owned(),
        labels,
        kind: MetricKind::Gauge,
        unit: String::new(),
        points: points.collect(),
        query: format!("{name}{{service=\"{service}\"}}"),
    }
}
