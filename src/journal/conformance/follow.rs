//! Streams: no gap, no repeat.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{task::JoinSet, time::timeout};

use super::{SOON, Shared, append, incident, note, take};
use crate::journal::Position;

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
