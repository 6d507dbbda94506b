//! The embedded journal: one SQLite file in the data folder, `journal.sqlite`, that people can open.
//!
//! One thread writes and commits in groups ([`writer`]); a small pool of connections reads; followers page
//! from the file and are woken by numbers, so that a slow one costs the writer nothing; one that keeps up
//! gets the events themselves ([`follow`], [`live`], [`tail`]). It must not know what an incident means beyond the two payloads that move the work queue.

mod failure;
mod follow;
mod handle;
mod live;
mod open;
mod prepare;
mod queue;
mod reader;
mod schema;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod writer;

pub use handle::SqliteJournal;
pub use open::Options;
