//! Alerts become incidents: fingerprint, de-duplicate, group, correlate, flap, resolve.
//!
//! [`Intake`] is the one place that turns deliveries into incidents. Receivers hand it what they parsed;
//! it decides, and answers once the decision is in the journal. It must not know how a vendor writes an
//! alert, nor what an investigation does: it asks for one and goes on.

mod actor;
mod batch;
mod changelog;
mod config;
mod decide;
mod dedup;
mod episode;
mod fingerprint;
mod group;
mod handle;
mod name;
mod pace;
mod packed;
mod plan;
mod rebuild;
mod repeats;
mod state;
#[cfg(test)]
mod tests;

pub use changelog::ChangeLog;
pub use config::Config;
pub use fingerprint::fingerprint;
pub use handle::{Accepted, Asked, Error, Intake, Opened, Result, is_incident};
pub use repeats::RequestKey;
