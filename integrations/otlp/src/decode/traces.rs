//! Spans.

use quell_sdk::signal::{Attributes, Span, SpanKind, SpanStatus};

use super::{
    attributes::Resource,
    decoder::{Decoder, wrong_time},
    limits::Reason,
    wire,
};

/// Name of the span event that carries an exception.
const EXCEPTION: &str = "exception";
/// What of an exception is kept: its stack trace is long and decides nothing.
const EXCEPTION_KEYS: [&str; 2] = ["exception.type", "exception.message"];

impl Decoder {
    pub(crate) fn spans(&mut self, request: &wire::SpansRequest<'_>, out: &mut Vec<Span>) {
        for group in request.resource_spans.iter().flatten() {
            let resource = self.resource(&group.resource);
            for scope in &group.scope_spans {
                out.reserve(scope.spans.len());
                out.extend(scope.spans.iter().filter_map(|span| self.span(&resource, span)));
            }
        }
    }

    fn span(&mut self, resource: &Resource, span: &wire::Span<'_>) -> Option<Span> {
        let (Some(trace_id), Some(span_id)) = (span.trace_id.0, span.span_id.0) else {
            self.dropped.one(Reason::MissingId);
            return None;
        };
        let (start, end) = (span.start_time_unix_nano.0, span.end_time_unix_nano.0);
        if let Some(reason) = wrong_time(start).or_else(|| self.accepts.problem(end)) {
            self.dropped.one(reason);
            return None;
        }
        if end < start {
            self.dropped.one(Reason::EndsBeforeStart);
            return None;
        }
        let mut attributes = Attributes::with_capacity(
            (span.attributes.len() + resource.rest.len()).min(self.limits.attributes),
        );
        self.attributes(span.attributes.iter(), &mut attributes);
        if let Some(event) = span.events.iter().find(|event| event.name.0 == EXCEPTION) {
            let facts = event.attributes.iter().filter(|pair| EXCEPTION_KEYS.contains(&&*pair.key.0));
            self.attributes(facts, &mut attributes);
        }
        self.attributes_of_resource(resource, &mut attributes);
        Some(Span {
            trace_id,
            span_id,
            parent: span.parent_span_id.0,
            service: resource.service.clone(),
            pod: resource.pod.clone(),
            operation: self.share(&span.name.0),
            kind: kind(span.kind.0),
            start,
            end,
            status: status(span.status.code.0),
            message: self.share(&span.status.message.0),
            attributes,
        })
    }
}

fn kind(number: i32) -> SpanKind {
    match number {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn status(number: i32) -> SpanStatus {
    match number {
        1 => SpanStatus::Ok,
        2 => SpanStatus::Error,
        _ => SpanStatus::Unset,
    }
}
