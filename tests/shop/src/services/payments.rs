use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, routing::post};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Boot;
use crate::{
    http::{Exception, Failure, Peer, observed},
    telemetry::Call,
};

/// Pause before the one retry.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

struct Payments {
    provider: Peer,
    version: String,
    /// Whether this release converts amounts the way that fails.
    broken: bool,
}

#[derive(Deserialize)]
struct Charge {
    user: u32,
    amount: i64,
    currency: String,
}

pub(super) fn routes(boot: &Boot) -> Router {
    let payments = Payments {
        provider: boot.peer("payment-provider"),
        version: boot.release.version.clone(),
        broken: boot.release.broken,
    };
    let routes = Router::new().route("/charges", post(charge)).with_state(Arc::new(payments));
    observed(routes, &boot.telemetry)
}

async fn charge(
    State(payments): State<Arc<Payments>>,
    call: Call,
    Json(charge): Json<Charge>,
) -> Result<Json<Value>, Failure> {
    let amount = payments.minor_units(&charge).map_err(Failure::thrown)?;
    let request = json!({ "amount": amount, "currency": charge.currency });
    let mut answer = payments.provider.post(&call, "/v1/charges", "/v1/charges", &request).await;
    if let Err(failure) = &answer
        && failure.status == StatusCode::SERVICE_UNAVAILABLE
    {
        call.warn(format!("charge not accepted, retrying once: {}", failure.message), Vec::new());
        tokio::time::sleep(RETRY_PAUSE).await;
        answer = payments.provider.post(&call, "/v1/charges", "/v1/charges", &request).await;
    }
    let receipt = answer.map_err(|failure| failure.while_doing("charging the card"))?;
    call.info(
        format!("charge captured for customer {}", charge.user),
        vec![("payment.currency", charge.currency.into()), ("user.id", i64::from(charge.user).into())],
    );
    Ok(Json(receipt))
}

impl Payments {
    /// The amount in cents. The bad release looks the exponent of a currency up in a table that only
    /// has the euro.
    fn minor_units(&self, charge: &Charge) -> Result<i64, Exception> {
        if self.broken && charge.currency != "EUR" {
            let message = format!("no minor unit exponent for currency {:?}", charge.currency);
            return Err(Exception {
                kind: "CurrencyTableError",
                stacktrace: format!(
                    "CurrencyTableError: {message}\n  at payments::money::convert_minor_units (src/money.rs:118)\n  \
                     at payments::charge::prepare (src/charge.rs:57)\n  at payments::http::charge (src/http.rs:41)\n  \
                     release payments@{}",
                    self.version
                ),
                message,
            });
        }
        Ok(charge.amount)
    }
}
