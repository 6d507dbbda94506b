use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Bundle;
use crate::investigation::Request;

impl Bundle {
    /// The investigation that the recorded alerts call for. `service` and `at` take the place of what the
    /// alerts say; an empty service and no moment leave it to them. `None` when it is said nowhere.
    pub fn request(&self, service: &str, at: Option<Timestamp>, budget: Duration) -> Option<Request> {
        let service = if service.is_empty() { Request::service_of(&self.alerts) } else { service.to_owned() };
        let at = at.or_else(|| self.alerts.iter().map(|alert| alert.starts_at).min())?;
        (!service.is_empty()).then(|| Request {
            id: "inv_bundle".to_owned(),
            service,
            alerts: self.alerts.clone(),
            at,
            window: self.manifest.window,
            budget,
            onset_shift: SignedDuration::ZERO,
        })
    }
}
