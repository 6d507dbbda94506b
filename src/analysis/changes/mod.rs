//! Changes: which of them could have done it, by time, place and content.

mod candidates;
mod content;
mod identifiers;

pub use candidates::{Candidate, Rollout, candidates};
pub use content::{Content, Document, Overlap};
pub use identifiers::identifiers;
