use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Boot, Jitter};
use crate::{
    http::{Failure, Peer, observed},
    telemetry::Call,
};

struct Checkout {
    cart: Peer,
    inventory: Peer,
    payments: Peer,
    orders: Peer,
    jitter: Jitter,
}

#[derive(Deserialize)]
struct Request {
    user: u32,
    currency: String,
    #[serde(default)]
    coupon: Option<u32>,
}

pub(super) fn routes(boot: &Boot) -> Router {
    let checkout = Checkout {
        cart: boot.peer("cart"),
        inventory: boot.peer("inventory"),
        payments: boot.peer("payments"),
        orders: boot.peer("orders"),
        jitter: boot.jitter(),
    };
    let routes = Router::new().route("/checkouts", post(check_out)).with_state(Arc::new(checkout));
    observed(routes, &boot.telemetry)
}

async fn check_out(
    State(checkout): State<Arc<Checkout>>,
    call: Call,
    Json(request): Json<Request>,
) -> Result<Json<Value>, Failure> {
    let user = request.user;
    let cart = checkout
        .cart
        .get(&call, "/carts/{user}", &format!("/carts/{user}"))
        .await
        .map_err(|failure| failure.while_doing("reading the cart"))?;
    checkout.jitter.work(3).await;
    let total = cart.get("total").and_then(Value::as_i64).unwrap_or_default();
    let sku = cart.get("sku").and_then(Value::as_i64).unwrap_or_default();
    checkout
        .inventory
        .post(&call, "/reservations", "/reservations", &json!({ "sku": sku, "quantity": 1 }))
        .await
        .map_err(|failure| failure.while_doing("reserving stock"))?;
    let charge = json!({ "user": user, "amount": total, "currency": request.currency });
    checkout
        .payments
        .post(&call, "/charges", "/charges", &charge)
        .await
        .map_err(|failure| failure.while_doing("charging the customer"))?;
    let order = json!({ "customer": user, "total": total, "coupon": request.coupon });
    let placed = checkout.orders.post(&call, "/orders", "/orders", &order).await.map_err(|failure| {
        call.warn(
            format!("customer {user} is charged but has no order, refund queued"),
            vec![("user.id", i64::from(user).into())],
        );
        failure.while_doing("placing the order")
    })?;
    call.info(format!("checkout of customer {user} completed"), vec![("user.id", i64::from(user).into())]);
    Ok(Json(placed))
}
