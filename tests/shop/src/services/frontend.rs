use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Boot, Jitter, workers::Workers};
use crate::{
    http::{Failure, Peer, observed},
    telemetry::Call,
};

/// Render workers at scale 1: about 200 pages per second.
const WORKERS: u32 = 3;
/// Milliseconds to render a page.
const RENDER_MS: u64 = 15;

struct Frontend {
    checkout: Peer,
    cart: Peer,
    inventory: Peer,
    workers: Arc<Workers>,
    jitter: Jitter,
}

pub(super) fn routes(boot: &Boot) -> Router {
    let frontend = Frontend {
        checkout: boot.peer("checkout"),
        cart: boot.peer("cart"),
        inventory: boot.peer("inventory"),
        workers: Workers::new(boot.config.capacity(WORKERS), &boot.telemetry.meter),
        jitter: boot.jitter(),
    };
    let routes = Router::new()
        .route("/", get(home))
        .route("/products/{sku}", get(product))
        .route("/cart/{user}", get(show_cart))
        .route("/cart/{user}/items", post(add_item))
        .route("/checkout", post(checkout))
        .with_state(Arc::new(frontend));
    observed(routes, &boot.telemetry)
}

type Page = Result<Json<Value>, Failure>;

async fn home(State(shop): State<Arc<Frontend>>, call: Call) -> Page {
    shop.render(&call, "home", json!({})).await
}

async fn product(State(shop): State<Arc<Frontend>>, call: Call, Path(sku): Path<u32>) -> Page {
    shop.workers.admit(&call)?;
    let stock = shop
        .inventory
        .get(&call, "/stock/{sku}", &format!("/stock/{sku}"))
        .await
        .map_err(|failure| failure.while_doing("product page"))?;
    shop.render(&call, "product", stock).await
}

async fn show_cart(State(shop): State<Arc<Frontend>>, call: Call, Path(user): Path<u32>) -> Page {
    shop.workers.admit(&call)?;
    let cart = shop
        .cart
        .get(&call, "/carts/{user}", &format!("/carts/{user}"))
        .await
        .map_err(|failure| failure.while_doing("cart page"))?;
    shop.render(&call, "cart", cart).await
}

async fn add_item(
    State(shop): State<Arc<Frontend>>,
    call: Call,
    Path(user): Path<u32>,
    Json(item): Json<Value>,
) -> Page {
    shop.workers.admit(&call)?;
    let cart = shop
        .cart
        .post(&call, "/carts/{user}/items", &format!("/carts/{user}/items"), &item)
        .await
        .map_err(|failure| failure.while_doing("adding to cart"))?;
    shop.render(&call, "cart", cart).await
}

async fn checkout(State(shop): State<Arc<Frontend>>, call: Call, Json(order): Json<Value>) -> Page {
    shop.workers.admit(&call)?;
    let receipt = shop
        .checkout
        .post(&call, "/checkouts", "/checkouts", &order)
        .await
        .map_err(|failure| failure.while_doing("checkout"))?;
    shop.render(&call, "receipt", receipt).await
}

impl Frontend {
    async fn render(&self, call: &Call, page: &'static str, content: Value) -> Page {
        let worker = self.workers.turn(call).await?;
        self.jitter.work(RENDER_MS).await;
        drop(worker);
        call.info(format!("served {page} page"), vec![("page", page.into())]);
        Ok(Json(json!({ "page": page, "content": content })))
    }
}
