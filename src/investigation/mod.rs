//! From alerts to a ranked answer: collect, find symptoms, propose, test, weigh, recover.

mod request;
mod sources;

pub use request::{Emit, Request};
pub use sources::{Reference, Sources};
