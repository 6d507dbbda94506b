use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Error, Filter, History};
use crate::{
    domain::{
        Alert, AlertStatus, Coverage, Incident, IncidentId, IncidentStatus, InvestigationStatus, Payload,
        SignalKind,
    },
    journal::{Append, Journal, Options, SqliteJournal},
};

fn id(number: u64) -> IncidentId {
    IncidentId(format!("inc_{number:032}"))
}

fn at(minute: u64) -> Timestamp {
    let start: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute as i64)
}

fn opened(number: u64, service: &str) -> Payload {
    Payload::IncidentOpened {
        number,
        title: format!("{service} is slow"),
        service: service.to_owned(),
        severity: "page".to_owned(),
    }
}

fn alerts(name: &str, status: AlertStatus) -> Payload {
    let alert = Alert {
        source: "alertmanager".to_owned(),
        status,
        labels: [("alertname".to_owned(), name.to_owned())].into(),
        annotations: [].into(),
        starts_at: at(0),
        ends_at: None,
        generator_url: None,
        fingerprint: name.to_owned(),
        group_key: None,
    };
    Payload::AlertsReceived { alerts: vec![alert] }
}

fn resolved() -> Payload {
    Payload::IncidentResolved { because: "all alerts are resolved".to_owned() }
}

fn started(attempt: u32) -> Payload {
    Payload::InvestigationStarted { investigation: "inv".to_owned(), attempt }
}

fn coverage() -> Payload {
    let coverage = Coverage {
        source: "prometheus".to_owned(),
        signal: SignalKind::Metrics,
        completeness: crate::domain::Completeness::Full,
        items: 3,
        queries: 1,
        took: std::time::Duration::from_millis(5),
    };
    Payload::CoverageReported { coverage }
}

async fn append(journal: &Arc<dyn Journal>, incident: &IncidentId, minute: u64, payloads: Vec<Payload>) {
    let batch =
        Append { incident: incident.clone(), expected: None, at: at(minute), payloads, message_id: None };
    journal.append(batch).await.unwrap();
}

fn in_memory() -> Arc<dyn Journal> {
    Arc::new(SqliteJournal::in_memory().unwrap())
}

fn on_disk(folder: &Path) -> Arc<dyn Journal> {
    Arc::new(SqliteJournal::open(folder, Options::default()).unwrap())
}

async fn everything(history: &History) -> Vec<Incident> {
    history.list(Filter { limit: 1_000, ..Filter::default() }).await.unwrap()
}

async fn numbers(history: &History, filter: Filter) -> Vec<u64> {
    history.list(filter).await.unwrap().iter().map(|incident| incident.number).collect()
}

#[tokio::test]
async fn list_is_newest_first_and_filters() {
    let journal = in_memory();
    let history = History::open(Arc::clone(&journal), None).await.unwrap();
    for number in 1..=5 {
        let service = if number % 2 == 0 { "cart" } else { "checkout" };
        append(&journal, &id(number), number, vec![opened(number, service)]).await;
    }
    append(&journal, &id(2), 9, vec![resolved()]).await;
    append(&journal, &id(5), 9, vec![resolved()]).await;

    assert_eq!(numbers(&history, Filter::default()).await, [5, 4, 3, 2, 1]);
    assert_eq!(numbers(&history, Filter { limit: 2, ..Filter::default() }).await, [5, 4]);
    let open = Filter { status: Some(IncidentStatus::Open), ..Filter::default() };
    assert_eq!(numbers(&history, open).await, [4, 3, 1]);
    let cart = Filter { service: Some("cart".to_owned()), ..Filter::default() };
    assert_eq!(numbers(&history, cart).await, [4, 2]);
    let late = Filter { since: Some(at(4)), ..Filter::default() };
    assert_eq!(numbers(&history, late).await, [5, 4]);
    let both = Filter {
        status: Some(IncidentStatus::Resolved),
        service: Some("checkout".to_owned()),
        ..Filter::default()
    };
    assert_eq!(numbers(&history, both).await, [5]);
}

#[tokio::test]
async fn an_acknowledged_append_is_seen() {
    let journal = in_memory();
    let history = History::open(Arc::clone(&journal), None).await.unwrap();
    for number in 1..=50 {
        append(&journal, &id(number), number, vec![opened(number, "cart")]).await;
        assert_eq!(history.resolve(&format!("INC-{number}")).await.unwrap(), Some(id(number)));
        assert_eq!(numbers(&history, Filter { limit: 1, ..Filter::default() }).await, [number]);
    }
}

