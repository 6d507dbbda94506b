use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, RETRY_AFTER},
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::convert::Invalid;
use crate::{history, intake, journal};

/// What went wrong, as far as a client can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request can never succeed as it is.
    Invalid,
    /// Credentials are missing or wrong.
    Unauthorized,
    NotFound,
    /// The body is over the limit.
    TooLarge,
    /// A content type or encoding that is not taken.
    Unsupported,
    /// Try again in a while.
    Overloaded,
    /// Starting up or shutting down.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// A fault of our own.
    Internal,
}

impl Kind {
    /// The one table of answer codes.
    fn codes(self) -> (Code, StatusCode) {
        match self {
            Self::Invalid => (Code::InvalidArgument, StatusCode::BAD_REQUEST),
            Self::Unauthorized => (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Self::NotFound => (Code::NotFound, StatusCode::NOT_FOUND),
            Self::TooLarge => (Code::ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE),
            Self::Unsupported => (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::Overloaded => (Code::ResourceExhausted, StatusCode::SERVICE_UNAVAILABLE),
            Self::Unavailable => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            Self::Timeout => (Code::DeadlineExceeded, StatusCode::SERVICE_UNAVAILABLE),
            Self::Internal => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// How long an overloaded server asks to be left alone.
const PATIENCE: Duration = Duration::from_secs(1);

/// An answer that is a refusal, the same over gRPC and HTTP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: Kind,
    /// What is wrong and what to do.
    pub message: String,
    /// The field at fault, if one is.
    pub field: Option<String>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), field: None }
    }

    pub fn status(&self) -> StatusCode {
        self.kind.codes().1
    }

    /// What to wait before the next try, where one makes sense.
    fn retry_after(&self) -> Option<Duration> {
        matches!(self.kind, Kind::Overloaded | Kind::Unavailable | Kind::Timeout).then_some(PATIENCE)
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self { kind: Kind::Invalid, message: invalid.to_string(), field: Some(invalid.field) }
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        let kind = match error {
            journal::Error::Overloaded => Kind::Overloaded,
            journal::Error::Conflict { .. } | journal::Error::Closed => Kind::Unavailable,
            journal::Error::Storage { .. } | journal::Error::Corrupt { .. } => {
                // paths on this machine are nobody's business outside
                tracing::error!(%error, "the journal failed");
                return Self::new(Kind::Internal, "the journal failed; the server's log says why");
            }
        };
        Self::new(kind, error.to_string())
    }
}

impl From<intake::Error> for Error {
    fn from(error: intake::Error) -> Self {
        match error {
            intake::Error::Overloaded => Self::new(Kind::Overloaded, error.to_string()),
            intake::Error::Closed => Self::new(Kind::Unavailable, "quell is shutting down; try again"),
            intake::Error::Journal(error) => {
                tracing::error!(%error, "a delivery could not be stored");
                Self::new(Kind::Internal, "the journal failed; the server's log says why")
            }
        }
    }
}

impl From<history::Error> for Error {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::Journal(error) => error.into(),
            history::Error::Closed => Self::new(Kind::Unavailable, "quell is shutting down; try again"),
            history::Error::Storage { .. } => {
                tracing::error!(%error, "the history failed");
                Self::new(Kind::Internal, "the history failed; the server's log says why")
            }
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut details = ErrorDetails::new();
        if let Some(field) = &error.field {
            details.add_bad_request_violation(field, &error.message);
        }
        if let Some(wait) = error.retry_after() {
            details.set_retry_info(Some(wait));
        }
        Status::with_error_details(error.kind.codes().0, error.message, details)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.message });
        self.with_body(body)
    }
}

impl Error {
    /// The HTTP answer with another body.
    pub(super) fn with_body(self, body: serde_json::Value) -> Response {
        let wait = self.retry_after();
        let mut response = (self.status(), Json(body)).into_response();
        if let Some(wait) = wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if self.kind == Kind::TooLarge {
            // the rest of the body is not read, so the connection ends here; a sender that is not told
            // would lose its next request on it
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_asked_for_patience_only_when_a_retry_can_help() {
        for (kind, status, retry) in [
            (Kind::Invalid, 400, false),
            (Kind::Unauthorized, 401, false),
            (Kind::TooLarge, 413, false),
            (Kind::Unsupported, 415, false),
            (Kind::Overloaded, 503, true),
            (Kind::Unavailable, 503, true),
        ] {
            let response = Error::new(kind, "x").into_response();
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers().contains_key(RETRY_AFTER), retry, "{kind:?}");
        }
    }

    #[test]
    fn a_status_names_the_field() {
        let status = Status::from(Error::from(Invalid::new("alerts[3].labels", "too many")));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "alerts[3].labels: too many");
        let bad = status.get_details_bad_request().unwrap();
        assert_eq!(bad.field_violations.first().unwrap().field, "alerts[3].labels");
    }

    #[test]
    fn a_journal_that_fails_does_not_say_where_it_is() {
        let failed = journal::Error::Storage { path: "/var/secret".into(), message: "disk".into() };
        assert_eq!(Error::from(failed).message, "the journal failed; the server's log says why");
        let full = Status::from(Error::from(journal::Error::Overloaded));
        assert_eq!(full.code(), Code::ResourceExhausted);
        assert!(full.get_details_retry_info().is_some());
    }
}
