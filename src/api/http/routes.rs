use axum::{
    Router,
    extract::Request,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use tonic::Status;
use tower_http::catch_panic::CatchPanicLayer;

use super::{events_v2, health, layers, otlp, webhooks};
use crate::api::{
    Error, Kind,
    gate::{Gate, admit, is_grpc},
    state::Shared,
};

/// Deliveries at once; each is at most 1 MiB.
const DELIVERIES: usize = 256;

/// All HTTP routes. `telemetry` bounds OTLP over HTTP together with OTLP over gRPC.
pub(in crate::api) fn router(state: Shared, telemetry: Gate) -> Router {
    let deliveries = Router::new()
        .route("/v1/webhooks/alertmanager", post(webhooks::alertmanager).put(webhooks::alertmanager))
        .route("/v1/webhooks/pagerduty", post(webhooks::pagerduty))
        .route("/v2/enqueue", post(events_v2::enqueue))
        .route("/v2/change/enqueue", post(events_v2::enqueue_change))
        .layer(from_fn_with_state(Gate::new(DELIVERIES), admit));
    let signals = Router::new()
        .route("/v1/traces", post(otlp::traces))
        .route("/v1/metrics", post(otlp::metrics))
        .route("/v1/logs", post(otlp::logs))
        .layer(from_fn_with_state(telemetry, admit));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .merge(deliveries)
        .merge(signals)
        .method_not_allowed_fallback(wrong_method)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::around))
        .with_state(state)
}

async fn wrong_method() -> Response {
    let error = serde_json::json!({ "error": "this path takes another method, see the Allow header" });
    (StatusCode::METHOD_NOT_ALLOWED, axum::Json(error)).into_response()
}

/// The answer on paths that are none, in the caller's protocol.
pub(in crate::api) async fn not_found(request: Request) -> Response {
    if is_grpc(&request) {
        return Status::unimplemented("no such method; see the services by reflection").into_http();
    }
    Error::new(Kind::NotFound, "no such path; webhooks are under /v1/webhooks/, OTLP under /v1/")
        .into_response()
}
