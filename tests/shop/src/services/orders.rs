use std::sync::{Arc, Mutex, PoisonError};

use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Boot, Switches};
use crate::{
    db::{Lease, Pool},
    http::{Failure, observed},
    telemetry::Call,
};

/// Connections to the database at scale 1.
const CONNECTIONS: u32 = 8;

struct Orders {
    pool: Arc<Pool>,
    switches: Arc<Switches>,
    /// Connections that nobody gave back. They end with this instance.
    leaked: Mutex<Vec<Lease>>,
}

#[derive(Deserialize)]
struct Order {
    customer: i64,
    total: i64,
    #[serde(default)]
    coupon: Option<i64>,
}

pub(super) fn routes(boot: &Boot) -> Router {
    let size = boot.config.capacity(CONNECTIONS);
    let orders = Orders {
        pool: Pool::new("orders-db", boot.address("orders-db"), size, &boot.telemetry.meter),
        switches: boot.switches.clone(),
        leaked: Mutex::new(Vec::new()),
    };
    let routes = Router::new().route("/orders", post(place)).with_state(Arc::new(orders));
    observed(routes, &boot.telemetry)
}

async fn place(
    State(orders): State<Arc<Orders>>,
    call: Call,
    Json(order): Json<Order>,
) -> Result<Json<Value>, Failure> {
    let mut connection = orders.pool.acquire(&call).await?;
    let text = "SELECT id, total FROM orders WHERE customer_id = $1";
    let earlier = connection.query(&call, text, &[order.customer]).await?;
    drop(connection);
    let mut total = order.total;
    if let Some(code) = order.coupon {
        let percent = orders.coupon(&call, code).await?;
        total -= total * percent / 100;
    }
    let mut connection = orders.pool.acquire(&call).await?;
    let text = "INSERT INTO orders (customer_id, total) VALUES ($1, $2)";
    let rows = connection.query(&call, text, &[order.customer, total]).await?;
    drop(connection);
    let id = rows.first().and_then(|row| row.first()).copied().unwrap_or_default();
    call.info(
        format!("order {id} placed for customer {}", order.customer),
        vec![("order.id", id.into()), ("order.total", total.into())],
    );
    Ok(Json(json!({ "order": id, "total": total, "earlier": earlier.len() })))
}

impl Orders {
    /// The percentage that a coupon takes off.
    async fn coupon(&self, call: &Call, code: i64) -> Result<i64, Failure> {
        let mut connection = self.pool.acquire(call).await?;
        let rows =
            connection.query(call, "SELECT code, percent FROM coupons WHERE code = $1", &[code]).await?;
        if Switches::is(&self.switches.leak) {
            self.leaked.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(rows.first().and_then(|row| row.get(1)).copied().unwrap_or_default())
    }
}
