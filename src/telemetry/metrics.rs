use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus::{
    Encoder, Error, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::domain::Verdict;

/// Why a delivery was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    Unauthorized,
    Malformed,
    TooLarge,
    Overloaded,
    /// Refused for a fault of our own.
    Internal,
}

impl RejectReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }
}

/// What services push over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Spans,
    Logs,
    Points,
}

impl Signal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::Points => "points",
        }
    }
}

/// quell's own numbers. Cheap to share; every method may be called from anywhere.
pub struct Metrics {
    registry: Registry,
    alerts_received: IntCounterVec,
    alerts_duplicate: IntCounter,
    webhook_rejected: IntCounterVec,
    webhook_dropped: IntCounterVec,
    incidents_open: IntGauge,
    investigations: IntCounterVec,
    investigation_seconds: Histogram,
    otlp_spans: IntCounter,
    otlp_logs: IntCounter,
    otlp_points: IntCounter,
    otlp_dropped: IntCounterVec,
    otlp_bytes: IntGauge,
    gone: Mutex<()>,
    source_queries: IntCounterVec,
    watchers: IntGauge,
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Result<Arc<Self>, Error> {
        let new = Register(Registry::new());
        let build = new.gauges("quell_build_info", "The running version; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let seconds = HistogramOpts::new("quell_investigation_seconds", "Length of investigations.")
            .buckets(vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);
        let investigation_seconds = Histogram::with_opts(seconds)?;
        new.0.register(Box::new(investigation_seconds.clone()))?;
        Ok(Arc::new(Self {
            alerts_received: new.counters(
                "quell_alerts_received_total",
                "Alerts taken, duplicates included.",
                &["receiver"],
            )?,
            alerts_duplicate: new
                .counter("quell_alerts_duplicate_total", "Alerts taken that were known already.")?,
            webhook_rejected: new.counters(
                "quell_webhook_rejected_total",
                "Deliveries refused. A steady rate of unauthorized means that a secret is wrong.",
                &["receiver", "reason"],
            )?,
            webhook_dropped: new.counters(
                "quell_webhook_dropped_total",
                "Parts of deliveries left out because they lay beyond a limit.",
                &["receiver"],
            )?,
            incidents_open: new.gauge("quell_incidents_open", "Incidents that are open.")?,
            investigations: new.counters(
                "quell_investigations_total",
                "Investigations finished.",
                &["verdict"],
            )?,
            investigation_seconds,
            otlp_spans: new.counter("quell_otlp_spans_total", "Spans taken over OTLP.")?,
            otlp_logs: new.counter("quell_otlp_logs_total", "Log records taken over OTLP.")?,
            otlp_points: new.counter("quell_otlp_points_total", "Metric points taken over OTLP.")?,
            otlp_dropped: new.counters(
                "quell_otlp_dropped_total",
                "Items dropped, on arrival or from the window.",
                &["signal", "reason"],
            )?,
            otlp_bytes: new.gauge("quell_otlp_window_bytes", "Memory that the OTLP window uses.")?,
            gone: Mutex::default(),
            source_queries: new.counters(
                "quell_source_queries_total",
                "Queries to sources by outcome.",
                &["source", "outcome"],
            )?,
            watchers: new.gauge("quell_watchers", "Clients that watch an incident.")?,
            registry: new.0,
        }))
    }

    /// All of them in Prometheus' text format.
    pub fn render(&self) -> Result<String, Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| Error::Msg(error.to_string()))
    }

    /// `receiver` is a receiver's own name, of which there are few.
    pub fn alerts_received(&self, receiver: &str, alerts: usize, duplicates: usize) {
        self.alerts_received.with_label_values(&[receiver]).inc_by(count(alerts));
        self.alerts_duplicate.inc_by(count(duplicates));
    }

    pub fn webhook_rejected(&self, receiver: &str, reason: RejectReason) {
        self.webhook_rejected.with_label_values(&[receiver, reason.as_str()]).inc();
    }

    pub fn webhook_dropped(&self, receiver: &str, parts: usize) {
        self.webhook_dropped.with_label_values(&[receiver]).inc_by(count(parts));
    }

    pub fn incidents_open(&self, incidents: usize) {
        self.incidents_open.set(i64::try_from(incidents).unwrap_or(i64::MAX));
    }

    pub fn investigated(&self, verdict: Verdict, took: Duration) {
        let verdict = match verdict {
            Verdict::CauseFound => "cause_found",
            Verdict::Inconclusive => "inconclusive",
            Verdict::NotAnIncident => "not_an_incident",
        };
        self.investigations.with_label_values(&[verdict]).inc();
        self.investigation_seconds.observe(took.as_secs_f64());
    }

    pub fn otlp_received(&self, signal: Signal, items: u64) {
        let counter = match signal {
            Signal::Spans => &self.otlp_spans,
            Signal::Logs => &self.otlp_logs,
            Signal::Points => &self.otlp_points,
        };
        counter.inc_by(items);
    }

    /// `reason` is one of the decoder's or the window's own words.
    pub fn otlp_dropped(&self, signal: Signal, reason: &'static str, items: u64) {
        self.otlp_dropped.with_label_values(&[signal.as_str(), reason]).inc_by(items);
    }

    /// Items that left the window since the start, in all; `reason` as for [`Metrics::otlp_dropped`], and
    /// none that is counted there.
    pub fn otlp_gone(&self, signal: Signal, reason: &'static str, items: u64) {
        let counter = self.otlp_dropped.with_label_values(&[signal.as_str(), reason]);
        // two scrapes at once would both count the same difference
        let _one = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        counter.inc_by(items.saturating_sub(counter.get()));
    }

    pub fn otlp_bytes(&self, bytes: usize) {
        self.otlp_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// `source` is a configured name; `outcome` is `full`, `partial` or `missing`.
    pub fn source_queries(&self, source: &str, outcome: &'static str, queries: u32) {
        self.source_queries.with_label_values(&[source, outcome]).inc_by(u64::from(queries));
    }

    /// Counts a watcher until the guard is dropped.
    pub fn watcher(self: &Arc<Self>) -> Watcher {
        self.watchers.inc();
        Watcher(Arc::clone(self))
    }
}

