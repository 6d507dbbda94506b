use super::{
    cursor::Cursor,
    values::{attributes, request},
};
use crate::decode::wire::{ResourceSpans, ScopeSpans, Span, SpansRequest, Status};

/// Reads a request of spans.
pub(in crate::decode) fn spans(text: &str) -> Option<SpansRequest<'_>> {
    let groups = request(text, "resourceSpans", |cursor| {
        let mut group = ResourceSpans::default();
        cursor.object(&["resource", "scopeSpans"], |cursor, key| {
            match key {
                "resource" => group.resource = cursor.by_serde_or_default()?,
                "scopeSpans" => group.scope_spans = cursor.array(scope)?,
                _ => return None,
            }
            Some(())
        })?;
        Some(group)
    })?;
    Some(SpansRequest { resource_spans: Some(groups), ..SpansRequest::default() })
}

fn scope<'a>(cursor: &mut Cursor<'a>) -> Option<ScopeSpans<'a>> {
    let mut scope = ScopeSpans::default();
    cursor.object(&["spans"], |cursor, key| {
        match key {
            "spans" => scope.spans = cursor.array(span)?,
            _ => return None,
        }
        Some(())
    })?;
    Some(scope)
}

fn span<'a>(cursor: &mut Cursor<'a>) -> Option<Span<'a>> {
    let mut span = Span::default();
    cursor.object(
        &[
            "traceId",
            "spanId",
            "parentSpanId",
            "name",
            "kind",
            "startTimeUnixNano",
            "endTimeUnixNano",
            "attributes",
            "events",
            "status",
        ],
        |cursor, key| {
            match key {
                "traceId" => span.trace_id = cursor.scalar()?,
                "spanId" => span.span_id = cursor.scalar()?,
                "parentSpanId" => span.parent_span_id = cursor.scalar()?,
                "name" => span.name = cursor.scalar()?,
                "kind" => span.kind = cursor.scalar()?,
                "startTimeUnixNano" => span.start_time_unix_nano = cursor.nanos()?,
                "endTimeUnixNano" => span.end_time_unix_nano = cursor.nanos()?,
                "attributes" => span.attributes = attributes(cursor)?,
                "events" => span.events = cursor.by_serde_or_default()?,
                "status" => span.status = status(cursor)?,
                _ => return None,
            }
            Some(())
        },
    )?;
    Some(span)
}

fn status<'a>(cursor: &mut Cursor<'a>) -> Option<Status<'a>> {
    if cursor.take("{}") {
        return Some(Status::default());
    }
    cursor.by_serde_or_default()
}
