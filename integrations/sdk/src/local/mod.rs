//! Query languages over signals held in memory.
//!
//! A source that keeps its signals itself (an incident bundle, the OTLP window) answers through
//! [`StoreSource`] the queries that a person would run elsewhere: PromQL over metrics, LogQL over logs,
//! TraceQL over spans. Nothing here knows where the signals came from, asks for the time, or does IO.

pub mod answering;
mod compare;
pub mod discover;
pub mod logql;
pub mod plan;
pub mod promql;
mod reading;
mod scan;
mod selected;
mod source;
mod store;
pub mod traceql;

pub use discover::discover;
pub use plan::{Reading, plan};
pub use selected::Selected;
pub use source::{BySignal, StoreSource};
pub use store::Store;

#[cfg(test)]
mod discover_tests;
#[cfg(test)]
mod source_tests;
