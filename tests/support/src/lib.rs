//! What the tests share: real servers as plain processes on loopback, and histories to fill them with.
//!
//! Nothing here is skipped when a program is missing: the test fails and says what to install.

pub mod alertmanager;
pub mod client;
pub mod history;
pub mod ports;
mod process;
pub mod prometheus;

pub use client::Client;
pub use history::History;
pub use process::Server;

#[cfg(test)]
mod tests;
