use quell_sdk::{
    AlertReceiver, Received, Rejection, Request,
    receiver::{
        Access,
        limits::Limiter,
        raw::{Around, status},
    },
    signal::AlertStatus,
};
use sha2::{Digest, Sha256};

use crate::webhook::Webhook;

/// Takes Alertmanager's webhooks apart.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    access: Access,
}

impl Receiver {
    /// Name in counters and as the source of its alerts.
    pub const NAME: &str = "alertmanager";

    /// Asks senders for `access`, as in Alertmanager's `http_config`. Alertmanager signs nothing: without
    /// credentials whoever reaches the port can send alerts.
    pub fn new(access: Access) -> Self {
        Self { access }
    }
}

impl AlertReceiver for Receiver {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn receive(&self, request: &Request) -> Result<Received, Rejection> {
        self.access.check(request)?;
        let mut limiter = Limiter::new(request.received_at);
        let (webhook, mut given) = Webhook::read(&request.body, &mut limiter)?;
        let truncated = webhook.truncated_alerts.unwrap_or(0);
        limiter.count(
            "alerts: left out by alertmanager (max_alerts)",
            usize::try_from(truncated).unwrap_or(usize::MAX),
        );
        limiter.alerts(&mut given);

        let key = webhook.group_key.as_deref().map(group_key);
        let around = Around {
            source: Self::NAME,
            group_key: key.as_deref(),
            // An alert of no known status is taken as firing: rather a page too many than one too few.
            status: webhook.status.as_deref().and_then(status).unwrap_or(AlertStatus::Firing),
            at: request.received_at,
        };
        let mut undated = false;
        let mut alerts = Vec::with_capacity(given.len());
        for raw in given {
            let (alert, dated) = raw.into_alert(around, &mut limiter);
            if alert.labels.is_empty() && alert.fingerprint.is_empty() {
                limiter.count("alerts: without labels and fingerprint", 1);
                continue;
            }
            undated |= !dated;
            alerts.push(alert);
        }
        undated |= limiter.clamped();
        Ok(Received { alerts, undated, dropped: limiter.finish(), ..Received::default() })
    }
}

/// The name of a group in Alertmanager's notifications to PagerDuty: SHA-256 of its key, in hex.
pub fn group_key(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
