use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Boot, Jitter, Switches};
use crate::http::Failure;

/// Milliseconds to accept a charge.
const CHARGE_MS: u64 = 35;
/// Milliseconds more while it is slow.
const SLOW_MS: u64 = 90;

struct Provider {
    switches: Arc<Switches>,
    jitter: Jitter,
}

/// `POST /v1/charges`. Another company's: no spans, logs or metrics.
pub(super) fn routes(boot: &Boot) -> Router {
    let provider = Provider { switches: boot.switches.clone(), jitter: boot.jitter() };
    Router::new().route("/v1/charges", post(charge)).with_state(Arc::new(provider))
}

async fn charge(State(provider): State<Arc<Provider>>) -> Result<Json<Value>, Failure> {
    if Switches::is(&provider.switches.provider_down) {
        provider.jitter.work(5).await;
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "service temporarily unavailable"));
    }
    provider.jitter.work(CHARGE_MS).await;
    if Switches::is(&provider.switches.provider_slow) {
        provider.jitter.work(SLOW_MS).await;
    }
    Ok(Json(json!({ "status": "captured" })))
}
