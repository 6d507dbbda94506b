//! Data points merged into series.
//!
//! Points of one series come in many requests, out of order, twice, or as steps instead of totals; here
//! they become series as the SDK wants them: ascending, without repeats, counters cumulative. It knows
//! nothing of OTLP's messages.

mod entry;
mod set;
#[cfg(test)]
mod tests;

pub use entry::Shape;
pub use set::{Finished, SeriesSet};
