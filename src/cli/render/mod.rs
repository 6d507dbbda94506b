//! What a person reads: text made of the public messages, the same for a server's answer and a local one.

mod answer;
mod bench;
mod bench_sections;
mod doctor;
mod event;
mod feed;
mod incident;
mod markdown;
mod path;
mod query;
pub(super) mod style;
mod table;
mod text;

pub(super) use answer::{answer, evidence, hypotheses};
pub(super) use bench::{ablations, bench};
pub(super) use doctor::doctor;
#[cfg(test)]
use event::event;
pub(super) use feed::Feed;
pub(super) use incident::{headline, incidents};
pub(super) use markdown::markdown;
pub(super) use path::paths;
pub(super) use query::query;
pub(super) use table::table;
pub(super) use text::{clean_lines, shorten};

#[cfg(test)]
mod bench_tests;
#[cfg(test)]
mod tests;
