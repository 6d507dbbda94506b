//! What a vendor crate offers to the program that assembles everything.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{AlertReceiver, ChangeSource, LogsSource, MetricsSource, TopologySource, TracesSource};

/// The capabilities that one configured integration brings.
#[derive(Clone, Default)]
pub struct Capabilities {
    pub metrics: Option<Arc<dyn MetricsSource>>,
    pub logs: Option<Arc<dyn LogsSource>>,
    pub traces: Option<Arc<dyn TracesSource>>,
    pub changes: Option<Arc<dyn ChangeSource>>,
    pub topology: Option<Arc<dyn TopologySource>>,
    pub receiver: Option<Arc<dyn AlertReceiver>>,
}

/// Outcome of a health check, as `quell doctor` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub ok: bool,
    /// What was found, e.g. `Prometheus 2.42.0, 214 series, scrape interval 15 s`.
    pub found: String,
    /// What to do next; empty when nothing is to be done.
    pub next_action: String,
}

/// A configured integration.
#[async_trait]
pub trait Integration: Send + Sync {
    /// Name in the configuration.
    fn name(&self) -> &str;

    fn capabilities(&self) -> Capabilities;

    /// Asks the other side the cheapest question that proves it usable.
    async fn health(&self) -> Health;
}
