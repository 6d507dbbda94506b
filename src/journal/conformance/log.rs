//! Appending and reading.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{task::JoinSet, time::timeout};

use super::{LEASE, SOON, Shared, append, at, incident, note, requested};
use crate::{
    domain::{Event, Payload},
    journal::{Error, Position},
};

pub(crate) async fn numbers_run_per_incident(journal: Shared) {
    let (a, b) = (incident("a"), incident("b"));
    assert_eq!(journal.append(append(&a, vec![note("1"), note("2")])).await.unwrap().last_seq, 2);
    assert_eq!(journal.append(append(&b, vec![note("1")])).await.unwrap().last_seq, 1);
    assert_eq!(journal.append(append(&a, vec![note("3")])).await.unwrap().last_seq, 3);
    let events = journal.read(&a, 0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(events[2], Event { seq: 3, at: at(), incident: a, payload: note("3") });
    assert_eq!(journal.read(&incident("none"), 0, 10).await.unwrap(), []);
}

pub(crate) async fn append_at_the_wrong_end_conflicts(journal: Shared) {
    let id = incident("a");
    let mut first = append(&id, vec![note("1")]);
    first.expected = Some(0);
    journal.append(first.clone()).await.unwrap();
    match journal.append(first).await {
        Err(Error::Conflict { incident, expected: 0, actual: 1 }) => assert_eq!(incident, id),
        other => panic!("a conflict at event 1, not {other:?}"),
    }
    // Of many that expect the same end, one wins, and the losers leave nothing behind.
    let mut racers = JoinSet::new();
    for racer in 0..20 {
        let journal = Arc::clone(&journal);
        let mut batch = append(&id, vec![note(&racer.to_string())]);
        batch.expected = Some(1);
        racers.spawn(async move { journal.append(batch).await });
    }
    let outcomes = racers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(journal.read(&id, 0, 100).await.unwrap().len(), 2);
}

pub(crate) async fn repeated_message_changes_nothing(journal: Shared) {
    let id = incident("a");
    for name in ["delivery-1".to_owned(), "x".repeat(5_000)] {
        let before = journal.read(&id, 0, 100).await.unwrap().len();
        let mut batch = append(&id, vec![note("1"), note("2")]);
        batch.message_id = Some(name);
        let first = journal.append(batch.clone()).await.unwrap();
        assert!(!first.duplicate);
        batch.expected = Some(before as u64);
        let again = journal.append(batch).await.unwrap();
        assert!(again.duplicate, "a repeat is a repeat even where its expectation is outdated");
        assert_eq!(again.last_seq, first.last_seq);
        assert_eq!(journal.read(&id, 0, 100).await.unwrap().len(), before + 2);
    }
}

pub(crate) async fn append_all_is_all_or_none(journal: Shared) {
    let (a, b) = (incident("a"), incident("b"));
    let mut wrong = append(&b, vec![note("b")]);
    wrong.expected = Some(7);
    let right = append(&a, vec![requested("inv_a"), note("a")]);
    let refused = journal.append_all(vec![right.clone(), wrong]).await;
    assert!(matches!(refused, Err(Error::Conflict { expected: 7, actual: 0, .. })), "{refused:?}");
    assert_eq!(journal.read_all(Position(0), 10).await.unwrap(), []);
    let claim = timeout(Duration::from_millis(100), journal.claim("w", LEASE)).await;
    assert!(claim.is_err(), "work of a refused append: {claim:?}");

    let done = journal.append_all(vec![right, append(&b, vec![note("b")])]).await.unwrap();
    assert_eq!(done.iter().map(|one| one.last_seq).collect::<Vec<_>>(), [2, 1]);
}

pub(crate) async fn append_all_sees_its_own_writes(journal: Shared) {
    let id = incident("a");
    let mut second = append(&id, vec![note("2")]);
    second.expected = Some(1);
    second.message_id = Some("m".to_owned());
    let third = second.clone();
    let done = journal.append_all(vec![append(&id, vec![note("1")]), second, third]).await.unwrap();
    assert_eq!(done.iter().map(|one| one.duplicate).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(journal.read(&id, 0, 10).await.unwrap().len(), 2);
}

pub(crate) async fn unreadable_payload_is_refused(journal: Shared) {
    let id = incident("a");
    let argument = |decibans| Payload::ArgumentMade {
        hypothesis: crate::domain::HypothesisId(1),
        argument: crate::domain::Argument {
            decibans,
            text: String::new(),
            evidence: Vec::new(),
            test: "self-time".to_owned(),
        },
    };
    journal.append(append(&id, vec![argument(3.5)])).await.unwrap();
    let refused = journal.append(append(&id, vec![argument(f64::NAN)])).await;
    assert!(matches!(&refused, Err(Error::Storage { message, .. }) if message.contains("argument_made")));
    assert_eq!(journal.read(&id, 0, 10).await.unwrap().len(), 1);
}

pub(crate) async fn reading_pages(journal: Shared) {
    let (a, b) = (incident("a"), incident("b"));
    for number in 0..10 {
        journal.append(append(&a, vec![note(&number.to_string())])).await.unwrap();
        journal.append(append(&b, vec![note(&number.to_string())])).await.unwrap();
    }
    let mut after = 0;
    let mut seen = Vec::new();
    loop {
        let page = journal.read(&a, after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = last.seq;
        seen.extend(page.into_iter().map(|event| event.seq));
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());

    let mut after = Position(0);
    let mut seen = Vec::new();
    loop {
        let page = journal.read_all(after, 7).await.unwrap();
        assert!(page.len() <= 7);
        let Some((last, _)) = page.last() else { break };
        assert!(*last > after);
        after = *last;
        seen.extend(page.into_iter().map(|(_, event)| (event.incident, event.seq)));
    }
    let expected: Vec<_> = (1..=10).flat_map(|seq| [(a.clone(), seq), (b.clone(), seq)]).collect();
    assert_eq!(seen, expected);
}

pub(crate) async fn the_end_is_that_of_the_last_append(journal: Shared) {
    assert_eq!(journal.end().await.unwrap(), Position(0));
    for number in 0..3 {
        journal.append(append(&incident(&number.to_string()), vec![note("1"), note("2")])).await.unwrap();
        let (last, _) = journal.read_all(Position(0), 100).await.unwrap().pop().unwrap();
        assert_eq!(journal.end().await.unwrap(), last);
    }
}

pub(crate) async fn numbers_are_never_given_twice(journal: Shared) {
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let journal = Arc::clone(&journal);
        askers.spawn(async move { journal.next_number().await.unwrap() });
    }
    let mut numbers = askers.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
}

pub(crate) async fn closed_journal_refuses(journal: Shared) {
    let id = incident("a");
    let mut stream = journal.follow(&id, 0);
    let mut all = journal.follow_all(Position(0));
    let waiting = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move { journal.claim("w", LEASE).await })
    };
    let late: Vec<_> = (0..50)
        .map(|number| {
            let (journal, id) = (Arc::clone(&journal), id.clone());
            tokio::spawn(async move { journal.append(append(&id, vec![note(&number.to_string())])).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(5)).await;
    timeout(SOON, journal.close()).await.unwrap();
    timeout(SOON, journal.close()).await.expect("closing twice is fine");
    for append in late {
        let outcome = append.await.unwrap();
        assert!(matches!(outcome, Ok(_) | Err(Error::Closed)), "{outcome:?}");
    }
    assert!(matches!(journal.append(append(&id, vec![note("x")])).await, Err(Error::Closed)));
    assert!(matches!(journal.read(&id, 0, 1).await, Err(Error::Closed)));
    assert!(matches!(journal.read_all(Position(0), 1).await, Err(Error::Closed)));
    assert!(matches!(journal.next_number().await, Err(Error::Closed)));
    assert!(matches!(timeout(SOON, waiting).await.unwrap().unwrap(), Err(Error::Closed)));
    while timeout(SOON, stream.next()).await.expect("the stream ends").is_some() {}
    while timeout(SOON, all.next()).await.expect("the stream ends").is_some() {}
}
