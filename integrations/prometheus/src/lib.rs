//! Prometheus, and what answers its query API (Thanos, Mimir, VictoriaMetrics), as a source of metrics.
//!
//! [`Prometheus`] is the configured source. Below it, from the outside in: `discover` finds and pulls
//! what exists for the suspects, `plan` decides what that costs and in which order, `client` asks,
//! `decode` reads the answers, `promql` reads and writes expressions, `labels` translates label names.
//! No Prometheus JSON leaves this crate, and it knows nothing of incidents.

mod client;
mod config;
mod decode;
mod discover;
mod health;
mod kinds;
mod labels;
mod plan;
mod promql;
mod source;

pub use config::Config;
pub use source::Prometheus;
