//! PagerDuty's Events API v2, so that whatever can page PagerDuty can page quell by changing a URL.

use axum::{body::Body, extract::State, response::Response};
use http::HeaderMap;
use quell_pagerduty::invalid_event;

use super::webhooks::deliver;
use crate::api::state::Shared;

/// Alerts and changes alike: the receiver tells them apart.
pub(super) async fn enqueue(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    deliver(&state, &*state.receivers.events_v2, &headers, body, invalid_event).await
}

pub(super) async fn enqueue_change(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    deliver(&state, &*state.receivers.change_events, &headers, body, invalid_event).await
}
