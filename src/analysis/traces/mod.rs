//! Traces: where the time was really spent, where errors began, which calls no longer happen.

mod calls;
mod delays;
mod failures;
mod forest;
mod gap;
mod peer;
mod self_time;
mod tail;
#[cfg(test)]
mod tests;
mod traced;
mod traffic;

pub use calls::find as find_structure;
pub use delays::find as find_delays;
pub use failures::find as find_failures;
pub use forest::{Forest, Operations};
pub use gap::gap;
pub use peer::{Peer, peer};
pub use traced::{Side, Traced, since};
pub use traffic::find as find_traffic;
