use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use proptest::prelude::*;
use tempfile::TempDir;

use crate::{
    domain::Payload,
    journal::{
        Error, Journal, Options, Position, SqliteJournal,
        conformance::{Shared, append, conformance, finished, incident, note, requested},
    },
};

const LEASE: Duration = Duration::from_secs(60);

fn open(folder: &Path) -> SqliteJournal {
    SqliteJournal::open(folder, Options::default()).unwrap()
}

fn on_disk() -> (Shared, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Arc::new(open(folder.path())), folder)
}

conformance!(file, super::on_disk());
conformance!(
    memory,
    (
        std::sync::Arc::new(crate::journal::SqliteJournal::in_memory().unwrap())
            as crate::journal::conformance::Shared,
        ()
    )
);

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let id = incident("a");
    let mut delivery = append(&id, vec![note("1"), requested("inv_a"), requested("inv_b")]);
    delivery.message_id = Some("delivery".to_owned());
    let position = {
        let journal = open(folder.path());
        journal.append(delivery.clone()).await.unwrap();
        assert_eq!(journal.next_number().await.unwrap(), 1);
        assert_eq!(journal.claim("w", LEASE).await.unwrap().investigation, "inv_a");
        journal.append(append(&id, vec![finished("inv_b")])).await.unwrap();
        journal.read_all(Position(0), 10).await.unwrap().last().unwrap().0
    };
    let journal = open(folder.path());
    assert_eq!(journal.read(&id, 0, 10).await.unwrap().len(), 4);
    assert!(journal.append(delivery).await.unwrap().duplicate);
    assert_eq!(journal.next_number().await.unwrap(), 2);
    let claim = tokio::time::timeout(Duration::from_secs(5), journal.claim("w", LEASE)).await;
    let claim = claim.expect("work of the earlier process is free at once").unwrap();
    assert_eq!((claim.investigation.as_str(), claim.attempt), ("inv_a", 2));
    journal.append(append(&id, vec![note("5")])).await.unwrap();
    let after = journal.read_all(position, 10).await.unwrap();
    assert_eq!(after.iter().map(|(_, event)| event.seq).collect::<Vec<_>>(), [5]);
}

#[tokio::test]
async fn work_that_fails_again_and_again_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let work = vec![requested("inv_bad"), requested("inv_good")];
    open(folder.path()).append(append(&incident("a"), work)).await.unwrap();
    for attempt in 1..=5 {
        let claim = open(folder.path()).claim("w", LEASE).await.unwrap();
        assert_eq!((claim.investigation.as_str(), claim.attempt), ("inv_bad", attempt));
    }
    let journal = open(folder.path());
    assert_eq!(journal.claim("w", LEASE).await.unwrap().investigation, "inv_good");
    let late = tokio::time::timeout(Duration::from_secs(10), journal.claim("w", LEASE)).await;
    assert_eq!(late.expect("handed out after its pause").unwrap().attempt, 6);
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let refused = SqliteJournal::open(folder.path(), Options::default()).err().unwrap().to_string();
    assert!(refused.contains(&folder.path().display().to_string()), "{refused}");
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    first.close().await;
    open(folder.path());
}

#[tokio::test]
async fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    let refusal = || SqliteJournal::open(folder.path(), Options::default()).err().unwrap();

    std::fs::write(&file, "certainly not a database, but long enough to look at").unwrap();
    assert!(matches!(refusal(), Error::Corrupt { .. }), "{}", refusal());

    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(refusal().to_string().contains("another program"), "{}", refusal());

    std::fs::remove_file(&file).unwrap();
    drop(open(folder.path()));
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute("INSERT INTO schema_migrations VALUES (99, 'later', '')", [])
        .unwrap();
    assert!(refusal().to_string().contains("newer quell"), "{}", refusal());
}

#[tokio::test]
async fn corruption_names_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let id = incident("a");
    open(folder.path()).append(append(&id, vec![note("1"), note("2"), note("3"), note("4")])).await.unwrap();
    let damage = |sql: &str| {
        let connection = rusqlite::Connection::open(folder.path().join("journal.sqlite")).unwrap();
        assert_eq!(connection.execute(sql, []).unwrap(), 1);
    };
    damage("UPDATE events SET payload = '{\"type\":\"note_added\",' WHERE seq = 3");
    let journal = open(folder.path());
    assert_eq!(journal.read(&id, 0, 2).await.unwrap().len(), 2, "what is whole can be read");
    assert!(matches!(journal.read(&id, 0, 10).await, Err(Error::Corrupt { position: 3, .. })));
    assert!(matches!(journal.read_all(Position(0), 10).await, Err(Error::Corrupt { position: 3, .. })));
    drop(journal);
    damage("DELETE FROM events WHERE seq = 3");
    let gap = open(folder.path()).read(&id, 0, 10).await;
    assert!(
        matches!(&gap, Err(Error::Corrupt { position: 4, message, .. }) if message.contains("4 follows 2"))
    );
}

