use quell_sdk::{
    AlertReceiver, Received, Rejection, Request,
    receiver::{
        Note,
        limits::{Limiter, MAX_KEY_BYTES, MAX_TEXT_BYTES},
        raw::{Around, text_of},
    },
    signal::{Alert, AlertStatus},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    details,
    json::{Object, first_text, object, present, text},
    routing::EventsConfig,
};

/// Most characters of a `dedup_key`, as PagerDuty has it.
const MAX_DEDUP_KEY: usize = 255;

/// Takes `POST /v2/enqueue` of the Events API v2.
///
/// Alertmanager's notifications are taken apart into the alerts that they are about; events of other
/// tools become one alert each, known by its `dedup_key`.
#[derive(Clone, Debug, Default)]
pub struct EventsReceiver {
    config: EventsConfig,
}

impl EventsReceiver {
    /// Name in counters and as the source of its alerts.
    pub const NAME: &str = "events-v2";

    pub fn new(config: EventsConfig) -> Self {
        Self { config }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Trigger,
    Acknowledge,
    Resolve,
}

impl AlertReceiver for EventsReceiver {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn receive(&self, request: &Request) -> Result<Received, Rejection> {
        let body = self.config.open(request)?;
        let (action, dedup_key) = check(&body)?;
        let mut limiter = Limiter::new(request.received_at);
        let nothing = Object::new();
        let payload = object(&body, &["payload"]).unwrap_or(&nothing);
        let custom = object(payload, &["custom_details"]).unwrap_or(&nothing);
        let at = limiter.time(text(payload, "timestamp").as_deref()).unwrap_or(request.received_at);
        let around =
            Around { source: Self::NAME, group_key: Some(&dedup_key), status: AlertStatus::Firing, at };

        let mut received = Received::default();
        match action {
            Action::Trigger => {
                let wanted = [AlertStatus::Firing, AlertStatus::Resolved];
                let found = details::read(custom, around, &wanted, &mut limiter);
                received.undated = found.undated;
                received.alerts = found.alerts;
                if received.alerts.is_empty() {
                    // A monitor's timestamp is that of the event, and there is one for each repeat.
                    received.undated = true;
                    received.alerts.push(plain_alert(&body, payload, custom, around, &mut limiter));
                }
            }
            Action::Resolve => {
                let found = details::read(custom, around, &[AlertStatus::Resolved], &mut limiter);
                received.undated = found.undated || found.alerts.is_empty();
                received.alerts = found.alerts;
                received.alerts.push(Alert::group_end(Self::NAME, dedup_key.as_str(), at));
            }
            Action::Acknowledge => {
                let author = text(&body, "client").unwrap_or_else(|| Self::NAME.to_owned());
                received.notes.push(Note {
                    group_key: dedup_key.clone(),
                    at,
                    author: limiter.text(author, MAX_KEY_BYTES),
                    text: "acknowledged".to_owned(),
                });
            }
        }
        received.undated |= limiter.clamped();
        received.dropped = limiter.finish();
        received.reply =
            Some(json!({ "status": "success", "message": "Event processed", "dedup_key": dedup_key }));
        Ok(received)
    }
}

/// The action and the key of an event, or all that is wrong with it.
fn check(body: &Object) -> Result<(Action, String), Rejection> {
    let mut errors = Vec::new();
    let action = match text(body, "event_action").as_deref() {
        Some("trigger") => Some(Action::Trigger),
        Some("acknowledge") => Some(Action::Acknowledge),
        Some("resolve") => Some(Action::Resolve),
        Some(_) => {
            errors.push("'event_action' must be one of trigger, acknowledge, resolve");
            None
        }
        None => {
            errors.push("'event_action' is missing or blank");
            None
        }
    };
    let dedup_key = text(body, "dedup_key");
    if dedup_key.as_ref().is_some_and(|key| key.chars().count() > MAX_DEDUP_KEY) {
        errors.push("'dedup_key' is longer than 255 characters");
    }
    match action {
        Some(Action::Trigger) => match object(body, &["payload"]) {
            None => errors.push("'payload' is missing"),
            Some(payload) if text(payload, "summary").is_none() => {
                errors.push("'payload.summary' is missing or blank");
            }
            Some(_) => {}
        },
        Some(_) if dedup_key.is_none() => errors.push("'dedup_key' is missing or blank"),
        _ => {}
    }
    match action {
        Some(action) if errors.is_empty() => {
            Ok((action, dedup_key.unwrap_or_else(|| Uuid::now_v7().simple().to_string())))
        }
        _ => Err(Rejection::Malformed(errors.join("; "))),
    }
}

fn plain_alert(
    body: &Object,
    payload: &Object,
    custom: &Object,
    around: Around<'_>,
    limiter: &mut Limiter,
) -> Alert {
    let summary = text(payload, "summary").unwrap_or_default();
    let client = text(body, "client");
    let origin = text(payload, "source");
    // A monitor that names itself as the source says nothing about what is broken.
    let host = origin.clone().filter(|origin| Some(origin) != client.as_ref());
    let service = text(custom, "service").or_else(|| text(payload, "component")).or(host);
    let labels = [
        ("alertname", Some(summary.clone())),
        ("service", service),
        ("severity", text(payload, "severity")),
        ("source", origin),
        ("component", text(payload, "component")),
        ("group", text(payload, "group")),
        ("class", text(payload, "class")),
    ];
    let link = body.get("links").and_then(Value::as_array).and_then(|links| links.first());
    let link = link.and_then(|link| text(link.as_object()?, "href"));
    let annotations = [
        ("summary", Some(summary)),
        ("client", client),
        ("client_url", text(body, "client_url")),
        ("link", link),
    ];
    let said = custom.iter().filter_map(|(name, value)| Some((name.clone(), text_of(value.clone())?)));
    let labels = limiter.labels(present(labels));
    // The event's own fields come last: they win over details of the same name.
    let annotations = limiter.annotations(said.chain(present(annotations)));
    Alert {
        source: around.source.to_owned(),
        status: AlertStatus::Firing,
        labels,
        annotations,
        starts_at: around.at,
        ends_at: None,
        generator_url: first_text(body, &["client_url"]).map(|url| limiter.text(url, MAX_TEXT_BYTES)),
        fingerprint: around.group_key.unwrap_or_default().to_owned(),
        group_key: around.group_key.map(str::to_owned),
    }
}

#[cfg(test)]
#[path = "enqueue_tests.rs"]
mod tests;
