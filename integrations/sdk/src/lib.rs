//! What an integration is written against.
//!
//! An integration is one crate per vendor. Its configuration type builds capabilities (a source of
//! metrics, logs, traces, changes or topology; a receiver of alerts) and a health check; see
//! [`Integration`]. Everything a vendor says is turned into the [`signal`] types at its own edge, so no
//! vendor JSON leaves the crate.
//!
//! This crate knows nothing of incidents, hypotheses or rankings: it lies below both the vendors and
//! the engine.

pub mod answer;
pub mod conformance;
pub mod error;
pub mod guard;
pub mod http;
pub mod integration;
pub mod local;
pub mod receiver;
pub mod signal;
pub mod source;

pub use answer::{Answer, Completeness};
pub use error::{Error, ErrorKind, Result};
pub use integration::{Capabilities, Health, Integration};
pub use receiver::{AlertReceiver, Received, Rejection, Request};
pub use source::{ChangeSource, LogsSource, MetricsSource, TopologySource, TracesSource};