#[tokio::test]
async fn one_incident_by_any_of_its_names() {
    let journal = in_memory();
    append(&journal, &id(7), 0, vec![opened(7, "cart"), alerts("slow", AlertStatus::Firing)]).await;
    append(&journal, &IncidentId("inc_stray".to_owned()), 0, vec![resolved()]).await;
    let history = History::open(Arc::clone(&journal), None).await.unwrap();
    for name in [id(7).0.as_str(), "INC-7", "inc-7", " 7 ", "INC-007"] {
        let incident = history.get(name).await.unwrap();
        assert_eq!(incident.map(|incident| incident.number), Some(7), "{name}");
    }
    for name in ["inc_", "inc_stray", "INC-8", "INC-", "", "-7", "+7", "7x", "INC-99999999999999999999"] {
        assert_eq!(history.get(name).await.unwrap(), None, "{name}");
    }
}

#[tokio::test]
async fn a_running_investigation_shows_its_newest_ranking() {
    let journal = in_memory();
    let history = History::open(Arc::clone(&journal), None).await.unwrap();
    let ranking = |claim: &str| {
        let hypothesis = crate::domain::Hypothesis {
            id: crate::domain::HypothesisId(1),
            entity: crate::domain::Entity::service("cart"),
            fault: crate::domain::FaultClass::ALL[0],
            change_id: None,
            runbook: None,
            claim: claim.to_owned(),
            prior: -3.0,
            arguments: Vec::new(),
            probability: 0.5,
            onset: None,
            propagation: Vec::new(),
        };
        Payload::RankingChanged { hypotheses: vec![hypothesis], recovery_paths: Vec::new() }
    };
    let start = vec![opened(1, "cart"), started(1), coverage(), ranking("first"), ranking("second")];
    append(&journal, &id(1), 0, start).await;
    let seen = history.get("1").await.unwrap().unwrap();
    assert_eq!(seen.investigation_status, InvestigationStatus::Running);
    let answer = seen.investigation.unwrap();
    assert_eq!((answer.id.as_str(), answer.service.as_str()), ("inv", "cart"));
    assert_eq!(answer.hypotheses[0].claim, "second");
    assert_eq!(answer.coverage.len(), 1);
    let listed = everything(&history).await.remove(0).investigation.unwrap();
    assert_eq!((listed.hypotheses[0].claim.as_str(), listed.coverage.len()), ("second", 0));

    // Taken up again after a restart: nothing of the first attempt is left.
    append(&journal, &id(1), 1, vec![started(2)]).await;
    let seen = history.get("1").await.unwrap().unwrap();
    assert_eq!(seen.attempts, 2);
    let answer = seen.investigation.unwrap();
    assert_eq!((answer.hypotheses.len(), answer.coverage.len()), (0, 0));

    // What comes after the end does not change the answer.
    let end = crate::journal::conformance::finished("inv");
    append(&journal, &id(1), 2, vec![end, ranking("late"), coverage()]).await;
    let seen = history.get("1").await.unwrap().unwrap();
    assert_eq!(seen.investigation_status, InvestigationStatus::Done);
    let answer = seen.investigation.unwrap();
    assert_eq!((answer.because.as_str(), answer.hypotheses.len()), ("a test", 0));
    let listed = everything(&history).await.remove(0).investigation.unwrap();
    assert_eq!((listed.verdict, listed.because.as_str()), (answer.verdict, ""), "lists carry it in short");
}

#[tokio::test]
async fn a_deleted_or_damaged_file_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.sqlite");
    let journal = on_disk(folder.path());
    for number in 1..=20 {
        let events = vec![opened(number, "cart"), alerts("slow", AlertStatus::Firing), started(1)];
        append(&journal, &id(number), number, events).await;
        if number % 3 == 0 {
            append(
                &journal,
                &id(number),
                number + 1,
                vec![alerts("slow", AlertStatus::Resolved), resolved()],
            )
            .await;
        }
    }
    append(&journal, &IncidentId("sys_changes".to_owned()), 0, vec![resolved(), coverage()]).await;
    let reopened = async || {
        let history = History::open(Arc::clone(&journal), Some(folder.path())).await.unwrap();
        everything(&history).await
    };
    let first = reopened().await;
    assert_eq!(first.len(), 20);
    assert_eq!(reopened().await, first, "goes on where it stood");

    for suffix in ["", "-wal", "-shm"] {
        // The log of the tables may be gone already.
        drop(std::fs::remove_file(format!("{}{suffix}", file.display())));
    }
    assert_eq!(reopened().await, first, "deleted");

    std::fs::write(&file, "something else, and rather more of it than a line or two").unwrap();
    assert_eq!(reopened().await, first, "damaged");

    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 77).unwrap();
    assert_eq!(reopened().await, first, "of another version");

    append(&journal, &id(4), 30, vec![resolved()]).await;
    let fourth = reopened().await.into_iter().find(|incident| incident.number == 4).unwrap();
    assert_eq!(fourth.status, IncidentStatus::Resolved, "goes on with what is new");
}

#[tokio::test]
async fn a_view_of_another_journal_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (in_memory(), in_memory());
    for number in 1..=3 {
        append(&old, &id(number), 0, vec![opened(number, "cart"), resolved()]).await;
        append(&new, &id(number + 10), 0, vec![opened(number, "checkout"), coverage(), coverage()]).await;
    }
    let history = History::open(old, Some(folder.path())).await.unwrap();
    assert_eq!(everything(&history).await.len(), 3);
    drop(history);
    let history = History::open(new, Some(folder.path())).await.unwrap();
    let services: Vec<_> = everything(&history).await.into_iter().map(|incident| incident.service).collect();
    assert_eq!(services, ["checkout"; 3]);
}

