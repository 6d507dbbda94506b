use super::{
    cursor::Cursor,
    values::{attributes, request, value},
};
use crate::decode::wire::{LogsRequest, Record, ResourceLogs, ScopeLogs};

/// Reads a request of log records.
pub(in crate::decode) fn logs(text: &str) -> Option<LogsRequest<'_>> {
    let groups = request(text, "resourceLogs", |cursor| {
        let mut group = ResourceLogs::default();
        cursor.object(&["resource", "scopeLogs"], |cursor, key| {
            match key {
                "resource" => group.resource = cursor.by_serde_or_default()?,
                "scopeLogs" => group.scope_logs = cursor.array(scope)?,
                _ => return None,
            }
            Some(())
        })?;
        Some(group)
    })?;
    Some(LogsRequest { resource_logs: Some(groups), ..LogsRequest::default() })
}

fn scope<'a>(cursor: &mut Cursor<'a>) -> Option<ScopeLogs<'a>> {
    let mut scope = ScopeLogs::default();
    cursor.object(&["logRecords"], |cursor, key| {
        match key {
            "logRecords" => scope.log_records = cursor.array(record)?,
            _ => return None,
        }
        Some(())
    })?;
    Some(scope)
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Option<Record<'a>> {
    let mut record = Record::default();
    cursor.object(
        &[
            "timeUnixNano",
            "observedTimeUnixNano",
            "severityNumber",
            "severityText",
            "body",
            "attributes",
            "traceId",
            "spanId",
        ],
        |cursor, key| {
            match key {
                "timeUnixNano" => record.time_unix_nano = cursor.nanos()?,
                "observedTimeUnixNano" => record.observed_time_unix_nano = cursor.nanos()?,
                "severityNumber" => record.severity_number = cursor.scalar()?,
                "severityText" => record.severity_text = cursor.scalar()?,
                "body" => record.body = value(cursor)?,
                "attributes" => record.attributes = attributes(cursor)?,
                "traceId" => record.trace_id = cursor.scalar()?,
                "spanId" => record.span_id = cursor.scalar()?,
                _ => return None,
            }
            Some(())
        },
    )?;
    Some(record)
}
