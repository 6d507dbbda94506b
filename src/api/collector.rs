//! What services push: decoded and kept, counted, and answered as OTLP wants it.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest},
    metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceRequest},
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest},
};
use quell_otlp::{Pushed, Reason, Stats, Window};
use serde_json::{Value, json};

use super::{Error, Kind};
use crate::{
    clock::SharedClock,
    telemetry::{Metrics, Signal},
};

/// Largest OTLP message, in bytes, decompressed.
pub(super) const LIMIT: usize = 16 * 1024 * 1024;

/// The OTLP intake over the in-memory window.
pub struct Collector {
    window: Arc<Window>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Collector {
    pub fn new(window: Arc<Window>, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        Self { window, clock, metrics }
    }

    pub(super) fn traces(&self, request: &ExportTraceServiceRequest) -> Taken {
        self.count(Signal::Spans, self.window.push_traces(request, self.clock.now()))
    }

    pub(super) fn logs(&self, request: &ExportLogsServiceRequest) -> Taken {
        self.count(Signal::Logs, self.window.push_logs(request, self.clock.now()))
    }

    pub(super) fn metrics(&self, request: &ExportMetricsServiceRequest) -> Taken {
        self.count(Signal::Points, self.window.push_metrics(request, self.clock.now()))
    }

    pub(super) fn traces_json(&self, text: &[u8]) -> Result<Taken, Error> {
        let pushed = self.window.push_traces_json(text, self.clock.now()).map_err(refused)?;
        Ok(self.count(Signal::Spans, pushed))
    }

    pub(super) fn logs_json(&self, text: &[u8]) -> Result<Taken, Error> {
        let pushed = self.window.push_logs_json(text, self.clock.now()).map_err(refused)?;
        Ok(self.count(Signal::Logs, pushed))
    }

    pub(super) fn metrics_json(&self, text: &[u8]) -> Result<Taken, Error> {
        let pushed = self.window.push_metrics_json(text, self.clock.now()).map_err(refused)?;
        Ok(self.count(Signal::Points, pushed))
    }

    fn count(&self, signal: Signal, pushed: Pushed) -> Taken {
        self.metrics.otlp_received(signal, pushed.accepted);
        for (reason, count) in pushed.dropped.iter() {
            self.metrics.otlp_dropped(signal, reason.as_str(), count);
        }
        Taken { rejected: pushed.rejected, because: pushed.dropped.to_string() }
    }

    /// Drops what is too old, and brings the window's own metrics up to date.
    pub(super) fn refresh(&self) {
        self.window.expire(self.clock.now());
        let Stats { metrics, logs, traces, .. } = self.window.stats();
        self.metrics.otlp_bytes(metrics.bytes + logs.bytes + traces.bytes);
        for (signal, stats) in [(Signal::Points, metrics), (Signal::Logs, logs), (Signal::Spans, traces)] {
            for reason in [Reason::Memory, Reason::Age] {
                self.metrics.otlp_gone(signal, reason.as_str(), stats.dropped.get(reason));
            }
        }
    }
}

fn refused(error: quell_otlp::JsonError) -> Error {
    Error::new(Kind::Invalid, format!("the body is not OTLP/JSON: it {error}"))
}

/// What to tell the sender.
pub(super) struct Taken {
    /// Spans, records or points that were not kept.
    rejected: u64,
    /// Why, or what was cut; empty when all is well.
    because: String,
}

impl Taken {
    /// The answer in OTLP/JSON.
    pub(super) fn json(&self, name: &str) -> Value {
        if self.because.is_empty() {
            return json!({});
        }
        // 64-bit numbers are text in proto3 JSON
        json!({ "partialSuccess": { name: self.rejected.to_string(), "errorMessage": self.because } })
    }

    fn rejected(&self) -> i64 {
        i64::try_from(self.rejected).unwrap_or(i64::MAX)
    }
}

macro_rules! partial_success {
    ($($message:ident { $count:ident })+) => {$(
        impl From<Taken> for Option<$message> {
            fn from(taken: Taken) -> Self {
                let $count = taken.rejected();
                (!taken.because.is_empty()).then_some($message { $count, error_message: taken.because })
            }
        }
    )+};
}

partial_success! {
    ExportTracePartialSuccess { rejected_spans }
    ExportLogsPartialSuccess { rejected_log_records }
    ExportMetricsPartialSuccess { rejected_data_points }
}
