use axum::Router;

use super::{Boot, cache, cart, checkout, frontend, inventory, orders, payment_provider, payments};
use crate::db;

/// What a part of the shop is, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Ours; sends traces, logs and metrics.
    Service,
    /// A database: logs and metrics, no spans.
    Database,
    /// A cache: logs and metrics, no spans.
    Cache,
    /// Somebody else's: no telemetry at all.
    External,
}

/// One part of the shop.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The version it starts with.
    pub(crate) version: &'static str,
    pub(crate) routes: fn(&Boot) -> Router,
}

/// All parts, in the order in which they start: callees before their callers.
pub(crate) const CATALOGUE: [Spec; 9] = [
    Spec { name: "orders-db", kind: Kind::Database, version: "15.4", routes: database },
    Spec { name: "cache", kind: Kind::Cache, version: "7.2.4", routes: cache::routes },
    Spec { name: "payment-provider", kind: Kind::External, version: "", routes: payment_provider::routes },
    Spec { name: "payments", kind: Kind::Service, version: "3.7.2", routes: payments::routes },
    Spec { name: "orders", kind: Kind::Service, version: "3.2.7", routes: orders::routes },
    Spec { name: "inventory", kind: Kind::Service, version: "4.3.0", routes: inventory::routes },
    Spec { name: "cart", kind: Kind::Service, version: "1.9.2", routes: cart::routes },
    Spec { name: "checkout", kind: Kind::Service, version: "2.21.4", routes: checkout::routes },
    Spec { name: "frontend", kind: Kind::Service, version: "5.13.0", routes: frontend::routes },
];

fn database(boot: &Boot) -> Router {
    db::router(db::Engine::new(boot.jitter()), &boot.telemetry)
}
