//! Recorded incidents on Kubernetes, written here: web calls orders, orders calls stock, and a cluster says what it
//! says of their pods and nodes, as kube-state-metrics, the collector's receivers and event exporters put it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::authored::{FAULT, LENGTH, PAGE, attribute, lines, moment, nanos, resource};

/// Seconds between samples of states.
const SCRAPE: u64 = 15;
pub(super) const ORDERS: [&str; 2] = ["orders-5c8d7f9b64-k2x4z", "orders-5c8d7f9b64-q7w9d"];
pub(super) const STOCK: [&str; 2] = ["stock-7b9c6d5f48-h4n8v", "stock-7b9c6d5f48-z5t2b"];

/// An incident to be: add what the cluster says, then write it.
#[derive(Default)]
pub(super) struct Incident {
    metrics: Vec<Value>,
    logs: Vec<Value>,
    changes: Vec<Value>,
    /// Services that do not answer every third call, from when to when.
    down: Vec<(&'static str, f64, f64)>,
    /// Page labels beside the service.
    labels: Vec<(&'static str, &'static str)>,
    without_traces: bool,
}

fn labelled(labels: &[(&str, &str)]) -> Vec<Value> {
    labels.iter().map(|(key, value)| attribute(key, value)).collect()
}

impl Incident {
    pub(super) fn new() -> Self {
        Self { labels: vec![("namespace", "shop")], ..Self::default() }
    }

    pub(super) fn down(mut self, service: &'static str) -> Self {
        self.down.push((service, FAULT as f64, LENGTH as f64));
        self
    }

    pub(super) fn label(mut self, key: &'static str, value: &'static str) -> Self {
        self.labels.retain(|(known, _)| *known != key);
        self.labels.push((key, value));
        self
    }

    pub(super) fn without_traces(mut self) -> Self {
        self.without_traces = true;
        self
    }

    /// A deploy so many seconds into the recording.
    pub(super) fn deploy(mut self, id: &str, service: &str, at: u64) -> Self {
        self.changes.push(json!({
            "kind": "deploy", "id": id, "service": service, "at": moment(at), "title": format!("{service} release"),
            "versionFrom": "1.4.0", "versionTo": "1.5.0",
        }));
        self
    }

    /// A metric of kube-state-metrics over the recording: its value at each second, none where it is not exported.
    pub(super) fn state(
        mut self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl Fn(f64) -> Option<f64>,
    ) -> Self {
        let points: Vec<Value> = (0..LENGTH / SCRAPE)
            .filter_map(|number| {
                let at = (number * SCRAPE) as f64 + 3.0;
                let value = value(at)?;
                Some(json!({"timeUnixNano": nanos(at), "asDouble": value, "attributes": labelled(labels)}))
            })
            .collect();
        let metric = if name.ends_with("_total") {
            json!({"name": name, "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points}})
        } else {
            json!({"name": name, "gauge": {"dataPoints": points}})
        };
        self.metrics.push(json!({"resourceMetrics": [
            {"resource": resource("kube-state-metrics"), "scopeMetrics": [{"metrics": [metric]}]},
        ]}));
        self
    }

    /// A metric of the collector's cluster receiver: the object stands in the resource.
    pub(super) fn receiver(
        mut self,
        name: &str,
        of: &[(&str, &str)],
        value: impl Fn(f64) -> Option<f64>,
    ) -> Self {
        let points: Vec<Value> = (0..LENGTH / SCRAPE)
            .filter_map(|number| {
                let at = (number * SCRAPE) as f64 + 5.0;
                Some(json!({"timeUnixNano": nanos(at), "asInt": format!("{}", value(at)? as i64)}))
            })
            .collect();
        self.metrics.push(json!({"resourceMetrics": [{
            "resource": {"attributes": labelled(of)},
            "scopeMetrics": [{"metrics": [{"name": name, "unit": "{restart}", "gauge": {"dataPoints": points}}]}],
        }]}));
        self
    }

    /// An event as the collector's event receiver writes it.
    pub(super) fn event(self, at: f64, kind: &str, object: &str, reason: &str, message: &str) -> Self {
        self.event_in("shop", at, (kind, object), reason, message)
    }

    pub(super) fn event_in(
        mut self,
        namespace: &str,
        at: f64,
        (kind, object): (&str, &str),
        reason: &str,
        message: &str,
    ) -> Self {
        self.logs.push(json!({"resourceLogs": [{
            "resource": {"attributes": labelled(&[("k8s.object.kind", kind), ("k8s.object.name", object)])},
            "scopeLogs": [{"logRecords": [{
                "timeUnixNano": nanos(at), "severityNumber": 13, "body": {"stringValue": message},
                "attributes": labelled(&[
                    ("k8s.event.reason", reason), ("k8s.namespace.name", namespace), ("k8s.event.name", object),
                ]),
            }]}],
        }]}));
        self
    }

    /// An event as the whole object, as watches deliver it.
    pub(super) fn object(mut self, at: f64, object: &Value) -> Self {
        self.logs.push(json!({"resourceLogs": [{
            "resource": {"attributes": [attribute("k8s.resource.name", "events")]},
            "scopeLogs": [{"logRecords": [
                {"timeUnixNano": nanos(at), "body": {"stringValue": object.to_string()}},
            ]}],
        }]}));
        self
    }

    /// Whatever a hostile sender makes of a log record.
    pub(super) fn record(mut self, record: &Value) -> Self {
        self.logs.push(json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}));
        self
    }

