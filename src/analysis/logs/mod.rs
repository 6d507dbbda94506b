//! Logs: which messages are new, gone, or more or less frequent than the work that emits them explains.

mod drain;
mod mask;
mod mined;
mod outside;
mod rates;
#[cfg(test)]
mod tests;

pub use drain::{Drain, TemplateId};
pub use mask::mask;
pub use mined::{Learnt, Line, Mined, Template};
pub use outside::find as find_outside;
pub use rates::{CUT_SHORT, find};
