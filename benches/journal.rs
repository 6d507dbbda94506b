//! Events that the embedded journal puts on disk per second, and reads, and streams.
//!
//! `cargo bench --bench journal`. Every append is durable when it is counted. The data folder is a
//! temporary one; set `TMPDIR` to measure another disk.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run should stop")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use divan::{Bencher, counter::ItemsCount};
use futures::StreamExt;
use jiff::Timestamp;
use quell::{
    domain::{IncidentId, Payload},
    journal::{Append, Journal, Options, Position, SqliteJournal},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

struct Setup {
    runtime: Runtime,
    journal: Arc<SqliteJournal>,
    next: AtomicU64,
    _folder: TempDir,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let journal = Arc::new(SqliteJournal::open(folder.path(), Options::default()).unwrap());
        Self { runtime, journal, next: AtomicU64::new(0), _folder: folder }
    }

    /// Appends `total` events in batches from concurrent callers, each to incidents of its own.
    fn append(&self, callers: usize, batch: usize, total: usize, message_ids: bool) {
        let round = self.next.fetch_add(1, Ordering::Relaxed);
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..callers)
                .map(|caller| {
                    let journal = Arc::clone(&self.journal);
                    tokio::spawn(async move {
                        for number in 0..total / callers / batch {
                            let append = Append {
                                incident: IncidentId(format!("inc_{caller:032}")),
                                expected: None,
                                at: Timestamp::UNIX_EPOCH,
                                payloads: vec![event(); batch],
                                message_id: message_ids
                                    .then(|| format!("{:016x}-{round}-{caller}-{number}", scatter(number))),
                            };
                            journal.append(append).await.unwrap();
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

/// About 140 bytes of JSON.
fn event() -> Payload {
    Payload::NoteAdded {
        author: "bench".to_owned(),
        text: "p99 of checkout is 1.8 s, was 0.2 s; 412 of 900 spans wait for a connection of the pool"
            .to_owned(),
    }
}

/// Message ids come in no order.
fn scatter(number: usize) -> u64 {
    (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const SHAPES: [(usize, usize); 9] =
    [(1, 1), (8, 1), (64, 1), (1, 10), (8, 10), (64, 10), (1, 100), (8, 100), (64, 100)];

/// (callers, events per append).
#[divan::bench(args = SHAPES, sample_count = 10, sample_size = 1)]
fn append(bencher: Bencher<'_, '_>, (callers, batch): (usize, usize)) {
    let total = if callers * batch < 64 { 3_200 } else { 64_000 };
    let setup = Setup::new();
    bencher.counter(ItemsCount::new(total)).bench_local(|| setup.append(callers, batch, total, false));
}

/// (callers, events per append), each append with a message id.
#[divan::bench(args = [(64, 1), (64, 10), (512, 1)], sample_count = 10, sample_size = 1)]
fn append_once(bencher: Bencher<'_, '_>, (callers, batch): (usize, usize)) {
    const TOTAL: usize = 51_200;
    let setup = Setup::new();
    bencher.counter(ItemsCount::new(TOTAL)).bench_local(|| setup.append(callers, batch, TOTAL, true));
}

/// Pages of so many events.
#[divan::bench(args = [100, 1_000], sample_count = 10, sample_size = 1)]
fn read_all(bencher: Bencher<'_, '_>, page: usize) {
    const TOTAL: usize = 64_000;
    let setup = Setup::new();
    setup.append(64, 100, TOTAL, false);
    bencher.counter(ItemsCount::new(TOTAL)).bench_local(|| {
        setup.runtime.block_on(async {
            let mut after = Position(0);
            while let Some((last, _)) = setup.journal.read_all(after, page).await.unwrap().last() {
                after = *last;
            }
        });
    });
}

/// So many watchers of one incident, while 200 events are appended to it one by one.
#[divan::bench(args = [1, 100, 5_000], sample_count = 5, sample_size = 1)]
fn watch(bencher: Bencher<'_, '_>, watchers: usize) {
    const EVENTS: usize = 200;
    let setup = Setup::new();
    bencher.counter(ItemsCount::new(EVENTS * watchers)).bench_local(|| {
        setup.runtime.block_on(async {
            let incident = IncidentId(format!("inc_{:032}", 0));
            let after = setup.journal.read(&incident, 0, usize::MAX).await.unwrap().len() as u64;
            let watchers: Vec<_> = (0..watchers)
                .map(|_| tokio::spawn(setup.journal.follow(&incident, after).take(EVENTS).count()))
                .collect();
            tokio::time::sleep(Duration::from_millis(1)).await;
            let journal = Arc::clone(&setup.journal);
            tokio::spawn(async move {
                for _ in 0..EVENTS {
                    let append = Append {
                        incident: incident.clone(),
                        expected: None,
                        at: Timestamp::UNIX_EPOCH,
                        payloads: vec![event()],
                        message_id: None,
                    };
                    journal.append(append).await.unwrap();
                }
            });
            for watcher in watchers {
                assert_eq!(watcher.await.unwrap(), EVENTS);
            }
        });
    });
}