    fn traces(&self) -> Vec<Value> {
        let is_down = |service: &str, at: f64, number: u64| {
            self.down.iter().any(|(down, from, to)| {
                *down == service && at >= *from && at < *to && number.is_multiple_of(3)
            })
        };
        (0..LENGTH / 2)
            .map(|number| {
                let at = number as f64 * 2.0;
                let trace = format!("{:032x}", number + 1);
                let id = |part: u64| format!("{:016x}", (number + 1) * 8 + part);
                let span = |part: u64, parent: Option<u64>, name: &str, kind: u8, from: f64, length: f64, failed: Option<String>| {
                    let jitter = (number % 7) as f64 * 0.0005;
                    let status = failed.map_or_else(|| json!({}), |message| json!({"code": 2, "message": message}));
                    json!({
                        "traceId": trace, "spanId": id(part), "parentSpanId": parent.map(id).unwrap_or_default(),
                        "name": name, "kind": kind, "status": status,
                        "startTimeUnixNano": nanos(at + from),
                        "endTimeUnixNano": nanos(at + from + length + jitter),
                    })
                };
                let refused = |service: &str| Some(format!("connect to {service}:8080: connection refused"));
                let of = |service: &str, pod: &str, spans: Vec<Value>| {
                    json!({
                        "resource": {"attributes": labelled(&[
                            ("service.name", service), ("k8s.pod.name", pod), ("k8s.namespace.name", "shop"),
                        ])},
                        "scopeSpans": [{"spans": spans}],
                    })
                };
                let (no_orders, no_stock) = (is_down("orders", at, number), is_down("stock", at, number));
                let failed = no_orders || no_stock;
                let gateway = |failed: bool| failed.then(|| "upstream failed".to_owned());
                let mut groups = vec![of("web", "web-6d4b8c7f95-p8s6r", vec![
                    span(1, None, "GET /buy", 2, 0.0, 0.060, gateway(failed)),
                    span(2, Some(1), "POST /orders", 3, 0.004, 0.050,
                        if no_orders { refused("orders") } else { gateway(failed) }),
                ])];
                if !no_orders {
                    groups.push(of("orders", ORDERS[(number % 2) as usize], vec![
                        span(3, Some(2), "POST /orders", 2, 0.006, 0.045, gateway(failed)),
                        span(4, Some(3), "GET /stock", 3, 0.010, 0.030, if no_stock { refused("stock") } else { None }),
                    ]));
                }
                if !failed {
                    groups.push(of("stock", STOCK[(number % 2) as usize], vec![
                        span(5, Some(4), "GET /stock", 2, 0.012, 0.025, None),
                    ]));
                }
                json!({"resourceSpans": groups})
            })
            .collect()
    }

    /// Writes the bundle into a folder.
    pub(super) fn write(self, folder: &Path) {
        let manifest = json!({
            "format": "quell.bundle/1", "name": "on kubernetes",
            "window": {"start": moment(0), "end": moment(LENGTH)},
        });
        let mut labels = json!({"alertname": "CheckoutFails", "service": "web", "severity": "critical"});
        for (key, value) in &self.labels {
            labels[*key] = json!(value);
        }
        let alert = json!({
            "source": "alertmanager", "status": "firing", "startsAt": moment(PAGE), "labels": labels,
            "annotations": {"summary": "checkout fails"},
        });
        let calm = json!({"resourceLogs": [{
            "resource": resource("web"),
            "scopeLogs": [{"logRecords": [{"timeUnixNano": nanos(1.0), "severityNumber": 9, "body": {"stringValue": "ready"}}]}],
        }]});
        let traces = if self.without_traces { Vec::new() } else { self.traces() };
        let files = [
            ("manifest.json", manifest.to_string()),
            ("alerts.jsonl", lines([alert])),
            ("changes.jsonl", lines(self.changes)),
            ("metrics.jsonl", lines(self.metrics)),
            ("logs.jsonl", lines(std::iter::once(calm).chain(self.logs))),
            ("traces.jsonl", lines(traces)),
        ];
        for (name, text) in files.into_iter().filter(|(_, text)| !text.is_empty()) {
            fs::write(folder.join(name), text).unwrap();
        }
    }
}
