use quell_proto::v1;
use quell_sdk::signal::{LogRecord, Series, Span, SpanKind, SpanStatus, UnixNanos};

use super::wire::{Wire, duration, finite, timestamp};
use crate::query::{Data, Figure, Limits, Question, Reply};

/// What the sources gave to a question, without what is beyond the limits.
pub fn replies(question: &Question, replies: Vec<Reply>, limits: Limits) -> v1::QueryResponse {
    v1::QueryResponse {
        language: question.language.as_str().to_owned(),
        query: question.query.clone(),
        window: Some(question.window.to_wire()),
        answers: replies.into_iter().map(|reply| answer(reply, limits)).collect(),
        evidence: None,
        figures: Vec::new(),
    }
}

/// A number of evidence beside what its query gives.
pub fn figure(figure: &Figure) -> v1::Figure {
    v1::Figure {
        name: figure.name.clone(),
        unit: figure.unit.clone(),
        stated: finite(figure.stated),
        found: figure.found.map(finite),
    }
}

fn answer(mut reply: Reply, limits: Limits) -> v1::QueryAnswer {
    let found = reply.data.len() as u64;
    reply.cut(limits);
    let mut answer = v1::QueryAnswer {
        source: reply.source,
        completeness: Some(reply.completeness.to_wire()),
        found,
        ..v1::QueryAnswer::default()
    };
    match reply.data {
        Data::Series { series: all, step } => {
            answer.step = Some(duration(step));
            answer.series = all.into_iter().map(series).collect();
        }
        Data::Lines(lines) => answer.lines = lines.iter().map(line).collect(),
        Data::Spans(spans) => answer.spans = spans.iter().map(span).collect(),
        Data::Changes(changes) => answer.changes = changes.iter().map(Wire::to_wire).collect(),
    }
    answer
}

fn moment(at: UnixNanos) -> Option<quell_proto::Timestamp> {
    jiff::Timestamp::from_nanosecond(i128::from(at)).ok().map(timestamp)
}

fn series(series: Series) -> v1::QuerySeries {
    v1::QuerySeries {
        name: series.name,
        labels: series.labels.into_iter().collect(),
        unit: series.unit,
        points: series
            .points
            .iter()
            .map(|point| v1::QueryPoint { at: moment(point.at), value: finite(point.value) })
            .collect(),
    }
}

fn line(record: &LogRecord) -> v1::QueryLine {
    v1::QueryLine {
        at: moment(record.at),
        service: record.service.to_string(),
        pod: record.pod.to_string(),
        severity: record.severity.as_str().to_owned(),
        body: record.body.to_string(),
        trace_id: record.trace_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

fn span(span: &Span) -> v1::QuerySpan {
    let kind = match span.kind {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    };
    let status = match span.status {
        SpanStatus::Unset => "unset",
        SpanStatus::Ok => "ok",
        SpanStatus::Error => "error",
    };
    let nanos = u64::try_from(span.end.saturating_sub(span.start)).unwrap_or(0);
    v1::QuerySpan {
        start: moment(span.start),
        duration: Some(duration(std::time::Duration::from_nanos(nanos))),
        service: span.service.to_string(),
        operation: span.operation.to_string(),
        kind: kind.to_owned(),
        status: status.to_owned(),
        message: span.message.to_string(),
        trace_id: span.trace_id.to_string(),
        span_id: span.span_id.to_string(),
        parent_id: span.parent.map(|id| id.to_string()).unwrap_or_default(),
    }
}
