//! What every journal is held to. An implementation instantiates [`conformance!`] with the name of a
//! module and an expression that opens a new, empty journal.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::Timestamp;
use tokio::{task::JoinSet, time::timeout};

use super::{Append, Error, Journal, Position};
use crate::domain::{Event, IncidentId, Payload};

pub(crate) type Shared = Arc<dyn Journal>;

const LEASE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(10);

macro_rules! conformance {
    ($module:ident, $open:expr) => {
        mod $module {
            $crate::journal::conformance::conformance!(@tests $open;
                numbers_run_per_incident append_at_the_wrong_end_conflicts repeated_message_changes_nothing
                append_all_is_all_or_none append_all_sees_its_own_writes unreadable_payload_is_refused
                reading_pages follow_gives_stored_then_new follow_all_gives_every_incident
                followers_see_each_event_once two_workers_never_share_work claim_waits_for_work
                claims_come_oldest_first ended_lease_frees_work renewed_lease_holds released_work_is_free
                finished_work_is_gone abandoned_claim_is_given_back numbers_are_never_given_twice
                closed_journal_refuses);
        }
    };
    (@tests $open:expr; $($test:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (journal, _keep) = $open;
                $crate::journal::conformance::$test(journal).await;
            }
        )+
    };
}
pub(crate) use conformance;

pub(crate) fn incident(name: &str) -> IncidentId {
    IncidentId(format!("inc_{name}"))
}

pub(crate) fn note(text: &str) -> Payload {
    Payload::NoteAdded { author: "suite".to_owned(), text: text.to_owned() }
}

pub(crate) fn append(id: &IncidentId, payloads: Vec<Payload>) -> Append {
    Append { incident: id.clone(), expected: None, at: at(), payloads, message_id: None }
}

fn at() -> Timestamp {
    "2026-11-22T10:00:00.123456789Z".parse().unwrap()
}

pub(crate) fn requested(investigation: &str) -> Payload {
    Payload::InvestigationRequested { investigation: investigation.to_owned(), budget_seconds: 60 }
}

/// An `InvestigationFinished` of that id.
pub(crate) fn finished(investigation: &str) -> Payload {
    let investigation = crate::domain::Investigation {
        id: investigation.to_owned(),
        service: "checkout".to_owned(),
        window: crate::domain::Window { start: at(), end: at() },
        verdict: crate::domain::Verdict::Inconclusive,
        because: "a test".to_owned(),
        onset: None,
        hypotheses: Vec::new(),
        recovery_paths: Vec::new(),
        blast_radius: Vec::new(),
        innocent: Vec::new(),
        blind_spots: Vec::new(),
        symptoms: Vec::new(),
        evidence: Vec::new(),
        coverage: Vec::new(),
        next_question: String::new(),
        timings: crate::domain::Timings::default(),
    };
    Payload::InvestigationFinished { investigation: Box::new(investigation) }
}

async fn request(journal: &Shared, name: &str) {
    let id = incident(name);
    journal.append(append(&id, vec![requested(&format!("inv_{name}"))])).await.unwrap();
}

async fn take(
    stream: &mut (impl StreamExt<Item = super::Result<Event>> + Unpin),
    count: usize,
) -> Vec<Event> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(timeout(SOON, stream.next()).await.expect("an event in time").unwrap().unwrap());
    }
    events
}

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