#[tokio::test]
async fn a_full_queue_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { queue: 4, queue_bytes: 1 << 20, readers: 1 };
    let journal = Arc::new(SqliteJournal::open(folder.path(), options).unwrap());
    // Somebody else writes meanwhile, so that the writer cannot keep up however fast this machine is.
    let other = rusqlite::Connection::open(folder.path().join("journal.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batches: Vec<_> = (0..200)
        .map(|number| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                let batch =
                    append(&incident("a"), vec![note(&"x".repeat(50_000)), note(&number.to_string())]);
                journal.append(batch).await
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    other.execute_batch("COMMIT").unwrap();
    let mut stored = 0;
    let mut overloaded = 0;
    for batch in batches {
        match batch.await.unwrap() {
            Ok(_) => stored += 1,
            Err(Error::Overloaded) => overloaded += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(overloaded > 0 && stored > 0, "{stored} stored, {overloaded} refused");
    assert_eq!(journal.read(&incident("a"), 0, 1_000).await.unwrap().len(), 2 * stored);
    // The bound is on what waits, not on what ever came.
    journal.append(append(&incident("a"), vec![note(&"y".repeat(2 << 20))])).await.unwrap();
}

#[tokio::test]
async fn people_can_read_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(append(&incident("a"), vec![note("hello")])).await.unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("journal.sqlite")).unwrap();
    let row: (String, i64, String, String, String) = connection
        .query_row("SELECT incident, seq, at, type, payload ->> 'text' FROM events_readable", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .unwrap();
    let expected = ("inc_a", 1, "2026-11-22T10:00:00.123Z", "note_added", "hello");
    assert_eq!((row.0.as_str(), row.1, row.2.as_str(), row.3.as_str(), row.4.as_str()), expected);
}

const CHILD: &str = "QUELL_JOURNAL_TEST_FOLDER";

/// Not a test by itself: what the killed process of the next test runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_until_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let journal = Arc::new(open(Path::new(&folder)));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let journal = Arc::clone(&journal);
        writers.spawn(async move {
            loop {
                let payloads = vec![note(&"x".repeat(700)), note("y")];
                let mut batch = append(&incident(&(writer % 4).to_string()), payloads);
                if writer == 0 {
                    batch.payloads.push(requested("inv"));
                }
                let appended = journal.append(batch).await.unwrap();
                println!("\nacknowledged {} {}", writer % 4, appended.last_seq);
            }
        });
    }
    writers.join_all().await;
}

#[tokio::test]
async fn acknowledged_events_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    for round in 0..5_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "journal::sqlite::tests::appends_until_killed", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // At a moment that depends on how fast the child runs.
        let mut left = 40 + 331 * round;
        for line in lines.map_while(Result::ok) {
            let mut words = line.split(' ');
            if words.next() == Some("acknowledged")
                && let (Some(name), Some(Ok(seq))) = (words.next(), words.next().map(str::parse::<u64>))
            {
                let known = acknowledged.entry(name.to_owned()).or_default();
                *known = seq.max(*known);
                left = left.saturating_sub(1);
                if left == 0 {
                    child.kill().unwrap();
                }
            }
        }
        assert!(!child.wait().unwrap().success());
        assert_eq!(left, 0, "the child ended by itself");

        let journal = open(folder.path());
        for (name, seq) in &acknowledged {
            let events = journal.read(&incident(name), 0, usize::MAX).await.unwrap();
            let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
            assert!(numbers.len() as u64 >= *seq, "event {seq} of {name} was acknowledged and is gone");
        }
        let asked = journal.read(&incident("0"), 0, usize::MAX).await.unwrap();
        let asked = asked.iter().any(|event| matches!(event.payload, Payload::InvestigationRequested { .. }));
        let claim = tokio::time::timeout(Duration::from_secs(5), journal.claim("w", LEASE)).await;
        assert_eq!(claim.is_ok(), asked, "an event and its work go in together");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is appended in whichever groups: numbers run 1, 2, 3, ... in each incident, and the log
    /// of all incidents holds the same events.
    #[test]
    fn numbering_has_no_gaps(
        requests in prop::collection::vec(
            prop::collection::vec(
                (0..4_usize, 0..4_usize, prop::option::of(0..6_u8), prop::option::of(0..6_u64)),
                1..4,
            ),
            1..40,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let journal = Arc::new(SqliteJournal::in_memory().unwrap());
            let tasks: Vec<_> = requests.into_iter().map(|request| {
                let journal = Arc::clone(&journal);
                let batches = request.into_iter().map(|(name, count, message, expected)| {
                    let mut batch = append(&incident(&name.to_string()), vec![note("x"); count]);
                    batch.message_id = message.map(|message| message.to_string());
                    batch.expected = expected;
                    batch
                }).collect::<Vec<_>>();
                tokio::spawn(async move {
                    let counts: Vec<_> = batches.iter().map(|batch| batch.payloads.len()).collect();
                    match journal.append_all(batches).await {
                        Ok(done) => done.iter().zip(counts)
                            .map(|(one, count)| if one.duplicate { 0 } else { count }).sum(),
                        Err(Error::Conflict { .. }) => 0,
                        Err(error) => panic!("{error}"),
                    }
                })
            }).collect();
            let mut stored = 0;
            for task in tasks {
                stored += task.await.unwrap();
            }
            let mut read = 0;
            for name in 0..4 {
                let events = journal.read(&incident(&name.to_string()), 0, usize::MAX).await.unwrap();
                read += events.len();
                let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
                assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
            }
            assert_eq!(read, stored);
            assert_eq!(journal.read_all(Position(0), usize::MAX).await.unwrap().len(), stored);
        });
    }
}
