//! What services pushed lately, in bounded memory.
//!
//! The window takes OTLP requests and answers queries over what it holds. Whoever pushes says what time
//! it is. When a signal outgrows its share of memory, its oldest data goes first; what went, and from
//! when on the window is whole, stands in every answer.

mod answers;
mod config;
mod points;
mod push;
mod ring;
mod stats;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use push::{Pushed, Window};
pub use stats::{SignalStats, Stats};
