use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

/// Why a request could not be answered as wished.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) exception: Option<Exception>,
}

/// What a handler threw.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) stacktrace: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), exception: None }
    }

    /// An uncaught exception: status 500.
    pub(crate) fn thrown(exception: Exception) -> Self {
        let message = format!("{}: {}", exception.kind, exception.message);
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message, exception: Some(exception) }
    }

    /// The same failure as seen one hop up: what was being done, and 502 for a peer's 5xx.
    pub(crate) fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        if self.status.is_server_error() {
            self.status = match self.status {
                StatusCode::GATEWAY_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            };
        }
        self.exception = None;
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.message }))).into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
