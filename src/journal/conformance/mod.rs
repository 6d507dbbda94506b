//! What every journal is held to. An implementation instantiates [`conformance!`] with the name of a
//! module and an expression that opens a new, empty journal, with whatever must outlive it.

pub(crate) mod follow;
pub(crate) mod log;
mod suite;
pub(crate) mod work;

pub(crate) use suite::{
    LEASE, SOON, Shared, append, at, conformance, finished, incident, note, request, requested, take,
};
