//! Log records.

use quell_sdk::signal::{Attributes, LogRecord, Severity};

use super::{attributes::Resource, decoder::Decoder, limits::Reason, value, wire};

impl Decoder {
    pub(crate) fn records(&mut self, request: &wire::LogsRequest<'_>, out: &mut Vec<LogRecord>) {
        for group in request.resource_logs.iter().flatten() {
            let resource = self.resource(&group.resource);
            for scope in &group.scope_logs {
                out.reserve(scope.log_records.len());
                out.extend(scope.log_records.iter().filter_map(|record| self.record(&resource, record)));
            }
        }
    }

    fn record(&mut self, resource: &Resource, record: &wire::Record<'_>) -> Option<LogRecord> {
        let at = match record.time_unix_nano.0 {
            ..=0 => match record.observed_time_unix_nano.0 {
                ..=0 => self.arrival.unwrap_or(0),
                observed => observed,
            },
            at => at,
        };
        // One without a time can still be placed by its span.
        let timeless = at == 0 && record.span_id.0.is_some() && self.timeless.len() < self.limits.timeless;
        if let Some(reason) = self.accepts.problem(at).filter(|_| !timeless) {
            self.dropped.one(reason);
            return None;
        }
        let (body, was_cut) = value::text(&record.body, self.limits.body_bytes);
        if was_cut {
            self.dropped.one(Reason::Cut);
        }
        let severity = match Severity::from_otlp(record.severity_number.0) {
            Severity::Unspecified => Severity::from_word(value::cut(&record.severity_text.0, 32)),
            severity => severity,
        };
        let mut attributes = Attributes::with_capacity(
            (record.attributes.len() + resource.rest.len()).min(self.limits.attributes),
        );
        self.attributes(record.attributes.iter(), &mut attributes);
        self.attributes_of_resource(resource, &mut attributes);
        let record = LogRecord {
            at,
            service: resource.service.clone(),
            pod: resource.pod.clone(),
            severity,
            body: body.into(),
            trace_id: record.trace_id.0,
            span_id: record.span_id.0,
            attributes,
        };
        if timeless {
            self.timeless.push(record);
            return None;
        }
        Some(record)
    }
}
