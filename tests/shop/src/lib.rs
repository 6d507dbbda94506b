//! A small shop that really runs: nine parts on loopback that call each other over HTTP, customers that
//! come at random, telemetry as real services send it, and faults that can be switched on.
//!
//! ```text
//! customers -> frontend -> checkout -> cart -> cache
//!                  |          |-> inventory -> orders-db
//!                  |          |-> payments -> payment-provider
//!                  |          `-> orders -> orders-db
//!                  |-> cart
//!                  `-> inventory
//! ```
//!
//! The demo embeds it, the end-to-end tests page on it, and the binary `quell-shop` runs it alone. It
//! knows nothing of who watches it: it sends OTLP, serves `/metrics` and posts change events, and each
//! [`Fault`] says what its one true cause is.

mod change;
mod config;
mod db;
mod error;
mod fault;
mod http;
mod load;
mod prometheus;
mod services;
mod shop;
mod slot;
mod stats;
mod telemetry;

pub use change::change_event;
pub use config::Config;
pub use error::{Error, Result};
pub use fault::{Fault, Truth};
pub use prometheus::{alert_rules, alertmanager_config, prometheus_config, sensitive_rules};
pub use services::Kind;
pub use shop::{ServiceInfo, Shop};
pub use stats::Stats;
