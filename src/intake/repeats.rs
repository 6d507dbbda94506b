//! Deliveries that come again byte for byte: the replicas of a highly available Alertmanager send the same,
//! and any sender repeats what it thinks lost. While nothing has happened to the incidents that the first of
//! them was about, each of its alerts is a duplicate again, and the body need not be read to know it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};

use super::handle::Accepted;

/// Identity of a request: its receiver, its headers and its body. Credentials are part of it, so that a
/// repeat is as welcome as the first was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey([u8; 32]);

impl RequestKey {
    /// Of a request to `receiver`.
    pub fn of(receiver: &str, headers: &[(String, String)], body: &[u8]) -> Self {
        let mut digest = Sha256::new();
        let texts = headers.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for text in std::iter::once(receiver).chain(texts) {
            digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(text);
        }
        // The lengths above are of texts, and there is a whole number of pairs: the rest is the body.
        digest.update(u64::MAX.to_le_bytes());
        digest.update(body);
        Self(digest.finalize().into())
    }
}

/// How much has happened to an incident's alerts; one more of them changes nothing about the others. It ends with the state that counts it, so that whoever watches
/// learns of that too.
#[derive(Debug, Default)]
pub(super) struct News(Arc<AtomicU64>);

/// Nothing may be concluded any more.
const OVER: u64 = u64::MAX;

impl News {
    /// Something has happened.
    pub(super) fn happened(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// To be asked later whether anything has happened since.
    pub(super) fn mark(&self) -> Mark {
        Mark { news: Arc::clone(&self.0), at: self.0.load(Ordering::Acquire) }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.0.store(OVER, Ordering::Release);
    }
}

#[derive(Clone, Debug)]
pub(super) struct Mark {
    news: Arc<AtomicU64>,
    at: u64,
}

impl Mark {
    fn holds(&self) -> bool {
        self.at != OVER && self.news.load(Ordering::Acquire) == self.at
    }
}

/// The newest deliveries whose repeats can be answered at once.
#[derive(Debug)]
pub(super) struct Repeats {
    taken: Mutex<Taken>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Taken {
    deliveries: HashMap<RequestKey, (Accepted, Vec<Mark>)>,
    order: VecDeque<RequestKey>,
}

impl Repeats {
    pub(super) fn new(capacity: usize) -> Self {
        Self { taken: Mutex::default(), capacity }
    }

    /// What the repeat of a delivery gets; `None` when it is to be read like any other.
    pub(super) fn answer(&self, key: &RequestKey) -> Option<Accepted> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (accepted, marks) = taken.deliveries.get(key)?;
        if marks.iter().all(Mark::holds) {
            return Some(accepted.clone());
        }
        // It stays in `order`, where it takes the place of a later one at worst.
        taken.deliveries.remove(key);
        None
    }

    /// Notes a delivery that is on disk: `again` is what its repeats get while `marks` hold.
    pub(super) fn note(&self, key: RequestKey, again: Accepted, marks: Vec<Mark>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.deliveries.insert(key, (again, marks)).is_none() {
            taken.order.push_back(key);
        }
        if taken.order.len() > self.capacity
            && let Some(oldest) = taken.order.pop_front()
        {
            taken.deliveries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(body: &str) -> RequestKey {
        RequestKey::of("alertmanager", &[], body.as_bytes())
    }

    fn again(duplicates: u32) -> Accepted {
        Accepted { duplicates, ..Accepted::default() }
    }

    #[test]
    fn another_receiver_header_or_body_is_another_request() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let keys = [
            RequestKey::of("a", &[], b"x"),
            RequestKey::of("b", &[], b"x"),
            RequestKey::of("a", &[], b"y"),
            RequestKey::of("a", &[header("authorization", "Bearer 1")], b"x"),
            RequestKey::of("a", &[header("authorization", "Bearer 2")], b"x"),
            RequestKey::of("a", &[header("authorization", "Bearer"), header("2", "")], b"x"),
        ];
        for (number, one) in keys.iter().enumerate() {
            assert_eq!(keys.iter().position(|key| key == one), Some(number));
        }
    }

    #[test]
    fn a_mark_holds_until_something_happens() {
        let (repeats, news, other) = (Repeats::new(9), News::default(), News::default());
        repeats.note(key("x"), again(2), vec![news.mark(), other.mark()]);
        assert_eq!(repeats.answer(&key("x")), Some(again(2)));
        assert_eq!(repeats.answer(&key("y")), None);
        other.happened();
        assert_eq!(repeats.answer(&key("x")), None);
        repeats.note(key("x"), again(3), vec![news.mark(), other.mark()]);
        assert_eq!(repeats.answer(&key("x")), Some(again(3)));
        drop(other);
        assert_eq!(repeats.answer(&key("x")), None, "nobody counts any more");
    }

    #[test]
    fn a_mark_of_what_is_over_never_holds() {
        let news = News::default();
        let counter = Arc::clone(&news.0);
        drop(news);
        let repeats = Repeats::new(9);
        repeats.note(key("x"), again(1), vec![News(counter).mark()]);
        assert_eq!(repeats.answer(&key("x")), None);
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let (repeats, news) = (Repeats::new(2), News::default());
        for body in ["a", "b", "a", "c"] {
            repeats.note(key(body), again(1), vec![news.mark()]);
        }
        assert_eq!(repeats.answer(&key("a")), None);
        assert!(repeats.answer(&key("b")).is_some() && repeats.answer(&key("c")).is_some());
    }
}
