//! The material of one investigation, as the sources gave it.

use quell_sdk::signal::{CallEdge, Change, Labels, LogRecord, Series, Span, UnixNanos};

use super::hash::HashMap;

/// Telemetry of one stretch of time. Records are in ascending order of time.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    pub series: Vec<Series>,
    pub logs: Vec<LogRecord>,
    pub spans: Vec<Span>,
    /// What exporters say of the state of Kubernetes, apart from what services measure of themselves.
    pub states: Vec<Series>,
    /// Events of Kubernetes, apart from what services log.
    pub events: Vec<LogRecord>,
}

impl Telemetry {
    /// Series by name and labels; of several of one identity the first.
    pub(super) fn by_identity(&self) -> HashMap<(&str, &Labels), &Series> {
        let mut known = HashMap::default();
        for series in &self.series {
            known.entry((series.name.as_str(), &series.labels)).or_insert(series);
        }
        known
    }
}

/// Everything that was collected.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub now: Telemetry,
    /// A healthy recording of the same system; empty when there is none.
    pub reference: Telemetry,
    pub changes: Vec<Change>,
    pub edges: Vec<CallEdge>,
    /// The alerted service; empty when nothing names one.
    pub service: String,
    /// The Kubernetes namespace that the alerts name; empty when they name none.
    pub namespace: String,
}

/// The two stretches of time that are compared: normal before `onset`, the incident from it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    pub start: UnixNanos,
    pub onset: UnixNanos,
    pub end: UnixNanos,
    /// Nothing recorded before the onset is trusted as normal within this distance of it: the onset is an
    /// estimate.
    pub guard: UnixNanos,
}

impl Periods {
    /// End of the normal stretch.
    pub fn normal_until(&self) -> UnixNanos {
        self.onset - self.guard
    }

    /// Whether a moment belongs to the normal stretch.
    pub fn is_before(&self, at: UnixNanos) -> bool {
        at >= self.start && at < self.normal_until()
    }

    /// Whether a moment belongs to the incident.
    pub fn is_during(&self, at: UnixNanos) -> bool {
        at >= self.onset && at < self.end
    }

    /// Seconds of the normal stretch.
    pub fn seconds_before(&self) -> f64 {
        (self.normal_until() - self.start).max(0) as f64 / 1e9
    }

    /// Seconds of the incident.
    pub fn seconds_during(&self) -> f64 {
        (self.end - self.onset).max(0) as f64 / 1e9
    }
}
