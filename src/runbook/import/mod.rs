//! Plain Markdown runbooks, read as they are: sections by their headings, queries by parsing, commands by what they do.
//!
//! Nothing here runs anything, and nothing that stands in such a file is believed to be harmless: a command is
//! read-only when every part of it is known to be. This room must not know sources, hypotheses or ranks.

mod catalogue;
mod changes;
mod classify;
mod collect;
mod document;
mod fence;
mod model;
mod placeholders;
mod promql;
mod read;
mod render;
mod sections;
mod shell;
mod stated;
#[cfg(test)]
mod tests;
mod tools;
mod wrappers;

pub use catalogue::{Entry, read as read_catalogue};
pub use classify::{Class, Effect};
pub use collect::classify;
pub use model::{Format, Imported, ImportedCheck, ImportedStep, Section, SectionKind};
pub use placeholders::Template;
pub use read::{import, is_native};
pub use render::render;
pub use stated::Stated;
