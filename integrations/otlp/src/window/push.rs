use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use quell_sdk::signal::{self, LogRecord, Span, UnixNanos};

use super::{
    config::Config,
    points::Points,
    ring::{Item, Ring},
    stats::{SignalStats, Stats},
};
use crate::{
    Decoder, Dropped, JsonError,
    decode::{Accepts, LogsRequest, MetricsRequest, SpansRequest, logs_of, metrics_of, spans_of},
};

/// What services pushed lately.
///
/// Pushes and queries may come from many threads. Decoding happens outside of locks for spans and logs,
/// and under the lock of one shard of eight for metrics; queries copy references and compute unlocked.
#[derive(Debug)]
pub struct Window {
    pub(super) config: Config,
    pub(super) points: Points,
    pub(super) logs: Mutex<Ring<LogRecord>>,
    pub(super) spans: Mutex<Ring<Span>>,
    /// Decoders at rest, with the texts that they share.
    decoders: Mutex<Vec<Decoder>>,
    /// What decoding left out of metrics, logs and traces.
    refused: Mutex<[Dropped; 3]>,
}

/// Decoders that are kept for the next pushes.
const MAX_DECODERS: usize = 4;

/// Place of a signal in [`Window::refused`].
#[derive(Clone, Copy)]
pub(super) enum Signal {
    Metrics,
    Logs,
    Traces,
}

/// What became of a request: what OTLP's `partial_success` is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Spans, records or points taken.
    pub accepted: u64,
    /// Spans, records or points that were not.
    pub rejected: u64,
    /// Why, with the parts of items that were cut as well.
    pub dropped: Dropped,
}

impl Default for Window {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl Window {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            points: Points::new(&config),
            logs: Mutex::new(Ring::new(config.logs_bytes())),
            spans: Mutex::new(Ring::new(config.traces_bytes())),
            decoders: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Takes the spans of a request that came at `now`.
    pub fn push_traces(&self, request: &ExportTraceServiceRequest, now: Timestamp) -> Pushed {
        self.take_spans(self.decoder(now), &spans_of(request))
    }

    /// Takes the log records of a request that came at `now`.
    pub fn push_logs(&self, request: &ExportLogsServiceRequest, now: Timestamp) -> Pushed {
        self.take_logs(self.decoder(now), &logs_of(request))
    }

    /// Takes the data points of a request that came at `now`.
    pub fn push_metrics(&self, request: &ExportMetricsServiceRequest, now: Timestamp) -> Pushed {
        self.take_metrics(self.decoder(now), &metrics_of(request))
    }

    /// [`Window::push_traces`] from OTLP/JSON.
    pub fn push_traces_json(&self, text: &[u8], now: Timestamp) -> Result<Pushed, JsonError> {
        let decoder = self.decoder(now);
        let request = decoder.parse_spans(text)?;
        Ok(self.take_spans(decoder, &request))
    }

    /// [`Window::push_logs`] from OTLP/JSON.
    pub fn push_logs_json(&self, text: &[u8], now: Timestamp) -> Result<Pushed, JsonError> {
        let decoder = self.decoder(now);
        let request = decoder.parse_logs(text)?;
        Ok(self.take_logs(decoder, &request))
    }

    /// [`Window::push_metrics`] from OTLP/JSON.
    pub fn push_metrics_json(&self, text: &[u8], now: Timestamp) -> Result<Pushed, JsonError> {
        let decoder = self.decoder(now);
        let request = decoder.parse_metrics(text)?;
        Ok(self.take_metrics(decoder, &request))
    }

    /// Drops what has reached its age by `now`. Pushes do so too; this is for when none come.
    pub fn expire(&self, now: Timestamp) {
        let cutoff = self.cutoff(now);
        self.points.expire(cutoff);
        lock(&self.logs).expire(cutoff);
        lock(&self.spans).expire(cutoff);
    }

    pub fn stats(&self) -> Stats {
        let (series, mut metrics) = self.points.stats();
        let (mut logs, mut traces) = (of_ring(&lock(&self.logs)), of_ring(&lock(&self.spans)));
        let [of_metrics, of_logs, of_traces] = lock(&self.refused).clone();
        metrics.dropped.merge(&of_metrics);
        logs.dropped.merge(&of_logs);
        traces.dropped.merge(&of_traces);
        Stats { metrics, logs, traces, series }
    }

    /// What decoding left out of a signal.
    pub(super) fn refused(&self, signal: Signal) -> Dropped {
        lock(&self.refused).get(signal as usize).cloned().unwrap_or_default()
    }

    fn take_spans(&self, mut decoder: Decoder, request: &SpansRequest<'_>) -> Pushed {
        let mut spans = Vec::new();
        decoder.spans(request, &mut spans);
        let accepted = spans.len() as u64;
        lock(&self.spans).push(spans, decoder.accepts.from);
        self.pushed(decoder, Signal::Traces, accepted)
    }

    fn take_logs(&self, mut decoder: Decoder, request: &LogsRequest<'_>) -> Pushed {
        let mut records = Vec::new();
        decoder.records(request, &mut records);
        let accepted = records.len() as u64;
        lock(&self.logs).push(records, decoder.accepts.from);
        self.pushed(decoder, Signal::Logs, accepted)
    }

    fn take_metrics(&self, mut decoder: Decoder, request: &MetricsRequest<'_>) -> Pushed {
        let cutoff = decoder.accepts.from;
        let accepted = self.points.push(&mut decoder, request, cutoff);
        self.pushed(decoder, Signal::Metrics, accepted)
    }

    /// Counts what was left out, and lets the decoder rest.
    fn pushed(&self, mut decoder: Decoder, signal: Signal, accepted: u64) -> Pushed {
        let dropped = decoder.take_dropped();
        if !dropped.is_empty()
            && let Some(refused) = lock(&self.refused).get_mut(signal as usize)
        {
            refused.merge(&dropped);
        }
        let mut resting = lock(&self.decoders);
        if resting.len() < MAX_DECODERS {
            resting.push(decoder);
        }
        Pushed { accepted, rejected: dropped.items(), dropped }
    }

    fn decoder(&self, now: Timestamp) -> Decoder {
        let resting = lock(&self.decoders).pop();
        let mut decoder = resting.unwrap_or_else(|| Decoder::new(self.config.limits));
        decoder.arrival = Some(nanos(now));
        decoder.accepts = Accepts {
            from: self.cutoff(now),
            until: nanos(now).saturating_add(nanos_of(self.config.max_ahead)),
        };
        decoder
    }

    fn cutoff(&self, now: Timestamp) -> UnixNanos {
        nanos(now).saturating_sub(nanos_of(self.config.max_age))
    }
}

fn of_ring<T: Item>(ring: &Ring<T>) -> SignalStats {
    SignalStats {
        items: ring.len(),
        bytes: ring.bytes(),
        accepted: ring.accepted,
        dropped: ring.dropped.clone(),
        extent: ring.extent(),
    }
}

fn nanos(at: Timestamp) -> UnixNanos {
    signal::Window::new(at, at).start_nanos()
}

fn nanos_of(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// A panic of another push leaves the data as good as it was.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
