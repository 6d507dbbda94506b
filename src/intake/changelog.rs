use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use quell_sdk::{Answer, ChangeSource, Completeness, signal::Window};

use crate::domain::Change;

/// Changes that senders told of, for investigations that begin later. Bounded by age and number.
#[derive(Debug)]
pub struct ChangeLog {
    keep: Duration,
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By time of the change, then by order of arrival.
    changes: BTreeMap<(Timestamp, u64), Change>,
    ids: HashSet<String>,
    /// By time of arrival: what goes first.
    arrivals: BTreeMap<(Timestamp, u64), Timestamp>,
    next: u64,
    /// The latest change that was let go.
    gone_until: Option<Timestamp>,
}

impl ChangeLog {
    /// Name as a source of evidence.
    pub const NAME: &str = "change events";

    pub(super) fn new(keep: Duration, capacity: usize) -> Self {
        Self { keep, capacity, kept: Mutex::default() }
    }

    /// Whether a change of that id is kept.
    pub fn contains(&self, id: &str) -> bool {
        self.lock().ids.contains(id)
    }

    /// Changes kept.
    pub fn len(&self) -> usize {
        self.lock().changes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a change that came in at `received_at`; one of a known id is left as it is.
    pub(super) fn add(&self, change: Change, received_at: Timestamp, now: Timestamp) {
        let mut kept = self.lock();
        if kept.ids.insert(change.id.clone()) {
            kept.next += 1;
            let number = kept.next;
            kept.arrivals.insert((received_at, number), change.at);
            kept.changes.insert((change.at, number), change);
        }
        kept.trim(now.saturating_sub(self.keep).unwrap_or(Timestamp::MIN), self.capacity);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here panics half-way through a change of the maps.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn trim(&mut self, oldest: Timestamp, capacity: usize) {
        while let Some((&(received_at, number), &at)) = self.arrivals.first_key_value() {
            if received_at >= oldest && self.changes.len() <= capacity {
                break;
            }
            self.arrivals.remove(&(received_at, number));
            if let Some(change) = self.changes.remove(&(at, number)) {
                self.ids.remove(&change.id);
            }
            self.gone_until = self.gone_until.max(Some(at));
        }
    }
}

#[async_trait]
impl ChangeSource for ChangeLog {
    fn name(&self) -> &str {
        Self::NAME
    }

    async fn changes(&self, window: Window) -> quell_sdk::Result<Answer<Vec<Change>>> {
        let kept = self.lock();
        let range = (window.start, 0)..(window.end, 0);
        let changes: Vec<Change> = kept.changes.range(range).map(|(_, change)| change.clone()).collect();
        let query = format!("changes received, {} to {}", window.start, window.end);
        let answer = Answer::full(changes, query, window);
        Ok(match kept.gone_until {
            Some(gone) if gone >= window.start => answer
                .with_completeness(Completeness::partial(format!("changes up to {gone} are no longer kept"))),
            _ => answer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ChangeKind;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn change(id: &str, second: i64) -> Change {
        serde_json::from_value(serde_json::json!({
            "kind": ChangeKind::Deploy, "id": id, "service": "checkout", "at": at(second),
        }))
        .unwrap()
    }

    async fn ids(log: &ChangeLog, start: i64, end: i64) -> (Vec<String>, bool) {
        let answer = log.changes(Window { start: at(start), end: at(end) }).await.unwrap();
        (answer.data.into_iter().map(|change| change.id).collect(), answer.completeness.is_full())
    }

    #[tokio::test]
    async fn a_window_of_changes_in_order_of_time() {
        let log = ChangeLog::new(Duration::from_secs(100), 10);
        for (id, second) in [("b", 20), ("a", 10), ("b", 15), ("c", 30)] {
            log.add(change(id, second), at(40), at(40));
        }
        assert_eq!(ids(&log, 0, 30).await, (vec!["a".to_owned(), "b".to_owned()], true));
    }

    #[tokio::test]
    async fn old_ones_go_and_the_answer_says_so() {
        let log = ChangeLog::new(Duration::from_secs(100), 2);
        log.add(change("a", 10), at(10), at(10));
        log.add(change("b", 20), at(20), at(20));
        log.add(change("c", 5), at(30), at(30));
        assert_eq!(ids(&log, 0, 100).await, (vec!["c".to_owned(), "b".to_owned()], false));
        log.add(change("d", 130), at(130), at(130));
        assert_eq!(ids(&log, 0, 200).await, (vec!["c".to_owned(), "d".to_owned()], false));
        assert_eq!(ids(&log, 100, 200).await, (vec!["d".to_owned()], true));
        assert!(!log.contains("a") && log.contains("d") && log.len() == 2);
    }
}
