//! The composition root: a configuration becomes a running server.
//!
//! The one place that names every concrete type. What it starts it also stops, in the reverse order.

mod checkup;
mod engine;
mod investigator;
mod scribe;
mod start;
mod worker;

pub use investigator::Investigator;
pub use start::{App, Builder, Error};
