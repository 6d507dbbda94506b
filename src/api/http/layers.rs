//! What goes around every HTTP request.

use std::{any::Any, time::Duration};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::HeaderValue;
use tokio::time::{Instant, timeout};

use crate::api::{Error, Kind};

const REQUEST_ID: &str = "x-request-id";
/// Longest request, body included.
const LONGEST: Duration = Duration::from_secs(30);

/// Names the request, bounds its time and logs one line about it; headers and bodies are not logged, as
/// they hold secrets and strangers' text.
pub(super) async fn around(request: Request, next: Next) -> Response {
    let id = request_id(&request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = Instant::now();
    let mut response = match timeout(LONGEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::new(Kind::Timeout, "the request took too long; try again").into_response(),
    };
    let (status, took) = (response.status().as_u16(), started.elapsed());
    tracing::debug!(%method, path, status, ?took, id, "http request");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The sender's own id where it has a harmless one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    given.filter(harmless).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// The answer to a request whose handling panicked.
pub(super) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    Error::new(Kind::Internal, "the server failed at this request; its log says why").into_response()
}
