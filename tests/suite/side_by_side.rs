//! What has to be told apart: two faults at once, and one change in two places.

use std::{fs, path::Path};

use assert_cmd::Command;
use serde_json::{Value, json};

use super::authored::{FAULT, LENGTH, PAGE, lines, moment, nanos, resource};

/// Requests every two seconds: web asks for orders, for a search, and for prices.
fn traces(orders_slow: bool, search_fails: bool) -> impl Iterator<Item = Value> {
    (0..LENGTH / 2).map(move |number| {
        let at = number as f64 * 2.0;
        let faulty = at >= FAULT as f64;
        let orders = if faulty && orders_slow { 0.7 } else { 0.02 } + (number % 7) as f64 * 0.001;
        let search = 0.015 + (number % 5) as f64 * 0.001;
        let prices = 0.005 + (number % 3) as f64 * 0.001;
        let fails = faulty && search_fails && number % 2 == 0;
        let trace = format!("{:032x}", number + 1);
        let id = |part: u64| format!("{:016x}", (number + 1) * 16 + part);
        let span = |part: u64, parent: Option<u64>, name: &str, kind: u8, from: f64, length: f64, failed: bool| {
            json!({
                "traceId": trace, "spanId": id(part), "parentSpanId": parent.map(id).unwrap_or_default(),
                "name": name, "kind": kind,
                "startTimeUnixNano": nanos(at + from), "endTimeUnixNano": nanos(at + from + length),
                "status": if failed { json!({"code": 2, "message": "index shard 3 is corrupt"}) } else { json!({}) },
            })
        };
        let whole = orders + search + prices + 0.030;
        let of = |service: &str, spans: Vec<Value>| json!({"resource": resource(service), "scopeSpans": [{"spans": spans}]});
        json!({"resourceSpans": [
            of("web", vec![
                span(1, None, "GET /", 2, 0.0, whole, fails),
                span(2, Some(1), "POST /orders", 3, 0.002, orders + 0.004, false),
                span(3, Some(1), "GET /search", 3, orders + 0.010, search + 0.004, fails),
                span(4, Some(1), "GET /prices", 3, orders + search + 0.020, prices + 0.004, false),
            ]),
            of("orders", vec![span(5, Some(2), "POST /orders", 2, 0.004, orders, false)]),
            of("search", vec![span(6, Some(3), "GET /search", 2, orders + 0.012, search, fails)]),
            of("prices", vec![span(7, Some(4), "GET /prices", 2, orders + search + 0.022, prices, false)]),
        ]})
    })
}

fn bundle(folder: &Path, traces: impl Iterator<Item = Value>, changes: Vec<Value>) {
    let manifest = json!({
        "format": "quell.bundle/1", "name": "side by side",
        "window": {"start": moment(0), "end": moment(LENGTH)},
    });
    let alert = json!({
        "source": "alertmanager", "status": "firing", "startsAt": moment(PAGE),
        "labels": {"alertname": "FrontPage", "service": "web"}, "annotations": {"summary": "the front page is bad"},
    });
    let files = [
        ("manifest.json", manifest.to_string()),
        ("alerts.jsonl", lines([alert])),
        ("changes.jsonl", lines(changes)),
        ("traces.jsonl", lines(traces)),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn investigated(folder: &Path) -> Value {
    let mut command = Command::cargo_bin("quell").unwrap();
    let done =
        command.args(["investigate", "--local", "-o", "json", "--bundle"]).arg(folder).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap()
}

fn because(answer: &Value) -> &str {
    answer["because"].as_str().unwrap()
}

#[test]
fn two_faults_at_once_are_both_named() {
    let folder = tempfile::tempdir().unwrap();
    bundle(folder.path(), traces(true, true), Vec::new());
    let answer = investigated(folder.path());
    let mut places: Vec<&str> = Vec::new();
    for hypothesis in answer["hypotheses"].as_array().unwrap() {
        let service = hypothesis["entity"]["service"].as_str().unwrap();
        if !places.contains(&service) {
            places.push(service);
        }
    }
    let mut first_two = places[..2].to_vec();
    first_two.sort_unstable();
    assert_eq!(first_two, ["orders", "search"], "{}", because(&answer));
    assert!(because(&answer).contains("apart from it, something else is wrong"), "{}", because(&answer));
    for one_alone in [traces(true, false), traces(false, true)] {
        bundle(folder.path(), one_alone, Vec::new());
        let answer = investigated(folder.path());
        assert!(!because(&answer).contains("apart from it"), "{}", because(&answer));
    }
}

#[test]
fn a_change_that_runs_elsewhere_in_health_is_suspect_less() {
    let deploy = |id: &str, service: &str, at: u64, version: &str| {
        json!({
            "kind": "config", "id": id, "service": service, "at": moment(at), "title": "raise the log level",
            "versionFrom": "7", "versionTo": version,
        })
    };
    let probability = |elsewhere: &str| -> (f64, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let changes = vec![
            deploy("config-1", "orders", FAULT - 60, "8"),
            deploy("config-2", "prices", FAULT - 90, elsewhere),
        ];
        bundle(folder.path(), traces(true, false), changes);
        let answer = investigated(folder.path());
        let hypotheses = answer["hypotheses"].as_array().unwrap();
        let of_change = hypotheses.iter().find(|hypothesis| hypothesis["changeId"] == "config-1").unwrap();
        let against = of_change["arguments"].as_array().unwrap().iter();
        let against = against.filter_map(|argument| argument["text"].as_str().map(str::to_owned)).collect();
        (of_change["probability"].as_f64().unwrap(), against)
    };
    let (same, told) = probability("8");
    let (other, _) = probability("9");
    assert!(told.iter().any(|text| text.starts_with("the same change runs on prices")), "{told:?}");
    assert!(same < other, "{same} {other}");
}
