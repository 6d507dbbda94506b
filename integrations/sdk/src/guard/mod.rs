//! One guard for every source: deadline, concurrency, retry, breaker, counters.
//!
//! A source asks everything through one [`Guard`], so that a slow or dead one costs an investigation a
//! bounded time and is not hammered while it is down. The guard knows neither HTTP nor what is asked.

mod breaker;
mod gate;
mod stats;

pub use gate::{Guard, Limits};
pub use stats::GuardStats;

#[cfg(test)]
mod tests;
