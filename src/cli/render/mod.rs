//! What a person reads: text made of the public messages, the same for a server's answer and a local one.

mod answer;
mod event;
mod incident;
mod markdown;
mod path;
pub mod style;
mod table;
mod text;

pub use answer::{answer, evidence, hypotheses};
pub use event::event;
pub use incident::{headline, incidents};
pub use markdown::markdown;
pub use path::paths;
pub use table::table;
