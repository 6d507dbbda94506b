//! Deliveries of alerts: authenticate and parse (the receiver), then on disk (the intake), then 202.

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use quell_sdk::{AlertReceiver, Rejection, Request};
use serde_json::{Value, json};

use super::body;
use crate::{
    api::{Error, Kind, state::Shared},
    intake::{Accepted, RequestKey},
    telemetry::RejectReason,
};

/// Largest delivery, in bytes: PagerDuty sends up to 256 KiB.
const LIMIT: usize = 1024 * 1024;

pub(super) async fn alertmanager(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    deliver(&state, &*state.receivers.alertmanager, &headers, body, plainly).await
}

pub(super) async fn pagerduty(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    deliver(&state, &*state.receivers.pagerduty, &headers, body, plainly).await
}

/// What a refusal says beside its `error`, in the sender's own terms.
pub(super) type Wording = fn(&Rejection) -> Value;

fn plainly(_rejection: &Rejection) -> Value {
    json!({})
}

struct Refused {
    error: Error,
    body: Value,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, body: json!({}) }
    }
}

/// Takes one delivery; also serves the Events v2 endpoints.
pub(super) async fn deliver(
    state: &Shared,
    receiver: &dyn AlertReceiver,
    headers: &HeaderMap,
    body: Body,
    wording: Wording,
) -> Response {
    match take(state, receiver, headers, body, wording).await {
        Ok(reply) => (StatusCode::ACCEPTED, Json(reply)).into_response(),
        Err(Refused { error, mut body }) => {
            let (error, reason) = as_sender_sees(error);
            state.metrics.webhook_rejected(receiver.name(), reason);
            tracing::warn!(receiver = receiver.name(), reason = reason.as_str(), %error, "delivery refused");
            body["error"] = error.message.clone().into();
            error.with_body(body)
        }
    }
}

async fn take(
    state: &Shared,
    receiver: &dyn AlertReceiver,
    headers: &HeaderMap,
    body: Body,
    wording: Wording,
) -> Result<Value, Refused> {
    state.refuse_unless_ready()?;
    let raw = body::read(headers, body, LIMIT).await?;
    let body = body::decoded(headers, raw, LIMIT)?;
    let request = Request { headers: names_and_values(headers), body, received_at: state.clock.now() };
    let key = RequestKey::of(receiver.name(), &request.headers, &request.body);
    if let Some(accepted) = state.repeated(receiver.name(), &key) {
        return Ok(taken(&accepted));
    }
    let received = receiver.receive(&request).map_err(|rejection| {
        let body = wording(&rejection);
        let error = match rejection {
            Rejection::Unauthorized(why) => Error::new(Kind::Unauthorized, why),
            Rejection::Malformed(why) => Error::new(Kind::Invalid, why),
        };
        Refused { error, body }
    })?;
    if !received.dropped.is_empty() {
        state.metrics.webhook_dropped(receiver.name(), received.dropped.len());
        let (receiver, parts) = (receiver.name(), received.dropped.len());
        tracing::warn!(receiver, parts, first = received.dropped.first(), "left out parts of a delivery");
    }
    let reply = received.reply.clone();
    let accepted = state.accept_request(receiver.name(), key, received).await?;
    Ok(reply.unwrap_or_else(|| taken(&accepted)))
}

fn taken(accepted: &Accepted) -> Value {
    json!({ "status": "accepted", "incidents": accepted.incidents })
}

/// Senders understand 401, 413 and 503 beside 202, and drop what gets another 4xx. A fault of our own is
/// no reason to lose a page: they shall try again.
fn as_sender_sees(error: Error) -> (Error, RejectReason) {
    let reason = match error.kind {
        Kind::Unauthorized => RejectReason::Unauthorized,
        Kind::TooLarge => RejectReason::TooLarge,
        Kind::Overloaded | Kind::Unavailable | Kind::Timeout => RejectReason::Overloaded,
        Kind::Internal => RejectReason::Internal,
        Kind::Invalid | Kind::NotFound | Kind::Unsupported => RejectReason::Malformed,
    };
    let error =
        if reason == RejectReason::Internal { Error::new(Kind::Unavailable, error.message) } else { error };
    (error, reason)
}

/// Headers as receivers take them; such that are no text are nobody's.
fn names_and_values(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}
