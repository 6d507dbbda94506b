//! LogQL over records held in memory: stream selectors, line filters and label filters, counts and
//! rates of what they select, and aggregations of those.
//!
//! Labels of a record are `service`, `pod`, `severity` (also as `service_name`, `level`,
//! `detected_level`), `trace_id`, `span_id` and its attributes, under their own names or with what a
//! label cannot hold replaced by `_`, as Loki does. Queries are hostile and bounded.

mod ast;
mod eval;
mod parse;

pub use eval::{range, select};
pub use parse::check;

#[cfg(test)]
mod tests;
