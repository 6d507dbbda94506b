use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use http::StatusCode;
use opentelemetry::KeyValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Boot, Jitter};
use crate::{
    http::{Failure, Peer, observed},
    telemetry::Call,
};

/// Milliseconds to rebuild a cart from the saved session.
const REBUILD_MS: u64 = 12;
const TTL_SECONDS: u64 = 30;

struct Carts {
    cache: Peer,
    jitter: Jitter,
}

#[derive(Deserialize)]
struct Item {
    sku: i64,
    price: i64,
}

pub(super) fn routes(boot: &Boot) -> Router {
    let carts = Carts { cache: boot.store("cache", "redis"), jitter: boot.jitter() };
    let routes = Router::new()
        .route("/carts/{user}", get(show))
        .route("/carts/{user}/items", post(add))
        .with_state(Arc::new(carts));
    observed(routes, &boot.telemetry)
}

async fn show(
    State(carts): State<Arc<Carts>>,
    call: Call,
    Path(user): Path<u32>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(carts.load(&call, user).await?))
}

async fn add(
    State(carts): State<Arc<Carts>>,
    call: Call,
    Path(user): Path<u32>,
    Json(item): Json<Item>,
) -> Result<Json<Value>, Failure> {
    let mut cart = carts.load(&call, user).await?;
    let total = cart.get("total").and_then(Value::as_i64).unwrap_or_default().saturating_add(item.price);
    if let Some(fields) = cart.as_object_mut() {
        fields.insert("sku".to_owned(), item.sku.into());
        fields.insert("total".to_owned(), total.into());
    }
    carts.save(&call, user, &cart).await?;
    call.info(
        format!("sku {} added to the cart of customer {user}", item.sku),
        vec![("product.sku", item.sku.into()), ("user.id", i64::from(user).into())],
    );
    Ok(Json(cart))
}

impl Carts {
    /// From the cache, or rebuilt and put there.
    async fn load(&self, call: &Call, user: u32) -> Result<Value, Failure> {
        let cache = [KeyValue::new("cache.name", "carts")];
        match self.cache.get(call, "cart:{user}", &format!("/keys/cart:{user}")).await {
            Ok(cart) => {
                call.telemetry.instruments.cache_hits.add(1, &cache);
                return Ok(cart);
            }
            Err(failure) if failure.status == StatusCode::NOT_FOUND => {}
            Err(failure) => call
                .warn(format!("cache lookup failed, rebuilding the cart: {}", failure.message), Vec::new()),
        }
        call.telemetry.instruments.cache_misses.add(1, &cache);
        self.jitter.work(REBUILD_MS).await;
        let cart = json!({ "user": user, "sku": user % 500, "total": 1000 + user % 4000 });
        self.save(call, user, &cart).await?;
        Ok(cart)
    }

    async fn save(&self, call: &Call, user: u32, cart: &Value) -> Result<(), Failure> {
        let path = format!("/keys/cart:{user}?ttl={TTL_SECONDS}");
        let saved = self.cache.put(call, "cart:{user}", &path, cart).await;
        saved.map(|_| ()).map_err(|failure| failure.while_doing("saving the cart"))
    }
}
