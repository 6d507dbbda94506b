//! V3 webhooks: one event each. `data.type` decides the shape of `data`, not the type of the event.

use jiff::Timestamp;
use quell_sdk::{
    Received,
    receiver::{
        Note,
        limits::{Limiter, MAX_KEY_BYTES, MAX_TEXT_BYTES},
    },
    signal::{Alert, AlertStatus},
};
use serde_json::Value;

use crate::{
    json::{Object, first_text, nested, object, present, text},
    webhook::WebhookReceiver,
};

/// Adds what an event says; types that are not known add nothing.
pub(crate) fn read(event: &Object, received_at: Timestamp, limiter: &mut Limiter, into: &mut Received) {
    let (Some(kind), Some(data)) = (text(event, "event_type"), object(event, &["data"])) else {
        limiter.count("event: without type or data", 1);
        return;
    };
    let occurred_at = limiter.time(text(event, "occurred_at").as_deref());
    let at = occurred_at.unwrap_or(received_at);

    if text(data, "type").as_deref() == Some("incident") {
        let status = match kind.as_str() {
            "incident.triggered" | "incident.reopened" | "incident.unacknowledged" => {
                Some(AlertStatus::Firing)
            }
            "incident.resolved" => Some(AlertStatus::Resolved),
            _ => None,
        };
        if let Some(status) = status {
            let created_at = limiter.time(text(data, "created_at").as_deref());
            let reopened_at = limiter.time(text(data, "reopened_at").as_deref());
            // A re-opened incident fires anew; its creation belongs to an earlier episode.
            let reopened_at = reopened_at.or_else(|| occurred_at.filter(|_| kind == "incident.reopened"));
            let starts_at = reopened_at.or(created_at).or(occurred_at);
            into.undated |= starts_at.is_none();
            match alert(data, status, starts_at.unwrap_or(at), at, limiter) {
                Some(alert) => into.alerts.push(alert),
                None => limiter.count("incident: without id", 1),
            }
        }
    }
    if let Some(text) = describe(&kind, data)
        && let Some(group_key) = group_of(data)
    {
        into.notes.push(Note {
            group_key: limiter.text(group_key, MAX_KEY_BYTES),
            at,
            author: limiter.text(author(event), MAX_KEY_BYTES),
            text: limiter.text(text, MAX_TEXT_BYTES),
        });
    }
}

fn alert(
    data: &Object,
    status: AlertStatus,
    starts_at: Timestamp,
    at: Timestamp,
    limiter: &mut Limiter,
) -> Option<Alert> {
    let id = text(data, "id")?;
    let title = first_text(data, &["title", "summary"]).unwrap_or_else(|| format!("PagerDuty incident {id}"));
    let urgency = text(data, "urgency");
    let priority = nested(data, "priority", "summary");
    let labels = [
        ("alertname", Some(title.clone())),
        ("service", nested(data, "service", "summary")),
        ("severity", severity(priority.as_deref(), urgency.as_deref()).map(str::to_owned)),
    ];
    let annotations = [
        ("summary", Some(title)),
        ("pagerduty_incident", Some(id.clone())),
        ("pagerduty_number", first_text(data, &["number", "incident_number"])),
        ("pagerduty_url", text(data, "html_url")),
        ("pagerduty_service", nested(data, "service", "id")),
        ("urgency", urgency),
        ("priority", priority),
    ];
    let labels = limiter.labels(present(labels));
    let annotations = limiter.annotations(present(annotations));
    Some(Alert {
        source: WebhookReceiver::NAME.to_owned(),
        status,
        labels,
        annotations,
        starts_at,
        ends_at: (status == AlertStatus::Resolved).then_some(at),
        generator_url: text(data, "html_url").map(|url| limiter.text(url, MAX_TEXT_BYTES)),
        fingerprint: limiter.text(id, MAX_KEY_BYTES),
        group_key: group_of(data).map(|key| limiter.text(key, MAX_KEY_BYTES)),
    })
}

/// `incident_key` where the data is an incident that has one, else the incident's id.
fn group_of(data: &Object) -> Option<String> {
    match text(data, "type").as_deref() {
        Some("incident") => first_text(data, &["incident_key", "id"]),
        Some("incident_role_assignment") => {
            let first = data.get("incident_role_assignments")?.as_array()?.first()?.as_object()?;
            nested(first, "incident", "id")
        }
        _ => nested(data, "incident", "id"),
    }
}

