//! Errors of integrations.
//!
//! A caller decides by [`ErrorKind`]; a person reads the message, which names the thing, the cause and,
//! in the health check, the next action. Messages are lower-case fragments without a full stop and never
//! hold a secret.

use std::{fmt, time::Duration};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request can never succeed as it is (HTTP 400, 422, a query that does not parse).
    BadRequest,
    /// Credentials are missing or refused.
    Unauthorized,
    /// The thing asked for is not there.
    NotFound,
    /// The source asks for patience (HTTP 429, 503).
    Overloaded,
    /// No answer in time.
    Timeout,
    /// It cannot be reached.
    Unavailable,
    /// An answer came that is not what the API promises.
    BadAnswer,
    /// The guard did not ask: budget spent or breaker open.
    Refused,
    /// The source cannot do this at all.
    Unsupported,
}

/// An error of an integration.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    pub kind: ErrorKind,
    /// Name of the source or receiver, e.g. `prometheus`.
    pub origin: String,
    pub message: String,
    /// How long the other side asked to be left alone.
    pub retry_after: Option<Duration>,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub fn new(kind: ErrorKind, origin: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, origin: origin.into(), message: message.into(), retry_after: None, source: None }
    }

    /// Keeps what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Overloaded | ErrorKind::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.origin, self.message)
    }
}
