//! Pure functions from signals to findings: what deviates, since when, where it was really spent, and what
//! explains what.
//!
//! No IO, no async, no clock, no hypotheses: a finding says "this is not normal, by so much", never "this
//! is the cause". The methods and their sources stand at the head of each module; figures in the docs come
//! from the labelled incidents of the benchmark.

pub mod case;
pub mod causal;
pub mod changes;
pub mod finding;
#[cfg(test)]
mod fixture;
mod hash;
pub mod kube;
pub mod logs;
pub mod onset;
pub mod series;
pub mod significance;
pub mod traces;

pub use case::{Case, Periods, Telemetry};
pub use finding::Finding;
