//! The append-only, numbered event log of every incident, and the queue of investigations to do.
//!
//! The one thing that is stored: everything else is a fold over it. It knows nothing of how events come
//! about or who reads them.

#[cfg(test)]
pub(crate) mod conformance;
mod contract;
mod sqlite;

pub use contract::{Append, Appended, Claim, Error, Journal, Position, Result};
pub use sqlite::{Options, SqliteJournal};
