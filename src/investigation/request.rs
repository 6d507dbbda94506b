use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Alert, Payload, Window};

/// What to investigate.
#[derive(Clone, Debug)]
pub struct Request {
    /// Id of the investigation.
    pub id: String,
    /// The alerted service; empty when the alerts name none.
    pub service: String,
    /// Alerts of the incident; may be empty when a person asks about a service.
    pub alerts: Vec<Alert>,
    /// The moment of the page, or the moment that the person asked about.
    pub at: Timestamp,
    /// What may be looked at. The engine finds the onset within it.
    pub window: Window,
    /// Wall time until there must be an answer.
    pub budget: Duration,
    /// Moves the onset that the engine finds, later when positive. For measuring how an answer bears a wrong
    /// onset; zero in all real use.
    pub onset_shift: SignedDuration,
}

impl Request {
    /// The service that these alerts name first; empty when they name none.
    pub fn service_of(alerts: &[Alert]) -> String {
        alerts.iter().find_map(|alert| alert.labels.get("service")).cloned().unwrap_or_default()
    }
}

/// Where the coordinator sends its events, in order. Implementations write them to the journal, print
/// them, or collect them; they must not block.
pub trait Emit: Send + Sync {
    fn emit(&self, payload: Payload);
}

impl<F: Fn(Payload) + Send + Sync> Emit for F {
    fn emit(&self, payload: Payload) {
        self(payload);
    }
}
