//! The whole program among real neighbours: a shop that breaks, Prometheus, Alertmanager, and `kill -9`.
//!
//! Nothing stands in for anything here, so these tests take minutes, need the packages of
//! `tests/install-packages.sh`, and run one after the other.

#[cfg(test)]
#[path = "end_to_end/bad_input.rs"]
mod bad_input;
#[cfg(test)]
#[path = "end_to_end/client.rs"]
mod client;
#[cfg(test)]
#[path = "end_to_end/program.rs"]
mod program;
#[cfg(test)]
#[path = "end_to_end/real_page.rs"]
mod real_page;
#[cfg(test)]
#[path = "end_to_end/survives_kill.rs"]
mod survives_kill;

/// Held by the test that runs: they measure time, and a neighbour would take it from them.
#[cfg(test)]
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
