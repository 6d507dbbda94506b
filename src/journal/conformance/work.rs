//! The queue of investigations.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{LEASE, SOON, Shared, append, finished, incident, request};
use crate::domain::Payload;

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
