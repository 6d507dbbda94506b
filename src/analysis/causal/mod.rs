//! The call graph: who depends on whom, and whose deviation explains whose.

mod excess;
mod graph;
mod lost;
#[cfg(test)]
mod tests;

pub use excess::{Excess, find as find_excess};
pub use graph::Graph;
