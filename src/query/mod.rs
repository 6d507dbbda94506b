//! Running a query: one that a piece of evidence shows, or one that a person typed.
//!
//! What stands in an answer came from a query; this room runs that text again over the same sources and
//! sets what it gives beside what the evidence states. It must not know where the text came from, nor how
//! anything is printed or sent.

mod figures;
mod language;
mod repeat;
mod run;
#[cfg(test)]
mod tests;

pub use figures::{Figure, figures};
pub use language::{check, guess, parse};
pub use repeat::{Repeat, repeat};
pub use run::{Data, Limits, Question, Reply, of_evidence, run};
