use std::sync::Arc;

use quell_sdk::{ChangeSource, LogsSource, MetricsSource, TopologySource, TracesSource, signal::Window};

/// Everything that an investigation may ask.
#[derive(Clone, Default)]
pub struct Sources {
    pub metrics: Vec<Arc<dyn MetricsSource>>,
    pub logs: Vec<Arc<dyn LogsSource>>,
    pub traces: Vec<Arc<dyn TracesSource>>,
    pub changes: Vec<Arc<dyn ChangeSource>>,
    pub topology: Vec<Arc<dyn TopologySource>>,
    /// A healthy recording of the same system, whose clock need not precede the incident.
    pub reference: Option<Reference>,
    /// Signals for which nothing is configured or recorded, with the reason, e.g. `("logs", "not recorded in
    /// the bundle")`: blind spots from the start.
    pub absent: Vec<(crate::domain::SignalKind, String)>,
}

/// A healthy recording.
#[derive(Clone)]
pub struct Reference {
    pub sources: Box<Sources>,
    pub window: Window,
}
