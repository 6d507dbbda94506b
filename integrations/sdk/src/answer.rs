//! Answers of sources: data with its provenance and how complete it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::signal::Window;

/// How much of what was asked for came back. Unknown is never false: what is missing must be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Completeness {
    Full,
    /// Some came back; `reason` says what did not, e.g. `2 of 5 shards failed`.
    Partial {
        reason: String,
    },
    /// Nothing came back, because of `reason`.
    Missing {
        reason: String,
    },
}

impl Completeness {
    pub fn partial(reason: impl Into<String>) -> Self {
        Self::Partial { reason: reason.into() }
    }

    pub fn missing(reason: impl Into<String>) -> Self {
        Self::Missing { reason: reason.into() }
    }

    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }

    /// What is lacking, if anything.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Full => None,
            Self::Partial { reason } | Self::Missing { reason } => Some(reason),
        }
    }

    /// The lesser of the two, with both reasons.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Full, other) => other,
            (this, Self::Full) => this,
            (Self::Missing { reason: one }, Self::Missing { reason: two }) => {
                Self::Missing { reason: join(one, &two) }
            }
            (
                Self::Partial { reason: one } | Self::Missing { reason: one },
                Self::Partial { reason: two } | Self::Missing { reason: two },
            ) => Self::Partial { reason: join(one, &two) },
        }
    }
}

fn join(one: String, two: &str) -> String {
    if one == two { one } else { format!("{one}; {two}") }
}

/// Data that a source gave for one request.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    pub data: T,
    pub completeness: Completeness,
    /// The request in the source's own language, as a person would run it there.
    pub query: String,
    pub window: Window,
    /// Requests that it took.
    pub queries: u32,
    pub took: Duration,
}

impl<T> Answer<T> {
    /// A complete answer to one request, of no measured duration.
    pub fn full(data: T, query: impl Into<String>, window: Window) -> Self {
        Self {
            data,
            completeness: Completeness::Full,
            query: query.into(),
            window,
            queries: 1,
            took: Duration::ZERO,
        }
    }

    /// The same answer about something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            data: change(self.data),
            completeness: self.completeness,
            query: self.query,
            window: self.window,
            queries: self.queries,
            took: self.took,
        }
    }

    /// The same answer, less complete.
    #[must_use]
    pub fn with_completeness(mut self, completeness: Completeness) -> Self {
        self.completeness = self.completeness.and(completeness);
        self
    }
}
