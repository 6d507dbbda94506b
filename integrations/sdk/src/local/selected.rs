use crate::{Completeness, signal::UnixNanos};

/// What a query selected, within a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected<T> {
    /// The newest ones, oldest first.
    pub found: Vec<T>,
    /// How many there are without the limit.
    pub total: usize,
}

impl<T: Clone> Selected<T> {
    /// The newest `limit` of what was found, in ascending order of time; of one moment, in the order given.
    pub(super) fn newest(mut found: Vec<&T>, limit: usize, at: impl Fn(&T) -> UnixNanos) -> Self {
        if !found.is_sorted_by_key(|one| at(one)) {
            found.sort_by_key(|one| at(one));
        }
        let total = found.len();
        Self { found: found.into_iter().skip(total.saturating_sub(limit)).cloned().collect(), total }
    }
}

impl<T> Selected<T> {
    /// Whether the limit cut anything off.
    pub fn is_cut(&self) -> bool {
        self.found.len() < self.total
    }

    /// Partial if the limit cut anything off; `what` names what they are, in the plural.
    pub fn completeness(&self, what: &str) -> Completeness {
        if self.is_cut() {
            Completeness::partial(format!("the newest {} of {} {what}", self.found.len(), self.total))
        } else {
            Completeness::Full
        }
    }
}
