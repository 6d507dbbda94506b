use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use quell_sdk::signal::{LogRecord, Span, UnixNanos};
use serde::Deserialize;

use super::{
    Dropped, EARLIEST, LATEST, Limits, Reason,
    intern::Interner,
    proto, quick,
    wire::{LogsRequest, MetricsRequest, SpansRequest},
};
use crate::series::SeriesSet;

/// Why a request as JSON text could not be read. Nothing of it was taken.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The text is cut off, is not JSON, or a field has the wrong type.
    #[error("{message}, at byte {column}")]
    Malformed { message: String, column: usize },
    /// More objects than the limit: decoding it would take too much memory.
    #[error("holds more than {limit} JSON objects")]
    TooManyObjects { limit: usize },
    /// A request of another signal.
    #[error("holds {found} instead of {wanted}")]
    OtherSignal { wanted: &'static str, found: &'static str },
}

/// Decodes requests and counts what it leaves out. One decoder shares texts among all that it decodes.
#[derive(Debug, Default)]
pub struct Decoder {
    pub(crate) limits: Limits,
    pub(crate) interner: Interner,
    pub(crate) dropped: Dropped,
    pub(crate) timeless: Vec<LogRecord>,
    pub(crate) accepts: Accepts,
    /// When the request came, which OTLP makes the time of log records that have none.
    pub(crate) arrival: Option<UnixNanos>,
}

impl Decoder {
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Appends the spans of a request.
    pub fn traces(&mut self, request: &ExportTraceServiceRequest, out: &mut Vec<Span>) {
        self.spans(&proto::spans(request), out);
    }

    /// Appends the log records of a request.
    pub fn logs(&mut self, request: &ExportLogsServiceRequest, out: &mut Vec<LogRecord>) {
        self.records(&proto::logs(request), out);
    }

    /// Adds the data points of a request to their series.
    pub fn metrics(&mut self, request: &ExportMetricsServiceRequest, out: &mut SeriesSet) {
        self.points(&proto::metrics(request), out);
    }

    /// [`Decoder::traces`] from OTLP/JSON.
    pub fn traces_json(&mut self, text: &[u8], out: &mut Vec<Span>) -> Result<(), JsonError> {
        let request = self.parse_spans(text)?;
        self.spans(&request, out);
        Ok(())
    }

    pub(crate) fn parse_spans<'a>(&self, text: &'a [u8]) -> Result<SpansRequest<'a>, JsonError> {
        let request: SpansRequest<'_> = self.parse(text, quick::spans)?;
        if request.resource_spans.is_none() {
            foreign("spans", [("logs", request.resource_logs), ("metrics", request.resource_metrics)])?;
        }
        Ok(request)
    }

    /// [`Decoder::logs`] from OTLP/JSON.
    pub fn logs_json(&mut self, text: &[u8], out: &mut Vec<LogRecord>) -> Result<(), JsonError> {
        let request = self.parse_logs(text)?;
        self.records(&request, out);
        Ok(())
    }

    pub(crate) fn parse_logs<'a>(&self, text: &'a [u8]) -> Result<LogsRequest<'a>, JsonError> {
        let request: LogsRequest<'_> = self.parse(text, quick::logs)?;
        if request.resource_logs.is_none() {
            foreign("logs", [("spans", request.resource_spans), ("metrics", request.resource_metrics)])?;
        }
        Ok(request)
    }

    /// [`Decoder::metrics`] from OTLP/JSON.
    pub fn metrics_json(&mut self, text: &[u8], out: &mut SeriesSet) -> Result<(), JsonError> {
        let request = self.parse_metrics(text)?;
        self.points(&request, out);
        Ok(())
    }

    pub(crate) fn parse_metrics<'a>(&self, text: &'a [u8]) -> Result<MetricsRequest<'a>, JsonError> {
        let request: MetricsRequest<'_> = self.parse(text, quick::metrics)?;
        if request.resource_metrics.is_none() {
            foreign("metrics", [("spans", request.resource_spans), ("logs", request.resource_logs)])?;
        }
        Ok(request)
    }

    /// What was left out or cut so far.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// What was left out or cut since this was last called.
    pub fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// Log records that came without a time but name their span, with the time 0: whoever knows the span
    /// can place them. The rest of such records is counted as [`Reason::NoTime`].
    pub fn take_timeless(&mut self) -> Vec<LogRecord> {
        std::mem::take(&mut self.timeless)
    }

    fn parse<'a, T: Deserialize<'a>>(
        &self,
        text: &'a [u8],
        quick: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, JsonError> {
        let limit = self.limits.json_objects;
        if text.len() > limit && text.iter().filter(|byte| **byte == b'{').count() > limit {
            return Err(JsonError::TooManyObjects { limit });
        }
        // Text that is known to be UTF-8 as a whole need not be looked at string by string.
        let read = match str::from_utf8(text) {
            Ok(text) => quick(text).map_or_else(|| serde_json::from_str(text), Ok),
            Err(_) => serde_json::from_slice(text),
        };
        read.map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = error.to_string();
            let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
            JsonError::Malformed { message, column: error.column() }
        })
    }
}

fn foreign<T>(wanted: &'static str, others: [(&'static str, Option<T>); 2]) -> Result<(), JsonError> {
    match others.into_iter().find(|(_, there)| there.is_some()) {
        Some((found, _)) => Err(JsonError::OtherSignal { wanted, found }),
        None => Ok(()),
    }
}

/// The moments that are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepts {
    pub(crate) from: UnixNanos,
    pub(crate) until: UnixNanos,
}

impl Default for Accepts {
    fn default() -> Self {
        Self { from: EARLIEST, until: LATEST }
    }
}

impl Accepts {
    /// Why something of that moment is not taken.
    pub(crate) fn problem(self, at: UnixNanos) -> Option<Reason> {
        wrong_time(at)
            .or_else(|| (at < self.from).then_some(Reason::TooOld))
            .or_else(|| (at > self.until).then_some(Reason::InFuture))
    }
}

/// Why no telemetry can be of that moment.
pub(crate) fn wrong_time(at: UnixNanos) -> Option<Reason> {
    match at {
        ..=0 => Some(Reason::NoTime),
        EARLIEST..LATEST => None,
        _ => Some(Reason::AbsurdTime),
    }
}
