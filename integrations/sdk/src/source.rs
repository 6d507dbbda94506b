//! Capabilities of a source of signals.
//!
//! Every method takes the window it is about: a source never asks for the time itself. Methods return
//! `Err` only when nothing came back; half an answer is an [`Answer`] that says so.

use async_trait::async_trait;

use crate::{
    Answer, Result,
    signal::{CallEdge, Change, Labels, LogRecord, Series, Span, Window},
};

/// What to look for when it is not known which metrics exist.
#[derive(Clone, Debug)]
pub struct Discover {
    /// Services of interest: the suspect and its neighbours. Empty: all that the source holds.
    pub services: Vec<String>,
    /// Labels of the alert; a source narrows by those that it knows.
    pub labels: Labels,
    /// The firing rule's own expression, if the alert carried it.
    pub expr: Option<String>,
    pub window: Window,
    /// Distance of samples. A source may widen it to stay within its limits.
    pub step: std::time::Duration,
    pub budget: Budget,
}

/// What one request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub queries: u32,
    pub series: usize,
    pub samples: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { queries: 60, series: 10_000, samples: 5_000_000 }
    }
}

/// A source of metrics that answers PromQL.
#[async_trait]
pub trait MetricsSource: Send + Sync {
    /// Name in the configuration and in every piece of evidence.
    fn name(&self) -> &str;

    /// Whether the source holds its series itself, so that asking it for everything costs next to nothing.
    /// Others are asked about the suspect and its neighbours only.
    fn is_local(&self) -> bool {
        false
    }

    /// Finds the series of the services and returns them ready to read: gauges as they are, counters as
    /// rates, histograms as quantiles, each with the query that gives it.
    async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>>;

    /// Evaluates an expression over a window.
    async fn query_range(
        &self,
        expr: &str,
        window: Window,
        step: std::time::Duration,
    ) -> Result<Answer<Vec<Series>>>;
}

/// What logs to fetch.
#[derive(Clone, Debug)]
pub struct LogsQuery {
    /// Empty: all services.
    pub services: Vec<String>,
    pub window: Window,
    /// Most records to return; the answer says when there were more.
    pub limit: usize,
}

/// A source of logs that answers LogQL (or its own language, which then stands in the evidence).
#[async_trait]
pub trait LogsSource: Send + Sync {
    fn name(&self) -> &str;

    /// Records in ascending order of time.
    async fn logs(&self, query: &LogsQuery) -> Result<Answer<Vec<LogRecord>>>;

    /// Records that an expression selects, oldest first.
    async fn select(&self, expr: &str, window: Window, limit: usize) -> Result<Answer<Vec<LogRecord>>>;

    /// Evaluates an expression that counts records, such as `sum(count_over_time({...}[5m]))`, over a
    /// window.
    async fn query_range(
        &self,
        expr: &str,
        window: Window,
        step: std::time::Duration,
    ) -> Result<Answer<Vec<Series>>>;
}

/// What traces to fetch.
#[derive(Clone, Debug)]
pub struct TracesQuery {
    /// Traces that pass through any of these; empty: all.
    pub services: Vec<String>,
    pub window: Window,
    /// Most spans to return; the answer says when there were more.
    pub limit: usize,
}

/// A source of traces that answers TraceQL (or its own language).
#[async_trait]
pub trait TracesSource: Send + Sync {
    fn name(&self) -> &str;

    /// Spans that start within the window, in ascending order of start.
    async fn spans(&self, query: &TracesQuery) -> Result<Answer<Vec<Span>>>;

    /// Spans that an expression selects.
    async fn select(&self, expr: &str, window: Window, limit: usize) -> Result<Answer<Vec<Span>>>;
}

/// A source of changes.
#[async_trait]
pub trait ChangeSource: Send + Sync {
    fn name(&self) -> &str;

    /// Changes within the window, oldest first.
    async fn changes(&self, window: Window) -> Result<Answer<Vec<Change>>>;
}

/// A source that knows who calls whom.
#[async_trait]
pub trait TopologySource: Send + Sync {
    fn name(&self) -> &str;

    /// Known call edges, in order and without repeats.
    async fn edges(&self, window: Window) -> Result<Answer<Vec<CallEdge>>>;
}
