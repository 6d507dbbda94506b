//! The view of all incidents that people query: a list by status, service and time, and one incident by
//! its id or number.
//!
//! Folded from the journal and from nothing else: `history.sqlite` may be deleted at any time and is built
//! anew. It never writes to the journal, and must not know how events come about.

mod build;
mod error;
mod find;
mod rows;
mod store;
#[cfg(test)]
mod tests;

pub use error::{Error, Result};
pub use find::{Filter, History};
