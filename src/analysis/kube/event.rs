//! Kubernetes events in log records, as the cluster's receivers of OpenTelemetry and event exporters write them.
//!
//! Either the fields stand in attributes (`k8s.event.reason`, the message as the body), or the body is the Event
//! object itself as JSON, perhaps wrapped by a watch. All of it is text that somebody sent: counts and times are
//! bounded, what cannot be read is left out.

use jiff::Timestamp;
use quell_sdk::signal::{LogRecord, UnixNanos};
use serde_json::Value;

/// Most that one event counts, and most characters of its message that are kept.
const MOST: f64 = 10_000.0;
const MESSAGE: usize = 400;

/// One event, as one record tells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// When it happened last.
    pub at: UnixNanos,
    /// When it happened first, where that is said.
    pub first: Option<UnixNanos>,
    /// How often it happened so far, at least 1.
    pub count: f64,
    pub reason: String,
    pub message: String,
    /// The object that it is about.
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// Where the object runs; empty when unknown.
    pub node: String,
    /// Of the event itself; empty when unknown.
    pub uid: String,
    /// The record holds the object as JSON.
    pub is_json: bool,
}

/// Whether a log record is an event of a cluster rather than something that a service logs.
pub(super) fn is_event(record: &LogRecord) -> bool {
    has_attribute(record) || (looks_like_json(&record.body) && parse_body(&record.body).is_some())
}

fn has_attribute(record: &LogRecord) -> bool {
    record.attributes.iter().any(|(key, value)| &**key == "k8s.event.reason" && !value.is_empty())
}

/// Cheap, since it is asked of every line.
fn looks_like_json(body: &str) -> bool {
    body.starts_with('{')
        && (body.contains("\"involvedObject\"") || body.contains("\"regarding\""))
        && body.contains("\"reason\"")
}

/// The event of a record, if it is one.
pub(super) fn read(record: &LogRecord) -> Option<Event> {
    let event = if has_attribute(record) { of_attributes(record) } else { of_json(record) }?;
    (!event.reason.is_empty() && !event.name.is_empty()).then_some(event)
}

fn of_attributes(record: &LogRecord) -> Option<Event> {
    let get = |name: &str| {
        record.attributes.iter().find(|(key, _)| &**key == name).map_or("", |(_, value)| &**value)
    };
    let kind = get("k8s.object.kind");
    let named = get("k8s.object.name");
    let name = match (named, kind) {
        ("", "Node") => get("k8s.node.name"),
        ("", _) => &*record.pod,
        (name, _) => name,
    };
    let first = time(get("k8s.event.start_time"));
    Some(Event {
        at: record.at,
        first: first.filter(|first| *first <= record.at),
        count: get("k8s.event.count").parse().ok().map_or(1.0, bounded),
        reason: get("k8s.event.reason").chars().take(64).collect(),
        message: record.body.chars().take(MESSAGE).collect(),
        kind: if kind.is_empty() { "Pod".to_owned() } else { kind.to_owned() },
        namespace: get("k8s.namespace.name").to_owned(),
        name: name.to_owned(),
        node: get("k8s.node.name").to_owned(),
        uid: get("k8s.event.uid").to_owned(),
        is_json: false,
    })
}

fn parse_body(body: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(body).ok()?;
    // A watch sends {"type": "ADDED", "object": {...}}.
    if let Some(object) = value.get_mut("object").map(Value::take).filter(Value::is_object) {
        value = object;
    }
    let about = value.get("involvedObject").or_else(|| value.get("regarding"));
    (about.is_some_and(Value::is_object) && value.get("reason").is_some_and(Value::is_string))
        .then_some(value)
}

fn of_json(record: &LogRecord) -> Option<Event> {
    if !looks_like_json(&record.body) {
        return None;
    }
    let value = parse_body(&record.body)?;
    let about = value.get("involvedObject").or_else(|| value.get("regarding"))?;
    let text = |value: &Value, path: &[&str]| {
        path.iter()
            .try_fold(value, |value, key| value.get(*key))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let moment = |path: &[&str]| time(&text(&value, path));
    let last = moment(&["series", "lastObservedTime"])
        .or_else(|| moment(&["lastTimestamp"]))
        .or_else(|| moment(&["deprecatedLastTimestamp"]))
        .or_else(|| moment(&["eventTime"]))
        .or_else(|| moment(&["firstTimestamp"]));
    let at = last.unwrap_or(record.at);
    let first = moment(&["firstTimestamp"])
        .or_else(|| moment(&["deprecatedFirstTimestamp"]))
        .or_else(|| moment(&["eventTime"]));
    let count = value
        .get("series")
        .and_then(|series| series.get("count"))
        .or_else(|| value.get("count"))
        .or_else(|| value.get("deprecatedCount"))
        .and_then(Value::as_f64);
    let mut message = text(&value, &["message"]);
    if message.is_empty() {
        message = text(&value, &["note"]);
    }
    Some(Event {
        at,
        first: first.filter(|first| *first <= at),
        count: count.map_or(1.0, bounded),
        reason: text(&value, &["reason"]).chars().take(64).collect(),
        message: message.chars().take(MESSAGE).collect(),
        kind: text(about, &["kind"]),
        namespace: text(about, &["namespace"]),
        name: text(about, &["name"]),
        node: Some(text(&value, &["source", "host"]))
            .filter(|host| !host.is_empty())
            .unwrap_or_else(|| text(&value, &["deprecatedSource", "host"])),
        uid: text(&value, &["metadata", "uid"]),
        is_json: true,
    })
}

fn bounded(count: f64) -> f64 {
    if count.is_finite() { count.clamp(1.0, MOST) } else { 1.0 }
}

/// RFC 3339, or as Go prints a time: `2026-03-01 10:00:00 +0000 UTC`.
fn time(text: &str) -> Option<UnixNanos> {
    let rfc = || text.parse::<Timestamp>().ok();
    let go = || {
        let mut parts = text.split(' ');
        let (day, hour, zone) = (parts.next()?, parts.next()?, parts.next()?);
        format!("{day}T{hour}{zone}").parse::<Timestamp>().ok()
    };
    let at = rfc().or_else(go)?;
    // Go's zero time, year 1, is no time.
    i64::try_from(at.as_nanosecond()).ok().filter(|nanos| *nanos > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubernetes_and_go_write_them() {
        let at = Some(1_772_359_200_000_000_000);
        assert_eq!(time("2026-03-01T10:00:00Z"), at);
        assert_eq!(time("2026-03-01 10:00:00 +0000 UTC"), at);
        for none in ["", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +0000 UTC", "null", "soon"] {
            assert_eq!(time(none), None, "{none}");
        }
    }

    #[test]
    fn counts_are_bounded() {
        for (count, read) in [(3.0, 3.0), (-4.0, 1.0), (f64::NAN, 1.0), (1e300, MOST), (0.0, 1.0)] {
            assert!((bounded(count) - read).abs() < 1e-9, "{count}");
        }
    }
}
