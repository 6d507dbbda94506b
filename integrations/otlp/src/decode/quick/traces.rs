use super::{
    cursor::{Cursor, Once},
    values::{attributes, request},
};
use crate::decode::wire::{ResourceSpans, ScopeSpans, Span, SpansRequest, Status};

/// Reads a request of spans.
pub(in crate::decode) fn spans(text: &str) -> Option<SpansRequest<'_>> {
    let groups = request(text, "resourceSpans", |cursor| {
        let (mut group, mut once) = (ResourceSpans::default(), Once::default());
        cursor.object(|cursor, key| {
            match key {
                "resource" => {
                    once.first(0)?;
                    group.resource = cursor.by_serde_or_default()?;
                }
                "scopeSpans" => {
                    once.first(1)?;
                    group.scope_spans = cursor.array(scope)?;
                }
                _ => cursor.skip()?,
            }
            Some(())
        })?;
        Some(group)
    })?;
    Some(SpansRequest { resource_spans: Some(groups), ..SpansRequest::default() })
}

fn scope<'a>(cursor: &mut Cursor<'a>) -> Option<ScopeSpans<'a>> {
    let (mut scope, mut once) = (ScopeSpans::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "spans" => {
                once.first(0)?;
                scope.spans = cursor.array(span)?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(scope)
}

fn span<'a>(cursor: &mut Cursor<'a>) -> Option<Span<'a>> {
    let (mut span, mut once) = (Span::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "traceId" => {
                once.first(0)?;
                span.trace_id = cursor.scalar()?;
            }
            "spanId" => {
                once.first(1)?;
                span.span_id = cursor.scalar()?;
            }
            "parentSpanId" => {
                once.first(2)?;
                span.parent_span_id = cursor.scalar()?;
            }
            "name" => {
                once.first(3)?;
                span.name = cursor.scalar()?;
            }
            "kind" => {
                once.first(4)?;
                span.kind = cursor.scalar()?;
            }
            "startTimeUnixNano" => {
                once.first(5)?;
                span.start_time_unix_nano = cursor.scalar()?;
            }
            "endTimeUnixNano" => {
                once.first(6)?;
                span.end_time_unix_nano = cursor.scalar()?;
            }
            "attributes" => {
                once.first(7)?;
                span.attributes = attributes(cursor)?;
            }
            "events" => {
                once.first(8)?;
                span.events = cursor.by_serde_or_default()?;
            }
            "status" => {
                once.first(9)?;
                span.status = status(cursor)?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(span)
}

fn status<'a>(cursor: &mut Cursor<'a>) -> Option<Status<'a>> {
    if cursor.take("{}") {
        return Some(Status::default());
    }
    cursor.by_serde_or_default()
}