#[tokio::test]
async fn one_unreadable_event_hides_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let journal = on_disk(folder.path());
    for number in 1..=3 {
        append(&journal, &id(number), number, vec![opened(number, "cart"), resolved()]).await;
    }
    journal.close().await;
    drop(journal);
    rusqlite::Connection::open(folder.path().join("journal.sqlite"))
        .unwrap()
        .execute("UPDATE events SET payload = '{}' WHERE position = 4", [])
        .unwrap();
    let journal = on_disk(folder.path());
    let history = History::open(Arc::clone(&journal), None).await.unwrap();
    history.caught_up(journal.end().await.unwrap()).await.unwrap();
    assert_eq!(numbers(&history, Filter::default()).await, [3, 2, 1]);
    let open = Filter { status: Some(IncidentStatus::Open), ..Filter::default() };
    assert_eq!(numbers(&history, open).await, [2], "its resolution cannot be read");
    let refused = history.get("2").await;
    assert!(matches!(refused, Err(Error::Journal(crate::journal::Error::Corrupt { position: 4, .. }))));
}

#[tokio::test]
async fn ends_with_the_journal() {
    let journal = in_memory();
    append(&journal, &id(1), 0, vec![opened(1, "cart")]).await;
    let history = History::open(Arc::clone(&journal), None).await.unwrap();
    let end = journal.end().await.unwrap();
    journal.close().await;
    let beyond = crate::journal::Position(end.0 + 1);
    assert!(matches!(history.caught_up(beyond).await, Err(Error::Closed)));
    assert!(history.list(Filter::default()).await.is_err());
}

#[tokio::test]
async fn news_of_an_alert_replaces_what_was_known_of_it_however_often() {
    let folder = tempfile::tempdir().unwrap();
    let journal = in_memory();
    let mut history = History::open(Arc::clone(&journal), Some(folder.path())).await.unwrap();
    append(&journal, &id(1), 0, vec![opened(1, "cart")]).await;
    for number in 0..300 {
        let status = if number % 3 == 0 { AlertStatus::Resolved } else { AlertStatus::Firing };
        append(&journal, &id(1), 1, vec![alerts(&format!("A{}", number % 7), status)]).await;
        if number % 100 == 50 {
            drop(history);
            history = History::open(Arc::clone(&journal), Some(folder.path())).await.unwrap();
        }
    }
    history.caught_up(journal.end().await.unwrap()).await.unwrap();
    let folded = history.get(&id(1).0).await.unwrap().unwrap();
    assert_eq!(folded.alerts.len(), 7);
    assert_eq!(everything(&history).await, [folded]);
    drop(history);
    let connection = rusqlite::Connection::open(folder.path().join("history.sqlite")).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM alerts", [], |row| row.get(0)).unwrap();
    assert!(rows <= 70, "{rows} rows of 7 alerts");
}

fn events() -> impl Strategy<Value = Vec<(u64, Payload)>> {
    let payload = prop_oneof![
        2 => (1..9_u64).prop_map(|number| opened(number, "cart")),
        4 => ("[a-c]", any::<bool>()).prop_map(|(name, firing)| {
            alerts(&name, if firing { AlertStatus::Firing } else { AlertStatus::Resolved })
        }),
        1 => Just(resolved()),
        1 => Just(coverage()),
        1 => (1..4_u32).prop_map(started),
        1 => Just(crate::journal::conformance::finished("inv")),
    ];
    prop::collection::vec((1..6_u64, payload), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The view is the fold: whatever the journal holds, and wherever the view was closed in between.
    #[test]
    fn the_view_is_the_fold(events in events(), cut in 0..80_usize) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let journal = in_memory();
            let mut history = History::open(Arc::clone(&journal), Some(folder.path())).await.unwrap();
            for (index, (number, payload)) in events.into_iter().enumerate() {
                append(&journal, &id(number), number, vec![payload]).await;
                if index == cut {
                    drop(history);
                    history = History::open(Arc::clone(&journal), Some(folder.path())).await.unwrap();
                }
            }
            let mut expected = Vec::new();
            for number in 1..6 {
                let events = journal.read(&id(number), 0, 1_000).await.unwrap();
                let folded = Incident::fold(&events);
                assert_eq!(history.get(&id(number).0).await.unwrap(), folded);
                expected.extend(folded.map(|mut incident| {
                    incident.investigation =
                        incident.investigation.map(|found| Box::new(found.in_short()));
                    incident
                }));
            }
            let mut seen = everything(&history).await;
            seen.sort_by(|a, b| a.id.cmp(&b.id));
            assert_eq!(seen, expected);
        });
    }
}
