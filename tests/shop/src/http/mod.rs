//! HTTP between the services: a server that observes each request, clients that observe each call.
//!
//! What goes wrong travels as a [`Failure`]: the server turns it into a status, a failed span and a log
//! record, once, so handlers only say what happened. Knows nothing of any single service.

mod failure;
mod peer;
mod server;
mod wire;

pub(crate) use failure::{Exception, Failure};
pub(crate) use peer::Peer;
pub(crate) use server::{Ending, observed, serve, unobserved};
pub(crate) use wire::{Wire, WireError};
