use std::sync::Arc;

use quell_alertmanager::Receiver;
use quell_otlp::Window;
use quell_pagerduty::{ChangesReceiver, EventsReceiver, WebhookReceiver};
use quell_prometheus::Prometheus;
use quell_sdk::{ChangeSource, Integration, LogsSource, MetricsSource, TopologySource, TracesSource};

use crate::{
    api::Receivers,
    config::{Config, Otlp},
    investigation::Sources,
};

/// Why a configured thing cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source's configuration cannot work.
    #[error(transparent)]
    Source(#[from] quell_sdk::Error),
}

/// What a configuration comes to.
pub struct Registry {
    /// Those that ask another system, in the order of the configuration.
    pub integrations: Vec<Arc<dyn Integration>>,
    pub receivers: Receivers,
}

impl Registry {
    /// Builds everything that is configured. Nothing is asked yet.
    pub fn build(config: &Config) -> Result<Self, Error> {
        let mut integrations: Vec<Arc<dyn Integration>> = Vec::new();
        for (index, prometheus) in config.sources.prometheus.iter().enumerate() {
            integrations.push(Arc::new(Prometheus::new(&name("prometheus", index), prometheus)?));
        }
        let receivers = &config.receivers;
        Ok(Self {
            integrations,
            receivers: Receivers {
                alertmanager: Arc::new(Receiver::new(receivers.alertmanager.clone())),
                pagerduty: Arc::new(WebhookReceiver::new(receivers.pagerduty.clone())),
                events_v2: Arc::new(EventsReceiver::new(receivers.events_v2.clone())),
                change_events: Arc::new(ChangesReceiver::new(receivers.events_v2.clone())),
            },
        })
    }

    /// What an investigation may ask: what was pushed first, as it is the quickest.
    pub fn sources(&self, window: &Arc<Window>, changes: Arc<dyn ChangeSource>) -> Sources {
        let mut sources = Sources {
            metrics: vec![Arc::clone(window) as Arc<dyn MetricsSource>],
            logs: vec![Arc::clone(window) as Arc<dyn LogsSource>],
            traces: vec![Arc::clone(window) as Arc<dyn TracesSource>],
            changes: vec![changes],
            topology: vec![Arc::clone(window) as Arc<dyn TopologySource>],
            ..Sources::default()
        };
        self.add_to(&mut sources);
        sources
    }

    /// Adds what the integrations can be asked.
    pub fn add_to(&self, sources: &mut Sources) {
        for integration in &self.integrations {
            let can = integration.capabilities();
            sources.metrics.extend(can.metrics);
            sources.logs.extend(can.logs);
            sources.traces.extend(can.traces);
            sources.changes.extend(can.changes);
            sources.topology.extend(can.topology);
        }
    }
}

/// The bounds of the window of pushed telemetry.
pub fn window(config: &Otlp) -> quell_otlp::Config {
    quell_otlp::Config {
        max_bytes: usize::try_from(config.max_bytes).unwrap_or(usize::MAX),
        max_age: config.max_age,
        ..quell_otlp::Config::default()
    }
}

/// `prometheus`, `prometheus-2`, `prometheus-3`, ...
fn name(vendor: &str, index: usize) -> String {
    if index == 0 { vendor.to_owned() } else { format!("{vendor}-{}", index + 1) }
}
