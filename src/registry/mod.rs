//! The explicit list of integrations: a configuration becomes sources, receivers and health checks.
//!
//! One of the two places that name vendors; `app` is the other. It starts nothing and asks nobody until
//! it is told to.

mod build;
pub mod doctor;

pub use build::{Error, Registry, window};
