//! How much work of one sort may be under way at once.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use tokio::{sync::Semaphore, time::timeout};
use tonic::Status;

use super::{Error, Kind};

/// How long a request may wait for its turn.
const WAIT: Duration = Duration::from_secs(1);

/// Lets so many requests through at once, so that large bodies cannot add up to all memory.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(super) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }
}

/// Middleware: waits for a turn and refuses with "try again" when none comes.
pub(super) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match timeout(WAIT, gate.0.acquire()).await {
        Ok(Ok(_turn)) => next.run(request).await,
        Ok(Err(_)) | Err(_) => refuse(&request, Error::new(Kind::Overloaded, "too many requests at once")),
    }
}

/// The refusal as the caller's protocol wants it.
pub(super) fn refuse(request: &Request, error: Error) -> Response {
    if is_grpc(request) { Status::from(error).into_http() } else { error.into_response() }
}

pub(super) fn is_grpc(request: &Request) -> bool {
    let content = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content.is_some_and(|content| content.starts_with("application/grpc"))
}
