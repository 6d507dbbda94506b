//! When the incident began, found in the data.
//!
//! The page comes minutes after the fault. Two kinds of witness are heard: indicators whose level changed, and
//! counts (calls that are no longer made, lines no longer logged, failures, slow calls) whose rate differs most
//! between before and after a moment. The onset is the moment that explains most of both. Nothing that comes
//! after the page counts.

mod find;
mod tallies;
#[cfg(test)]
mod tests;
mod votes;

pub use find::{Onset, find, periods};
pub use votes::Votes;