/// A watcher that is there.
pub struct Watcher(Arc<Metrics>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.watchers.dec();
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

struct Register(Registry);

impl Register {
    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, Error> {
        let counter = IntCounter::new(name, help)?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Error> {
        let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(counters.clone()))?;
        Ok(counters)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, Error> {
        let gauge = IntGauge::new(name, help)?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
        let gauges = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Metrics, RejectReason, Signal};
    use crate::domain::Verdict;

    #[test]
    fn what_is_counted_is_rendered() {
        let metrics = Metrics::new().unwrap();
        metrics.alerts_received("alertmanager", 3, 1);
        metrics.webhook_rejected("pagerduty", RejectReason::Unauthorized);
        metrics.incidents_open(2);
        metrics.investigated(Verdict::CauseFound, Duration::from_millis(1500));
        metrics.otlp_received(Signal::Spans, 7);
        metrics.otlp_dropped(Signal::Logs, "cut", 5);
        metrics.otlp_gone(Signal::Logs, "age", 5);
        metrics.otlp_gone(Signal::Logs, "age", 7);
        metrics.source_queries("prometheus", "partial", 4);
        let one = metrics.watcher();
        let text = metrics.render().unwrap();
        for line in [
            "quell_alerts_received_total{receiver=\"alertmanager\"} 3",
            "quell_alerts_duplicate_total 1",
            "quell_webhook_rejected_total{reason=\"unauthorized\",receiver=\"pagerduty\"} 1",
            "quell_incidents_open 2",
            "quell_investigations_total{verdict=\"cause_found\"} 1",
            "quell_investigation_seconds_bucket{le=\"2.5\"} 1",
            "quell_investigation_seconds_bucket{le=\"1\"} 0",
            "quell_otlp_spans_total 7",
            "quell_otlp_dropped_total{reason=\"cut\",signal=\"logs\"} 5",
            "quell_otlp_dropped_total{reason=\"age\",signal=\"logs\"} 7",
            "quell_source_queries_total{outcome=\"partial\",source=\"prometheus\"} 4",
            "quell_watchers 1",
            "# TYPE quell_investigation_seconds histogram",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        drop(one);
        assert!(metrics.render().unwrap().contains("quell_watchers 0\n"));
    }
}
