use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;

use crate::api::{Error, Kind, state::Shared};

/// The process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The server takes work: the journal and the intake are up and nothing is shutting down.
pub(super) async fn readyz(State(state): State<Shared>) -> Response {
    match state.refuse_unless_ready() {
        Ok(()) => "ready\n".into_response(),
        Err(error) => error.into_response(),
    }
}

/// quell's own metrics in Prometheus' text format.
pub(super) async fn metrics(State(state): State<Shared>) -> Response {
    state.refresh_metrics().await;
    match state.metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => Error::new(Kind::Internal, format!("metrics: {error}")).into_response(),
    }
}