fn author(event: &Object) -> String {
    nested(event, "agent", "summary")
        .or_else(|| nested(event, "client", "name"))
        .unwrap_or_else(|| "PagerDuty".to_owned())
}

/// What a person would write into the timeline. `None` for what is no news to it, and for unknown types.
fn describe(kind: &str, data: &Object) -> Option<String> {
    let kind = kind.strip_prefix("incident.")?;
    let named = |what: &str, outer: &str| match nested(data, outer, "summary") {
        Some(name) => format!("{what} {name}"),
        None => what.to_owned(),
    };
    Some(match kind {
        "acknowledged" => "acknowledged".to_owned(),
        "unacknowledged" => "no longer acknowledged".to_owned(),
        "reopened" => "reopened".to_owned(),
        "reassigned" | "delegated" => people("assigned to", data),
        "escalated" => people("escalated to", data),
        "priority_updated" => named("priority set to", "priority"),
        "service_updated" => named("moved to service", "service"),
        "responder.added" => named("asked to respond:", "user"),
        "responder.replied" => {
            let answer = text(data, "state").unwrap_or_else(|| "replied".to_owned());
            format!("{}: {answer}", named("responder", "user"))
        }
        "role.assigned" => "role assigned".to_owned(),
        "annotated" => text(data, "content")?,
        "status_update_published" => format!("status update: {}", text(data, "message")?),
        "custom_field_values.updated" => "custom fields changed".to_owned(),
        "conference_bridge.updated" => named_text("conference bridge", data, &["conference_url"]),
        "incident_type.changed" => {
            named_text("type changed to", object(data, &["incident_type"])?, &["name"])
        }
        "workflow.started" => named("workflow started:", "incident_workflow"),
        "workflow.completed" => named("workflow completed:", "incident_workflow"),
        "action_invocation.created" | "action_invocation.updated" | "action_invocation.terminated" => {
            let state = text(data, "state").unwrap_or_else(|| "run".to_owned());
            format!("{} ({state})", named("automation action", "action"))
        }
        "task.created" | "task.updated" | "task.completed" => {
            let state = text(data, "status").unwrap_or_else(|| "open".to_owned());
            format!("{} ({state})", named_text("task", data, &["name", "summary"]))
        }
        "resolved" => merged_into(data).unwrap_or_else(|| "resolved".to_owned()),
        _ => return None,
    })
}

fn named_text(what: &str, data: &Object, names: &[&str]) -> String {
    first_text(data, names).map_or_else(|| what.to_owned(), |name| format!("{what} {name}"))
}

fn people(what: &str, data: &Object) -> String {
    let assignees = data.get("assignees").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<String> =
        assignees.iter().filter_map(|one| text(one.as_object()?, "summary")).take(10).collect();
    if names.is_empty() { format!("{what} nobody") } else { format!("{what} {}", names.join(", ")) }
}

/// `resolve_reason` is an object when the incident was merged into another.
fn merged_into(data: &Object) -> Option<String> {
    let reason = object(data, &["resolve_reason"])?;
    (text(reason, "type")? == "merge_resolve_reason").then(|| {
        let other = nested(reason, "incident", "summary").or_else(|| nested(reason, "incident", "id"));
        other
            .map_or_else(|| "merged into another incident".to_owned(), |other| format!("merged into {other}"))
    })
}

/// Priority names are the customer's own; P1 to P5 and SEV-1 to SEV-5 are what PagerDuty proposes. Without
/// a priority the urgency decides.
pub(crate) fn severity(priority: Option<&str>, urgency: Option<&str>) -> Option<&'static str> {
    let level = priority.and_then(|priority| priority.chars().find_map(|c| c.to_digit(10)));
    match (level, urgency) {
        (Some(0 | 1), _) => Some("critical"),
        (Some(2), _) => Some("error"),
        (Some(3), _) => Some("warning"),
        (Some(_), _) => Some("info"),
        (None, Some("high")) => Some("critical"),
        (None, Some("low")) => Some("warning"),
        (None, _) => None,
    }
}
