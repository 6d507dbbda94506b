//! The call graph: who depends on whom, and whose deviation explains whose.

mod excess;
mod graph;

pub use excess::find as find_excess;
pub use graph::Graph;