pub(crate) async fn follow_gives_stored_then_new(journal: Shared) {
    let id = incident("a");
    journal.append(append(&id, vec![note("1"), note("2"), note("3")])).await.unwrap();
    let mut stream = journal.follow(&id, 1);
    assert_eq!(take(&mut stream, 2).await.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
    let nothing = timeout(Duration::from_millis(50), stream.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    journal.append(append(&incident("b"), vec![note("other")])).await.unwrap();
    journal.append(append(&id, vec![note("4")])).await.unwrap();
    assert_eq!(take(&mut stream, 1).await[0].payload, note("4"));

    // An incident that does not exist yet.
    let mut early = journal.follow(&incident("c"), 0);
    assert!(timeout(Duration::from_millis(50), early.next()).await.is_err());
    journal.append(append(&incident("c"), vec![note("1")])).await.unwrap();
    assert_eq!(take(&mut early, 1).await[0].seq, 1);
}

pub(crate) async fn follow_all_gives_every_incident(journal: Shared) {
    journal.append(append(&incident("a"), vec![note("1")])).await.unwrap();
    let mut stream = journal.follow_all(Position(0));
    let (first, event) = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(event.incident, incident("a"));
    journal.append(append(&incident("b"), vec![note("1")])).await.unwrap();
    let (second, event) = timeout(SOON, stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(event.incident, incident("b"));
    assert!(second > first);
    let mut resumed = journal.follow_all(first);
    let (position, _) = timeout(SOON, resumed.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(position, second);
}

pub(crate) async fn followers_see_each_event_once(journal: Shared) {
    const WRITERS: usize = 8;
    const EACH: usize = 100;
    const TOTAL: usize = WRITERS * EACH;
    let id = incident("a");
    let mut writers = JoinSet::new();
    let mut followers = JoinSet::new();
    for writer in 0..WRITERS {
        let (to, from, target) = (Arc::clone(&journal), Arc::clone(&journal), id.clone());
        // Followers join at any moment of the writing, from different numbers on.
        let after = writer * 3;
        let mut stream = from.follow(&id, after as u64);
        let mut everything = from.follow_all(Position(0));
        followers.spawn(async move {
            let one = take(&mut stream, TOTAL - after).await;
            let numbers: Vec<_> = one.iter().map(|event| event.seq).collect();
            assert_eq!(numbers, (after as u64 + 1..=TOTAL as u64).collect::<Vec<_>>());
            let mut all = Vec::new();
            while all.len() < TOTAL {
                let next = timeout(SOON, everything.next()).await.unwrap();
                all.push(next.unwrap().unwrap().1.seq);
            }
            assert_eq!(all, (1..=TOTAL as u64).collect::<Vec<_>>());
        });
        writers.spawn(async move {
            for number in 0..EACH {
                let text = format!("{writer}:{number}");
                to.append(append(&target, vec![note(&text)])).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    followers.join_all().await;
}

pub(crate) async fn two_workers_never_share_work(journal: Shared) {
    const WORK: usize = 60;
    for number in 0..WORK {
        request(&journal, &number.to_string()).await;
    }
    let mut workers = JoinSet::new();
    for worker in 0..6 {
        let journal = Arc::clone(&journal);
        workers.spawn(async move {
            let mut got = Vec::new();
            for _ in 0..WORK / 6 {
                got.push(journal.claim(&format!("w{worker}"), LEASE).await.unwrap());
            }
            got
        });
    }
    let claims = timeout(SOON, workers.join_all()).await.unwrap();
    let claims: Vec<_> = claims.into_iter().flatten().collect();
    let different: HashSet<_> = claims.iter().map(|claim| claim.investigation.clone()).collect();
    assert_eq!(different.len(), WORK);
    assert!(claims.iter().all(|claim| claim.attempt == 1 && claim.budget == Duration::from_secs(60)));
}

pub(crate) async fn claim_waits_for_work(journal: Shared) {
    let waiting = {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move { journal.claim("w", LEASE).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    request(&journal, "a").await;
    let claim = timeout(SOON, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!((claim.incident, claim.investigation.as_str()), (incident("a"), "inv_a"));
}

pub(crate) async fn claims_come_oldest_first(journal: Shared) {
    for name in ["b", "c", "a"] {
        request(&journal, name).await;
    }
    for name in ["b", "c", "a"] {
        assert_eq!(journal.claim("w", LEASE).await.unwrap().incident, incident(name));
    }
}

pub(crate) async fn ended_lease_frees_work(journal: Shared) {
    request(&journal, "a").await;
    let first = journal.claim("dead", Duration::from_millis(50)).await.unwrap();
    let second = timeout(SOON, journal.claim("w", LEASE)).await.unwrap().unwrap();
    assert_eq!((second.incident.clone(), second.attempt), (first.incident.clone(), 2));
    assert!(!journal.renew(&first, "dead", LEASE).await.unwrap(), "the claim is another's now");
    assert!(journal.renew(&second, "w", LEASE).await.unwrap());
    // What was lost cannot be given back either.
    journal.release(&first, "dead").await.unwrap();
    assert!(journal.renew(&second, "w", LEASE).await.unwrap());
}

pub(crate) async fn renewed_lease_holds(journal: Shared) {
    request(&journal, "a").await;
    let claim = journal.claim("w", Duration::from_millis(100)).await.unwrap();
    assert!(journal.renew(&claim, "w", LEASE).await.unwrap());
    let other = timeout(Duration::from_millis(300), journal.claim("x", LEASE)).await;
    assert!(other.is_err(), "renewed work was handed out: {other:?}");
}

pub(crate) async fn released_work_is_free(journal: Shared) {
    request(&journal, "a").await;
    request(&journal, "b").await;
    let claim = journal.claim("w", LEASE).await.unwrap();
    journal.release(&claim, "w").await.unwrap();
    let again = timeout(SOON, journal.claim("x", LEASE)).await.unwrap().unwrap();
    assert_eq!((again.incident, again.attempt), (incident("a"), 2), "the oldest, a second time");
    assert!(!journal.renew(&claim, "w", LEASE).await.unwrap());
}

pub(crate) async fn finished_work_is_gone(journal: Shared) {
    request(&journal, "a").await;
    request(&journal, "b").await;
    let claim = journal.claim("w", Duration::from_millis(50)).await.unwrap();
    let resolved = Payload::IncidentResolved { because: "quiet".to_owned() };
    journal.append(append(&incident("b"), vec![resolved])).await.unwrap();
    journal.append(append(&incident("a"), vec![finished("inv_a")])).await.unwrap();
    assert!(!journal.renew(&claim, "w", LEASE).await.unwrap());
    let next = timeout(SOON, journal.claim("w", LEASE)).await.unwrap().unwrap();
    assert_eq!(next.incident, incident("b"), "a resolved incident is still investigated");
    let nothing = timeout(Duration::from_millis(200), journal.claim("w", LEASE)).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

pub(crate) async fn abandoned_claim_is_given_back(journal: Shared) {
    for round in 0..20 {
        // Gives up at a different moment each time, with work arriving at the same moment.
        let waiting = journal.claim("gone", LEASE);
        let gives_up = timeout(Duration::from_micros(100 * round), waiting);
        let name = round.to_string();
        let (claimed, ()) = tokio::join!(gives_up, request(&journal, &name));
        let claim = match claimed {
            Ok(claim) => claim.unwrap(),
            Err(_) => timeout(SOON, journal.claim("w", LEASE)).await.expect("work is lost").unwrap(),
        };
        assert_eq!((claim.incident, claim.attempt), (incident(&name), 1));
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
