//! A recorded incident written here: a shop whose database becomes slow after a deploy, with every signal.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

/// 2026-03-01T10:00:00Z.
const START: u64 = 1_772_359_200;
/// The recording, and when in it the deploy came and the page.
pub(super) const LENGTH: u64 = 1_800;
pub(super) const FAULT: u64 = 1_200;
pub(super) const PAGE: u64 = 1_440;

pub(super) fn nanos(second: f64) -> String {
    format!("{}", ((START as f64 + second) * 1e6).round() as u64 * 1_000)
}

pub(super) fn moment(second: u64) -> String {
    jiff::Timestamp::from_second((START + second) as i64).unwrap().to_string()
}

pub(super) fn attribute(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

pub(super) fn resource(service: &str) -> Value {
    json!({"attributes": [attribute("service.name", service)]})
}

pub(super) fn lines(values: impl IntoIterator<Item = Value>) -> String {
    values.into_iter().fold(String::new(), |mut text, value| {
        writeln!(text, "{value}").unwrap();
        text
    })
}

/// Requests every two seconds: web calls orders, which asks its database.
fn traces() -> impl Iterator<Item = Value> {
    (0..LENGTH / 2).map(|number| {
        let at = number as f64 * 2.0;
        let slow = at >= FAULT as f64;
        // Nothing is quite regular.
        let db = if slow { 0.9 } else { 0.02 } + (number % 7) as f64 * 0.001;
        let fails = slow && number % 3 == 0;
        let trace = format!("{:032x}", number + 1);
        let id = |part: u64| format!("{:016x}", (number + 1) * 8 + part);
        let span = |part: u64, parent: Option<u64>, name: &str, kind: u8, from: f64, length: f64| {
            json!({
                "traceId": trace, "spanId": id(part),
                "parentSpanId": parent.map(id).unwrap_or_default(),
                "name": name, "kind": kind,
                "startTimeUnixNano": nanos(at + from), "endTimeUnixNano": nanos(at + from + length),
                "status": if fails { json!({"code": 2, "message": "db \"orders\" timed out"}) } else { json!({}) },
                "attributes": if name == "SELECT orders" {
                    vec![attribute("db.system", "postgresql"), attribute("db.namespace", "orders-db")]
                } else {
                    vec![]
                },
            })
        };
        json!({"resourceSpans": [
            {"resource": resource("web"), "scopeSpans": [{"spans": [
                span(1, None, "GET /buy", 2, 0.0, db + 0.020),
                span(2, Some(1), "POST /orders", 3, 0.004, db + 0.012),
            ]}]},
            {"resource": resource("orders"), "scopeSpans": [{"spans": [
                span(3, Some(2), "POST /orders", 2, 0.006, db + 0.006),
                span(4, Some(3), "SELECT orders", 3, 0.008, db),
            ]}]},
        ]})
    })
}

fn logs() -> impl Iterator<Item = Value> {
    (0..LENGTH / 5).map(|number| {
        let at = number as f64 * 5.0;
        let record = |severity: u8, body: String| {
            json!({"timeUnixNano": nanos(at + 0.5), "severityNumber": severity, "body": {"stringValue": body}})
        };
        let mut records = vec![record(9, format!("order {} accepted for user {}", 1_000 + number, 70 + number % 9))];
        if at >= FAULT as f64 {
            records.push(record(17, format!("query \"orders\" (a|b) took {} ms: statement timeout [db.rs:42]", 900 + number)));
        }
        json!({"resourceLogs": [{"resource": resource("orders"), "scopeLogs": [{"logRecords": records}]}]})
    })
}

fn metrics() -> impl Iterator<Item = Value> {
    let mut requests = 0_u64;
    let mut failures = 0_u64;
    let bounds = [0.05, 0.1, 0.5, 1.0, 2.0];
    let mut buckets = [0_u64; 6];
    (0..LENGTH / 15).map(move |number| {
        let at = number as f64 * 15.0;
        let slow = at >= FAULT as f64;
        requests += 8;
        failures += if slow { 3 } else { 0 };
        buckets[if slow { 3 } else { 0 }] += 8;
        let time = nanos(at);
        let count = |name: &str, value: u64| {
            json!({"name": name, "unit": "1", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
                {"timeUnixNano": time, "asInt": value.to_string(), "attributes": [attribute("route", "/orders")]},
            ]}})
        };
        let level = |name: &str, value: f64| {
            json!({"name": name, "unit": "1", "gauge": {"dataPoints": [{"timeUnixNano": time, "asDouble": value}]}})
        };
        let waiting = if slow { 12.0 + (number % 4) as f64 } else { (number % 2) as f64 };
        json!({"resourceMetrics": [{"resource": resource("orders"), "scopeMetrics": [{"metrics": [
            count("http.server.requests", requests),
            count("http.server.errors", failures),
            level("db.client.connections.pending_requests", waiting),
            json!({"name": "http.server.request.duration", "unit": "s", "histogram": {
                "aggregationTemporality": 2, "dataPoints": [{
                    "timeUnixNano": time, "count": buckets.iter().sum::<u64>().to_string(),
                    "sum": buckets[0] as f64 * 0.03 + buckets[3] as f64 * 0.9,
                    "bucketCounts": buckets.map(|count| count.to_string()), "explicitBounds": bounds,
                    "attributes": [attribute("route", "/orders")],
                }],
            }}),
        ]}]}]})
    })
}

/// Writes the bundle into a folder.
pub(super) fn slow_database(folder: &Path) {
    let manifest = json!({
        "format": "quell.bundle/1", "name": "slow database",
        "window": {"start": moment(0), "end": moment(LENGTH)},
    });
    let alert = json!({
        "source": "alertmanager", "status": "firing", "startsAt": moment(PAGE),
        "labels": {"alertname": "SlowCheckout", "service": "web", "severity": "critical"},
        "annotations": {"summary": "checkout is slow"},
    });
    let change = |id: &str, service: &str, at: u64, title: &str| {
        json!({
            "kind": "deploy", "id": id, "service": service, "at": moment(at), "title": title,
            "versionFrom": "1.4.0", "versionTo": "1.5.0",
        })
    };
    let changes = [
        change("deploy-41", "web", 300, "new header"),
        change("deploy-42", "orders", FAULT - 20, "orders by customer"),
    ];
    let files = [
        ("manifest.json", manifest.to_string()),
        ("alerts.jsonl", lines([alert])),
        ("changes.jsonl", lines(changes)),
        ("traces.jsonl", lines(traces())),
        ("logs.jsonl", lines(logs())),
        ("metrics.jsonl", lines(metrics())),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}
