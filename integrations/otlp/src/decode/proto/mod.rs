//! Protobuf messages as the borrowed forms of [`super::wire`].

mod common;
mod logs;
mod metrics;
mod traces;

pub(crate) use logs::logs;
pub(crate) use metrics::metrics;
pub(crate) use traces::spans;
