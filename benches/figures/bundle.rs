//! A large recorded incident, made up from a fixed seed: one hour of twenty services that call each other
//! as a tree, and one of them runs out of connections after three quarters of it.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Result;
use serde_json::{Value, json};

use crate::bundle_metrics;

pub(crate) const SPANS: usize = 100_000;
pub(crate) const LOGS: usize = 50_000;
pub(crate) const SERIES: usize = 2_000;
pub(crate) const STEP_SECONDS: u64 = 15;
pub(crate) const FAULTY: &str = "inventory";

/// Each calls the two at twice its place, so that the first is where requests come in.
pub(crate) const SERVICES: [&str; 20] = [
    "frontend",
    "checkout",
    "search",
    "orders",
    "payments",
    "catalogue",
    "ranking",
    "cart",
    "shipping",
    "ledger",
    "fraud",
    FAULTY,
    "images",
    "profiles",
    "experiments",
    "sessions",
    "pricing",
    "carriers",
    "tariffs",
    "accounts",
];
/// 2026-03-02T08:00:00Z, in seconds.
pub(crate) const START: u64 = 1_772_438_400;
pub(crate) const LENGTH: u64 = 3_600;
/// When it breaks, and when the page comes, in seconds from the start.
pub(crate) const BREAKS: u64 = 2_700;
const PAGED: u64 = 2_880;
/// Spans and records in one line of a file, as a collector batches them.
const BATCH: usize = 100;
const MILLISECOND: u64 = 1_000_000;

/// Writes the bundle; gives the size of its files.
pub(crate) fn write(folder: &Path) -> Result<u64> {
    let mut random = Random(7);
    let traffic = Traffic::new(&mut random);
    lines(&folder.join("traces.jsonl"), "resourceSpans", "scopeSpans", "spans", traffic.spans)?;
    lines(&folder.join("logs.jsonl"), "resourceLogs", "scopeLogs", "logRecords", traffic.logs)?;
    bundle_metrics::write(&folder.join("metrics.jsonl"), &mut random)?;
    let at = |second: u64| format!("2026-03-02T08:{:02}:{:02}Z", second / 60, second % 60);
    let manifest = json!({
        "format": "quell.bundle/1", "name": "twenty-services",
        "window": { "start": at(0), "end": "2026-03-02T09:00:00Z" },
    });
    let alert = json!({
        "labels": { "alertname": "FrontendHighErrorRate", "service": "frontend", "severity": "critical" },
        "annotations": { "summary": "requests to frontend fail" }, "startsAt": at(PAGED),
    });
    let deploys = [("images", 1_200), ("search", 2_400), ("carriers", 2_650)].map(|(service, second)| {
        json!({ "kind": "deploy", "id": format!("deploy-{service}"), "service": service, "at": at(second),
                "title": format!("release {service}"), "versionFrom": "1.4.0", "versionTo": "1.5.0" })
        .to_string()
    });
    let edges: Vec<Value> = (1..SERVICES.len())
        .map(|place| json!({ "caller": SERVICES[parent(place)], "callee": SERVICES[place] }))
        .collect();
    fs::write(folder.join("manifest.json"), manifest.to_string())?;
    fs::write(folder.join("alerts.jsonl"), alert.to_string())?;
    fs::write(folder.join("changes.jsonl"), deploys.join("\n"))?;
    fs::write(folder.join("topology.json"), Value::from(edges).to_string())?;
    let sizes = fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len()));
    sizes.sum()
}

fn parent(place: usize) -> usize {
    (place - 1) / 2
}

