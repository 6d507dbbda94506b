use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    trace::v1::{Span, span::Event},
};

use super::common::{pairs, resource, span_id, text, trace_id};
use crate::decode::wire;

pub(crate) fn spans(request: &ExportTraceServiceRequest) -> wire::SpansRequest<'_> {
    let groups = request.resource_spans.iter().map(|group| wire::ResourceSpans {
        resource: resource(group.resource.as_ref()),
        scope_spans: group
            .scope_spans
            .iter()
            .map(|scope| wire::ScopeSpans { spans: scope.spans.iter().map(span).collect() })
            .collect(),
    });
    wire::SpansRequest { resource_spans: Some(groups.collect()), ..Default::default() }
}

fn span(span: &Span) -> wire::Span<'_> {
    wire::Span {
        trace_id: trace_id(&span.trace_id),
        span_id: span_id(&span.span_id),
        parent_span_id: span_id(&span.parent_span_id),
        name: text(&span.name),
        kind: wire::Kind(span.kind),
        start_time_unix_nano: span.start_time_unix_nano.into(),
        end_time_unix_nano: span.end_time_unix_nano.into(),
        attributes: pairs(&span.attributes),
        events: span.events.iter().map(event).collect(),
        status: span
            .status
            .as_ref()
            .map(|status| wire::Status {
                message: text(&status.message),
                code: wire::StatusCode(status.code),
            })
            .unwrap_or_default(),
    }
}

fn event(event: &Event) -> wire::Event<'_> {
    wire::Event { name: text(&event.name), attributes: pairs(&event.attributes) }
}
