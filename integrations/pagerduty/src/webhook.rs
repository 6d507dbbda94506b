use quell_sdk::{
    AlertReceiver, Received, Rejection, Request,
    receiver::{
        Access,
        limits::{Limiter, MAX_KEY_BYTES},
    },
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    json::{object, text},
    legacy, signature, v3,
};

/// Configuration of the receiver of PagerDuty's webhooks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Secrets of the webhook subscriptions. Several during a rotation.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
    /// Credentials that may stand in for a signature: V2 webhooks carry none, and a custom header of
    /// a subscription may hold a token. Not asked for when a signature is there.
    #[serde(default)]
    pub access: Access,
}

/// Takes PagerDuty's webhooks apart.
///
/// PagerDuty disables a subscription for a day after three refusals, so everything that is signed and is
/// JSON is accepted, be its type known or not.
#[derive(Clone, Debug, Default)]
pub struct WebhookReceiver {
    config: WebhookConfig,
}

impl WebhookReceiver {
    /// Name in counters and as the source of its alerts.
    pub const NAME: &str = "pagerduty";

    pub fn new(config: WebhookConfig) -> Self {
        Self { config }
    }

    fn authenticate(&self, request: &Request) -> Result<(), Rejection> {
        let WebhookConfig { secrets, access } = &self.config;
        if secrets.is_empty() && access.is_open() {
            return Err(Rejection::Unauthorized(
                "no secret is configured; add the webhook subscription's secret to `secrets` of the \
                 pagerduty receiver"
                    .to_owned(),
            ));
        }
        match request.header("x-pagerduty-signature") {
            Some(header) if signature::verify(header, &request.body, secrets) => Ok(()),
            Some(_) => Err(Rejection::Unauthorized(
                "no signature matches a configured secret; compare `secrets` of the pagerduty receiver \
                 with the webhook subscription"
                    .to_owned(),
            )),
            None if access.is_open() => Err(Rejection::Unauthorized(
                "no x-pagerduty-signature header; use a V3 webhook subscription".to_owned(),
            )),
            None => access.check(request),
        }
    }
}

impl AlertReceiver for WebhookReceiver {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn receive(&self, request: &Request) -> Result<Received, Rejection> {
        self.authenticate(request)?;
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|error| Rejection::Malformed(format!("not a pagerduty webhook: {error}")))?;
        let mut limiter = Limiter::new(request.received_at);
        let mut received = Received::default();
        let mut body_id = None;
        if let Some(event) = body.as_object().and_then(|body| object(body, &["event"])) {
            body_id = text(event, "id");
            v3::read(event, request.received_at, &mut limiter, &mut received);
        } else if let Some(messages) = body.get("messages").and_then(Value::as_array) {
            body_id = messages.first().and_then(Value::as_object).and_then(|first| text(first, "id"));
            legacy::read(messages, request.received_at, &mut limiter, &mut received);
        } else {
            limiter.count("delivery: neither an event nor messages", 1);
        }
        let id = request.header("x-webhook-id").map(str::to_owned).filter(|id| !id.is_empty()).or(body_id);
        received.delivery_id = id.map(|id| limiter.text(format!("pagerduty:{id}"), MAX_KEY_BYTES));
        received.undated |= limiter.clamped();
        received.dropped = limiter.finish();
        Ok(received)
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