pub(crate) fn resource(service: &str) -> Value {
    json!({ "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] })
}

pub(crate) fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Items with their service, in the order of time.
type Items = Vec<(usize, Value)>;

struct Traffic {
    spans: Items,
    logs: Items,
}

impl Traffic {
    fn new(random: &mut Random) -> Self {
        let mut traffic = Self { spans: Vec::with_capacity(SPANS + 16), logs: Vec::with_capacity(LOGS) };
        // a path through the tree has about seven spans
        let traces = SPANS as u64 / 7;
        let mut trace = 0;
        while traffic.spans.len() < SPANS {
            let nanoseconds = START * 1_000 * MILLISECOND + LENGTH * 1_000 * MILLISECOND * trace / traces;
            let at = nanoseconds.min((START + LENGTH - 10) * 1_000 * MILLISECOND);
            traffic.request(trace + 1, at, random);
            trace += 1;
        }
        traffic.spans.truncate(SPANS);
        while traffic.logs.len() < LOGS {
            let service = random.below(SERVICES.len() as u64) as usize;
            let at = START * 1_000 * MILLISECOND + random.below(LENGTH * 1_000 * MILLISECOND);
            let body =
                format!("GET /items/{} answered 200 in {} ms", random.below(90_000), 5 + random.below(40));
            traffic.log(service, at, 9, &body);
        }
        traffic.logs.truncate(LOGS);
        traffic
    }

    /// One request: a path from the first service down to some other.
    fn request(&mut self, trace: u64, at: u64, random: &mut Random) {
        let mut place = 1 + random.below(SERVICES.len() as u64 - 1) as usize;
        let mut path = vec![place];
        while place > 0 {
            place = parent(place);
            path.push(place);
        }
        let broken = at >= (START + BREAKS) * 1_000 * MILLISECOND;
        let (mut took, mut failed) = (0, false);
        // from the callee up: a caller takes as long as its callee and some more
        for (depth, place) in path.iter().enumerate() {
            let mut own = 4 + random.below(12);
            if broken && SERVICES[*place] == FAULTY {
                own += 1_500 + random.below(1_000);
                failed = random.below(10) < 6;
                if failed {
                    let body = format!("no connection from the pool after {own} ms: 16 of 16 in use");
                    self.log(*place, at + own * MILLISECOND, 17, &body);
                }
            }
            let level = (path.len() - 1 - depth) as u64;
            let start = at + level * MILLISECOND;
            let ids = trace << 8 | level << 1;
            let parent = if level == 0 { 0 } else { ids - 1 };
            if depth > 0 {
                let client = Span { id: ids + 1, parent: ids, kind: 3, start, took: took + 1, failed };
                self.span(*place, trace, client, "call");
            }
            took += own + 1;
            let server = Span { id: ids, parent, kind: 2, start, took, failed };
            self.span(*place, trace, server, "GET /items");
        }
    }

    fn span(&mut self, place: usize, trace: u64, span: Span, name: &str) {
        let code = if span.failed { 500 } else { 200 };
        let mut item = json!({
            "traceId": format!("{trace:032x}"), "spanId": format!("{:016x}", span.id), "name": name,
            "kind": span.kind, "startTimeUnixNano": span.start.to_string(),
            "endTimeUnixNano": (span.start + span.took * MILLISECOND).to_string(),
            "attributes": [
                text("http.request.method", "GET"), text("http.route", "/items/{id}"),
                { "key": "http.response.status_code", "value": { "intValue": code.to_string() } },
            ],
            "status": if span.failed { json!({ "code": 2 }) } else { json!({}) },
        });
        if span.parent != 0 {
            item["parentSpanId"] = format!("{:016x}", span.parent).into();
        }
        self.spans.push((place, item));
    }

    fn log(&mut self, place: usize, at: u64, severity: u64, body: &str) {
        let item = json!({ "timeUnixNano": at.to_string(), "severityNumber": severity, "body": { "stringValue": body } });
        self.logs.push((place, item));
    }
}

/// Times in milliseconds, but for the start.
struct Span {
    id: u64,
    parent: u64,
    kind: u64,
    start: u64,
    took: u64,
    failed: bool,
}

/// Writes items in batches of one service each.
fn lines(path: &Path, outer: &str, scope: &str, inner: &str, items: Items) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut batches: Vec<Vec<Value>> = SERVICES.iter().map(|_| Vec::new()).collect();
    let mut flush = |place: usize, batch: Vec<Value>| -> Result<()> {
        let line = json!({ outer: [{ "resource": resource(SERVICES[place]), scope: [{ inner: batch }] }] });
        Ok(writeln!(file, "{line}")?)
    };
    for (place, item) in items {
        batches[place].push(item);
        if batches[place].len() == BATCH {
            flush(place, std::mem::take(&mut batches[place]))?;
        }
    }
    for (place, batch) in batches.into_iter().enumerate().filter(|(_, batch)| !batch.is_empty()) {
        flush(place, batch)?;
    }
    Ok(())
}

/// SplitMix64: the same numbers on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}
