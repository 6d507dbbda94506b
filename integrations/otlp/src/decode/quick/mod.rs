//! OTLP/JSON as exporters write it, read without a general parser.
//!
//! Requests are compact, with short keys and short plain values, and a bundle holds millions of them: what is hot
//! is read by hand here, what is rare or odd by serde, value by value. Whatever is not understood is `None`, and
//! the whole text is then left to serde, so that there is one judge of what is wrong and where; what is read here
//! is what serde reads.

mod cursor;
mod logs;
mod metrics;
mod number;
#[cfg(test)]
mod tests;
mod traces;
mod values;

pub(super) use logs::logs;
pub(super) use metrics::metrics;
pub(super) use number::digits;
pub(super) use traces::spans;
