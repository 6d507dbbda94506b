use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Boot;
use crate::{
    db::Pool,
    http::{Failure, observed},
    telemetry::Call,
};

/// Connections to the database at scale 1.
const CONNECTIONS: u32 = 8;

#[derive(Deserialize)]
struct Reservation {
    sku: i64,
    quantity: i64,
}

pub(super) fn routes(boot: &Boot) -> Router {
    let size = boot.config.capacity(CONNECTIONS);
    let pool = Pool::new("inventory-db", boot.address("orders-db"), size, &boot.telemetry.meter);
    let routes = Router::new()
        .route("/stock/{sku}", get(stock))
        .route("/reservations", post(reserve))
        .with_state(pool);
    observed(routes, &boot.telemetry)
}

async fn stock(
    State(pool): State<Arc<Pool>>,
    call: Call,
    Path(sku): Path<i64>,
) -> Result<Json<Value>, Failure> {
    let mut connection = pool.acquire(&call).await?;
    let rows = connection.query(&call, "SELECT sku, available FROM stock WHERE sku = $1", &[sku]).await?;
    drop(connection);
    let available = rows.first().and_then(|row| row.get(1)).copied();
    let available =
        available.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, format!("no product with sku {sku}")))?;
    Ok(Json(json!({ "sku": sku, "available": available })))
}

async fn reserve(
    State(pool): State<Arc<Pool>>,
    call: Call,
    Json(wanted): Json<Reservation>,
) -> Result<Json<Value>, Failure> {
    let mut connection = pool.acquire(&call).await?;
    let text = "UPDATE stock SET available = available - $2 WHERE sku = $1";
    let rows = connection.query(&call, text, &[wanted.sku, wanted.quantity]).await?;
    drop(connection);
    let changed = rows.first().and_then(|row| row.first()).copied().unwrap_or_default();
    call.info(
        format!("reserved {} of sku {}", wanted.quantity, wanted.sku),
        vec![("product.sku", wanted.sku.into())],
    );
    Ok(Json(json!({ "reserved": changed })))
}
