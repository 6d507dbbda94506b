use opentelemetry_proto::tonic::{collector::logs::v1::ExportLogsServiceRequest, logs::v1::LogRecord};

use super::common::{pairs, resource, span_id, text, trace_id, value};
use crate::decode::wire;

pub(crate) fn logs(request: &ExportLogsServiceRequest) -> wire::LogsRequest<'_> {
    let groups = request.resource_logs.iter().map(|group| wire::ResourceLogs {
        resource: resource(group.resource.as_ref()),
        scope_logs: group
            .scope_logs
            .iter()
            .map(|scope| wire::ScopeLogs { log_records: scope.log_records.iter().map(record).collect() })
            .collect(),
    });
    wire::LogsRequest { resource_logs: Some(groups.collect()), ..Default::default() }
}

fn record(record: &LogRecord) -> wire::Record<'_> {
    wire::Record {
        time_unix_nano: record.time_unix_nano.into(),
        observed_time_unix_nano: record.observed_time_unix_nano.into(),
        severity_number: wire::SeverityNumber(record.severity_number),
        severity_text: text(&record.severity_text),
        body: value(record.body.as_ref()),
        attributes: pairs(&record.attributes),
        trace_id: trace_id(&record.trace_id),
        span_id: span_id(&record.span_id),
    }
}
