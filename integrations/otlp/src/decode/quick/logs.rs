use super::{
    cursor::{Cursor, Once},
    values::{attributes, request, value},
};
use crate::decode::wire::{LogsRequest, Record, ResourceLogs, ScopeLogs};

/// Reads a request of log records.
pub(in crate::decode) fn logs(text: &str) -> Option<LogsRequest<'_>> {
    let groups = request(text, "resourceLogs", |cursor| {
        let (mut group, mut once) = (ResourceLogs::default(), Once::default());
        cursor.object(|cursor, key| {
            match key {
                "resource" => {
                    once.first(0)?;
                    group.resource = cursor.by_serde_or_default()?;
                }
                "scopeLogs" => {
                    once.first(1)?;
                    group.scope_logs = cursor.array(scope)?;
                }
                _ => cursor.skip()?,
            }
            Some(())
        })?;
        Some(group)
    })?;
    Some(LogsRequest { resource_logs: Some(groups), ..LogsRequest::default() })
}

fn scope<'a>(cursor: &mut Cursor<'a>) -> Option<ScopeLogs<'a>> {
    let (mut scope, mut once) = (ScopeLogs::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "logRecords" => {
                once.first(0)?;
                scope.log_records = cursor.array(record)?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(scope)
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Option<Record<'a>> {
    let (mut record, mut once) = (Record::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "timeUnixNano" => {
                once.first(0)?;
                record.time_unix_nano = cursor.scalar()?;
            }
            "observedTimeUnixNano" => {
                once.first(1)?;
                record.observed_time_unix_nano = cursor.scalar()?;
            }
            "severityNumber" => {
                once.first(2)?;
                record.severity_number = cursor.scalar()?;
            }
            "severityText" => {
                once.first(3)?;
                record.severity_text = cursor.scalar()?;
            }
            "body" => {
                once.first(4)?;
                record.body = value(cursor)?;
            }
            "attributes" => {
                once.first(5)?;
                record.attributes = attributes(cursor)?;
            }
            "traceId" => {
                once.first(6)?;
                record.trace_id = cursor.scalar()?;
            }
            "spanId" => {
                once.first(7)?;
                record.span_id = cursor.scalar()?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(record)
}
