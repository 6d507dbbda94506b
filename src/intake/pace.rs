//! How long a batch waits for company. Where a commit is slow, senders that were answered together come
//! back together, and one commit for all of them serves more than two for half of them each.

use std::time::Duration;

use tokio::time::Instant;

/// Below it a pause costs more than the commit that it may save.
const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Deliveries that were on their way at once.
    crowd: usize,
    until: Option<Instant>,
}

impl Pace {
    /// A commit that took so long is done; it answered some deliveries, and others wait already.
    pub(super) fn committed(&mut self, took: Duration, answered: usize, waiting: usize, now: Instant) {
        self.crowd = answered + waiting;
        // No longer than the commit that it may save.
        let pause = took.min(LONGEST);
        self.until = (pause >= SHORTEST).then(|| now + pause);
    }

    /// Until when so many deliveries wait for more to come; `None` when they need not.
    pub(super) fn wait(&self, waiting: usize, now: Instant) -> Option<Instant> {
        self.until.filter(|until| waiting < self.crowd && now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: Duration = Duration::from_millis(4);

    #[test]
    fn those_who_were_answered_together_are_waited_for_as_long_as_a_commit() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.wait(1, now), None, "before the first commit");
        pace.committed(COMMIT, 3, 1, now);
        let until = now + COMMIT;
        assert_eq!(pace.wait(1, now), Some(until));
        assert_eq!(pace.wait(3, now + COMMIT / 4), Some(until));
        assert_eq!(pace.wait(4, now), None, "all are here");
        assert_eq!(pace.wait(1, until), None, "the others do not come");
    }

    #[test]
    fn a_single_sender_and_a_fast_disk_wait_for_nobody() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.committed(COMMIT, 1, 0, now);
        assert_eq!(pace.wait(1, now), None);
        pace.committed(Duration::from_millis(1), 9, 1, now);
        assert_eq!(pace.wait(1, now), None);
    }

    #[test]
    fn a_stuck_disk_makes_nobody_wait_longer() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.committed(Duration::from_secs(9), 9, 1, now);
        assert_eq!(pace.wait(1, now), Some(now + LONGEST));
    }
}
