//! From alerts to a ranked answer: collect, find symptoms, propose, test, weigh, recover.
//!
//! One Coordinator per incident owns the state and puts events in order; one agent per hypothesis argues.
//! This room knows neither where alerts come from nor where events go: it takes a [`Request`] and
//! [`Sources`], and tells an [`Emit`].

mod agent;
mod board;
mod calibration;
mod collect;
mod coordinator;
mod elsewhere;
mod fault;
mod imported;
mod innocent;
mod place;
mod propagation;
mod propose;
mod recover;
mod request;
mod sign;
mod sources;
mod states;
mod symptoms;
mod verdict;
mod weigh;

pub use calibration::calibration;
pub use collect::step;
pub use coordinator::investigate;
pub use request::{Emit, Request};
pub use sources::{Reference, Sources};
pub use weigh::raw_score;
