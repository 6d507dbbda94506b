//! The series of the made-up incident: a hundred for each service.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Result;
use serde_json::{Value, json};

use crate::bundle::{BREAKS, FAULTY, LENGTH, Random, SERIES, SERVICES, START, STEP_SECONDS, resource, text};

const ROUTES: usize = 20;
const PODS: usize = 20;
const _: () = assert!(SERIES == SERVICES.len() * (4 * ROUTES + PODS));

/// Counters of one route.
#[derive(Clone, Default)]
struct Route {
    requests: u64,
    failures: u64,
}

/// Writes one export of each service for each step, as services do.
pub(crate) fn write(path: &Path, random: &mut Random) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut routes = vec![vec![Route::default(); ROUTES]; SERVICES.len()];
    for step in 0..LENGTH / STEP_SECONDS {
        let second = step * STEP_SECONDS;
        for (service, routes) in SERVICES.iter().zip(&mut routes) {
            let metrics = export(service, second, routes, random);
            let line = json!({ "resourceMetrics": [{
                "resource": resource(service), "scopeMetrics": [{ "metrics": metrics }],
            }] });
            writeln!(file, "{line}")?;
        }
    }
    Ok(())
}

fn export(service: &str, second: u64, routes: &mut [Route], random: &mut Random) -> Vec<Value> {
    let broken = service == FAULTY && second >= BREAKS;
    let at = ((START + second) * 1_000_000_000).to_string();
    let point =
        |labels: Value, value: f64| json!({ "timeUnixNano": at, "attributes": labels, "asDouble": value });
    let (mut requests, mut failures, mut latency, mut waiting) = (vec![], vec![], vec![], vec![]);
    for (number, route) in routes.iter_mut().enumerate() {
        let count = 40 + random.below(20);
        route.requests += count;
        route.failures += if broken { count / 2 } else { random.below(40) / 39 };
        let labels = json!([text("http.route", &format!("/items/{number}"))]);
        let milliseconds = if broken { 1_800 } else { 20 } + random.below(8);
        requests.push(point(labels.clone(), route.requests as f64));
        failures.push(point(labels.clone(), route.failures as f64));
        latency.push(point(labels.clone(), milliseconds as f64 / 1e3));
        waiting.push(point(labels, if broken { 30 + random.below(9) } else { random.below(2) } as f64));
    }
    let pods = (0..PODS).map(|pod| {
        let labels = json!([text("pod", &format!("{service}-{pod}"))]);
        point(labels, 0.3 + random.below(100) as f64 / 1e3)
    });
    let counter = |name: &str, points: Vec<Value>| json!({ "name": name, "sum": { "isMonotonic": true, "aggregationTemporality": 2, "dataPoints": points } });
    let gauge = |name: &str, points: Vec<Value>| json!({ "name": name, "gauge": { "dataPoints": points } });
    vec![
        counter("http.server.requests", requests),
        counter("http.server.errors", failures),
        gauge("http.server.latency.p95", latency),
        gauge("db.client.connection.pending_requests", waiting),
        gauge("process.cpu.utilization", pods.collect()),
    ]
}
