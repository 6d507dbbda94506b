//! Changes: which of them could have done it, by time, place and content.

mod candidates;
mod content;
mod diff;
mod identifiers;

pub use candidates::{Candidate, Rollout, candidates};
pub use content::{Content, Document, Overlap};
pub use diff::{Effect, effect};
pub use identifiers::identifiers;
