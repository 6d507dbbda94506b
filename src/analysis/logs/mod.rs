//! Logs: which messages are new, gone, or more or less frequent than the work that emits them explains.

mod drain;
mod mask;
mod mined;
mod rates;

pub use drain::{Drain, TemplateId};
pub use mask::mask;
pub use mined::{Line, Mined, Template};
pub use rates::find;
