//! `orders-db`: a small database with tables, indexes that can be dropped, and a disk that takes time.
//!
//! It reads a handful of SQL forms, plans each by the indexes there are, runs it over the rows, and
//! waits for the disk in proportion to the pages it read. Like most databases it sends logs and metrics
//! and no spans. [`Pool`] is what its clients reach it through.

mod engine;
mod pool;
mod server;
mod statement;
mod table;

pub(crate) use engine::Engine;
pub(crate) use pool::{Lease, Pool};
pub(crate) use server::{INDEX, router};
