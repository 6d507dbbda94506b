//! The newest events of all incidents, kept for one who follows them all: what was written a moment ago
//! need not be read back from the file.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use super::live::lock;
use crate::{domain::Event, journal::Position};

/// Bytes of JSON kept for one follower; one that is further behind reads from the file.
const KEPT_BYTES: usize = 8 << 20;

pub(super) struct Tail(Mutex<Kept>);

struct Kept {
    events: VecDeque<(Position, Arc<Event>, usize)>,
    bytes: usize,
    /// All events past it that are published are here.
    after: Position,
}

impl Tail {
    /// For one who follows from now on, when `published` is the last event.
    pub(super) fn new(published: Position) -> Self {
        Self(Mutex::new(Kept { events: VecDeque::new(), bytes: 0, after: published }))
    }

    /// Keeps an event that follows all those before.
    pub(super) fn push(&self, position: Position, event: Arc<Event>, bytes: usize) {
        let mut kept = lock(&self.0);
        if kept.bytes + bytes > KEPT_BYTES {
            kept.forget(position);
            return;
        }
        kept.bytes += bytes;
        kept.events.push_back((position, event, bytes));
    }

    /// Takes events past `after`, at most `limit`; none when the next one is not kept.
    pub(super) fn take(&self, after: Position, limit: usize) -> VecDeque<(Position, Arc<Event>)> {
        let mut kept = lock(&self.0);
        if after < kept.after {
            return VecDeque::new();
        }
        let known = kept.events.partition_point(|(position, _, _)| *position <= after);
        let end = kept.events.len().min(known + limit);
        let taken: VecDeque<_> = kept.events.drain(..end).collect();
        kept.bytes -= taken.iter().map(|(_, _, bytes)| bytes).sum::<usize>();
        if let Some((last, _, _)) = taken.back() {
            kept.after = kept.after.max(*last);
        }
        taken.into_iter().skip(known).map(|(position, event, _)| (position, event)).collect()
    }
}

impl Kept {
    fn forget(&mut self, position: Position) {
        self.events = VecDeque::new();
        self.bytes = 0;
        self.after = position;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{IncidentId, Payload};

    fn event(seq: u64) -> Arc<Event> {
        let payload = Payload::IncidentResolved { because: String::new() };
        Arc::new(Event { seq, at: Timestamp::UNIX_EPOCH, incident: IncidentId("inc_1".to_owned()), payload })
    }

    fn numbers(taken: &VecDeque<(Position, Arc<Event>)>) -> Vec<u64> {
        taken.iter().map(|(position, _)| position.0).collect()
    }

    #[test]
    fn what_is_past_a_position_is_given_once_and_in_order() {
        let tail = Tail::new(Position(3));
        for position in 4..=8 {
            tail.push(Position(position), event(position), 10);
        }
        assert!(tail.take(Position(2), 9).is_empty(), "event 3 is in the file alone");
        assert_eq!(numbers(&tail.take(Position(5), 2)), [6, 7]);
        assert!(tail.take(Position(5), 9).is_empty(), "taken before");
        assert_eq!(numbers(&tail.take(Position(7), 9)), [8]);
        assert!(tail.take(Position(8), 9).is_empty());
        assert_eq!(lock(&tail.0).bytes, 0);
    }

    #[test]
    fn one_who_is_far_behind_reads_from_the_file() {
        let tail = Tail::new(Position(0));
        tail.push(Position(1), event(1), KEPT_BYTES - 1);
        tail.push(Position(2), event(2), 2);
        tail.push(Position(3), event(3), 2);
        assert!(tail.take(Position(0), 9).is_empty());
        assert!(tail.take(Position(1), 9).is_empty());
        assert_eq!(numbers(&tail.take(Position(2), 9)), [3]);
    }
}
