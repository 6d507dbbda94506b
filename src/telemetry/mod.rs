//! quell's own logs and metrics; the names of both stand in one place.
//!
//! Logs go to standard error. Metrics are Prometheus text; label values come from closed lists, so that no
//! sender can grow them.

mod logs;
mod metrics;

pub use logs::{Error, Format, init};
pub use metrics::{Metrics, RejectReason, Signal, Watcher};
