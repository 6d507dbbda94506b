//! Alerts that the intake de-duplicates, groups and puts on disk per second.
//!
//! `cargo bench --bench intake`. Every alert is durable when it is counted. The data folder is a temporary
//! one; set `TMPDIR` to measure another disk.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run should stop")]

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use divan::{Bencher, counter::ItemsCount};
use jiff::Timestamp;
use quell::{
    clock::SystemClock,
    intake::{Config, Intake},
    journal::{Journal, Options, SqliteJournal},
};
use quell_sdk::{
    Received,
    signal::{Alert, AlertStatus},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

struct Setup {
    runtime: Runtime,
    intake: Intake,
    round: AtomicU64,
    _folder: TempDir,
}

/// What the alerts of a round are.
#[derive(Clone, Copy, Debug)]
enum Load {
    /// New alerts of few groups: a storm.
    Storm,
    /// New alerts, each of a service of its own: an incident each.
    Incidents,
    /// Alerts that are known.
    Repeats,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let journal = SqliteJournal::open(folder.path(), Options::default()).unwrap();
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let start = Intake::start(journal, Arc::new(SystemClock), Config::default());
        let intake = runtime.block_on(start).unwrap();
        Self { runtime, intake, round: AtomicU64::new(0), _folder: folder }
    }

    /// Sends `total` alerts in deliveries of `batch` from concurrent senders.
    fn send(&self, load: Load, senders: usize, batch: usize, total: usize) {
        let round = match load {
            Load::Repeats => 0,
            Load::Storm | Load::Incidents => self.round.fetch_add(1, Ordering::Relaxed),
        };
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..senders)
                .map(|sender| {
                    let intake = self.intake.clone();
                    tokio::spawn(async move {
                        for delivery in 0..total / senders / batch {
                            let alerts = (0..batch)
                                .map(|number| {
                                    alert(load, &format!("{round}-{sender}-{delivery}-{number}"), sender)
                                })
                                .collect();
                            intake.accept(Received { alerts, ..Received::default() }).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

fn alert(load: Load, name: &str, sender: usize) -> Alert {
    let group = match load {
        Load::Storm | Load::Repeats => sender.to_string(),
        Load::Incidents => name.to_owned(),
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Alert {
        source: "alertmanager".to_owned(),
        status: AlertStatus::Firing,
        labels: [
            pair("alertname", "HighLatencyP95"),
            pair("service", &group),
            pair("instance", name),
            pair("cluster", "demo"),
            pair("severity", "warning"),
        ]
        .into(),
        annotations: [pair("summary", "p95 of checkout is 421 ms, was 80 ms")].into(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: None,
        generator_url: Some("http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1".to_owned()),
        fingerprint: name.to_owned(),
        group_key: Some(group),
    }
}

const SHAPES: [(usize, usize); 5] = [(1, 1), (64, 1), (8, 10), (64, 10), (8, 100)];

/// (senders, alerts per delivery).
#[divan::bench(args = SHAPES, sample_count = 5, sample_size = 1)]
fn storm(bencher: Bencher<'_, '_>, (senders, batch): (usize, usize)) {
    run(bencher, Load::Storm, senders, batch);
}

/// (senders, alerts per delivery), an incident for each alert.
#[divan::bench(args = [(64, 1), (64, 10)], sample_count = 5, sample_size = 1)]
fn incidents(bencher: Bencher<'_, '_>, (senders, batch): (usize, usize)) {
    run(bencher, Load::Incidents, senders, batch);
}

/// (senders, alerts per delivery).
#[divan::bench(args = [(64, 1), (64, 10)], sample_count = 5, sample_size = 1)]
fn repeats(bencher: Bencher<'_, '_>, (senders, batch): (usize, usize)) {
    run(bencher, Load::Repeats, senders, batch);
}

fn run(bencher: Bencher<'_, '_>, load: Load, senders: usize, batch: usize) {
    let total = if senders * batch < 64 { 1_600 } else { 12_800 };
    let setup = Setup::new();
    bencher.counter(ItemsCount::new(total)).bench_local(|| setup.send(load, senders, batch, total));
}
