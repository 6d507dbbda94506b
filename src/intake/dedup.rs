//! Deliveries that were taken already: senders repeat one until they hear that it arrived.

use std::collections::{HashSet, VecDeque};

use super::fingerprint::Key;

/// The newest deliveries, up to a number. What is older is caught alert by alert.
#[derive(Debug)]
pub(super) struct Deliveries {
    seen: HashSet<Key>,
    order: VecDeque<Key>,
    capacity: usize,
}

impl Deliveries {
    pub(super) fn new(capacity: usize) -> Self {
        Self { seen: HashSet::new(), order: VecDeque::new(), capacity }
    }

    /// Notes a delivery; `false` when it is noted already.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        let key = Key::of_delivery(id);
        if !self.seen.insert(key) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut deliveries = Deliveries::new(2);
        assert!(deliveries.insert("a") && deliveries.insert("b"));
        assert!(!deliveries.insert("a"));
        assert!(deliveries.insert("c"));
        assert!(!deliveries.insert("b"));
        assert!(deliveries.insert("a"), "beyond the capacity");
        assert_eq!(deliveries.seen.len(), 2);
    }
}
