//! OTLP requests to signals.
//!
//! Both encodings become the borrowed forms of `wire` first (JSON text by serde, protobuf messages by
//! reference), so that there is one set of rules for what is kept, cut and dropped. Telemetry is hostile:
//! everything is bounded, and what was bounded is counted in [`Dropped`].

mod attributes;
mod decoder;
mod exponential;
mod intern;
mod labels;
mod limits;
mod logs;
mod metrics;
mod names;
mod proto;
mod quick;
#[cfg(test)]
mod tests;
mod traces;
mod value;
mod wire;

pub(crate) use attributes::service_of;
pub(crate) use decoder::Accepts;
pub use decoder::{Decoder, JsonError};
pub use limits::{Dropped, Limits, Reason};
pub(crate) use limits::{EARLIEST, LATEST};
pub(crate) use proto::{logs as logs_of, metrics as metrics_of, spans as spans_of};
pub(crate) use wire::{LogsRequest, MetricsRequest, SpansRequest};
