use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use quell_otlp::{Dropped, JsonError};
use quell_sdk::{Received, signal::Labels};

use super::Error;

/// What became of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Ids of the incidents that its alerts belong to.
    pub incidents: Vec<String>,
    /// Alerts that were known already.
    pub duplicates: usize,
}

/// The intake as the edge sees it.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes a delivery; what it held is on disk when this returns.
    async fn accept(&self, received: Received) -> Result<Accepted, Error>;

    /// Opens an incident for a person who asks about a service, and requests its investigation. Returns
    /// its id.
    async fn ask(&self, question: Question) -> Result<String, Error>;
}

/// What a person wants investigated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub service: String,
    /// When it was noticed.
    pub at: Timestamp,
    pub labels: Labels,
    /// Empty when it is about no alert in particular.
    pub alertname: String,
    /// Time until there must be an answer; `None`: as configured.
    pub budget: Option<Duration>,
}

/// What became of a push.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// Spans, records or points that were kept.
    pub items: usize,
    /// What was left out or cut on arrival.
    pub dropped: Dropped,
}

/// The in-memory window of pushed telemetry as the edge sees it.
pub trait Telemetry: Send + Sync {
    fn traces(&self, request: &ExportTraceServiceRequest, now: Timestamp) -> Pushed;
    fn logs(&self, request: &ExportLogsServiceRequest, now: Timestamp) -> Pushed;
    fn metrics(&self, request: &ExportMetricsServiceRequest, now: Timestamp) -> Pushed;
    fn traces_json(&self, text: &[u8], now: Timestamp) -> Result<Pushed, JsonError>;
    fn logs_json(&self, text: &[u8], now: Timestamp) -> Result<Pushed, JsonError>;
    fn metrics_json(&self, text: &[u8], now: Timestamp) -> Result<Pushed, JsonError>;
}
