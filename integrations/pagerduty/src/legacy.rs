//! V2 webhooks, unsupported by PagerDuty since 2022 and still sent: `{"messages": [...]}`.

use jiff::Timestamp;
use quell_sdk::{
    Received,
    receiver::{
        Note,
        limits::{Limiter, MAX_KEY_BYTES, MAX_TEXT_BYTES},
        raw::text_of,
    },
    signal::{Alert, AlertStatus},
};
use serde_json::Value;

use crate::{
    json::{Object, first_text, nested, object, present, text},
    v3::severity,
    webhook::WebhookReceiver,
};

/// Adds what the messages say; those of unknown types add nothing.
pub(crate) fn read(messages: &[Value], received_at: Timestamp, limiter: &mut Limiter, into: &mut Received) {
    let mut messages: Vec<&Value> = messages.iter().collect();
    limiter.alerts(&mut messages);
    for message in messages {
        let read = message.as_object().and_then(|message| one(message, received_at, limiter, into));
        if read.is_none() {
            limiter.count("messages: not of a known shape", 1);
        }
    }
}

fn one(message: &Object, received_at: Timestamp, limiter: &mut Limiter, into: &mut Received) -> Option<()> {
    let kind = text(message, "event")?;
    let incident = object(message, &["incident"])?;
    let id = text(incident, "id")?;
    let entry = message.get("log_entries").and_then(Value::as_array).and_then(|entries| entries.first());
    let entry = entry.and_then(Value::as_object);
    let group_key =
        limiter.text(first_text(incident, &["incident_key"]).unwrap_or_else(|| id.clone()), MAX_KEY_BYTES);
    let status = match kind.as_str() {
        "incident.trigger" | "incident.unacknowledge" => Some(AlertStatus::Firing),
        "incident.resolve" => Some(AlertStatus::Resolved),
        _ => None,
    };
    let happened_at = entry.and_then(|entry| text(entry, "created_at"));
    let happened_at = limiter.time(happened_at.as_deref()).unwrap_or(received_at);
    if let Some(status) = status {
        let starts_at = limiter.time(text(incident, "created_at").as_deref());
        into.undated |= starts_at.is_none();
        into.alerts.push(Alert {
            source: WebhookReceiver::NAME.to_owned(),
            status,
            labels: limiter.labels(labels(incident, &id)),
            annotations: limiter.annotations(annotations(incident, entry, &id)),
            starts_at: starts_at.unwrap_or(received_at),
            ends_at: (status == AlertStatus::Resolved).then_some(happened_at),
            generator_url: text(incident, "html_url").map(|url| limiter.text(url, MAX_TEXT_BYTES)),
            fingerprint: limiter.text(id, MAX_KEY_BYTES),
            group_key: Some(group_key),
        });
        return Some(());
    }
    // PagerDuty's own sentence, as "Acknowledged by Laura Haley".
    let summary = entry.and_then(|entry| text(entry, "summary"));
    let said = summary.or_else(|| kind.strip_prefix("incident.").map(str::to_owned))?;
    let author = entry.and_then(|entry| nested(entry, "agent", "summary"));
    into.notes.push(Note {
        group_key,
        at: happened_at,
        author: limiter.text(author.unwrap_or_else(|| "PagerDuty".to_owned()), MAX_KEY_BYTES),
        text: limiter.text(said, MAX_TEXT_BYTES),
    });
    Some(())
}

fn labels(incident: &Object, id: &str) -> impl Iterator<Item = (String, String)> + use<> {
    let title = first_text(incident, &["title", "description"]);
    let title = title.unwrap_or_else(|| format!("PagerDuty incident {id}"));
    let service =
        object(incident, &["service"]).and_then(|service| first_text(service, &["name", "summary"]));
    let priority = object(incident, &["priority"]).and_then(|one| first_text(one, &["summary", "name"]));
    let severity = severity(priority.as_deref(), text(incident, "urgency").as_deref());
    let severity = severity.map(str::to_owned);
    present([("alertname", Some(title)), ("service", service), ("severity", severity)])
}

fn annotations(
    incident: &Object,
    entry: Option<&Object>,
    id: &str,
) -> impl Iterator<Item = (String, String)> + use<> {
    // Unlike V3, V2 says what the monitor wrote.
    let details = entry
        .and_then(|entry| object(entry, &["channel"]))
        .and_then(|channel| channel.get("details"))
        .and_then(|details| text_of(details.clone()));
    present([
        ("summary", first_text(incident, &["title", "description"])),
        ("description", details),
        ("pagerduty_incident", Some(id.to_owned())),
        ("pagerduty_number", text(incident, "incident_number")),
        ("pagerduty_url", text(incident, "html_url")),
        ("urgency", text(incident, "urgency")),
    ])
}
