//! TraceQL over spans held in memory: spanset filters, `{ ... }`, alone or in the relations child (`>`),
//! parent (`<`), not child (`!>`) and not parent (`!<`), which give the spans on their right.
//!
//! Fields are the intrinsics `name`, `status`, `statusMessage`, `duration`, `kind`, the ids, and
//! attributes under `resource.`, `span.` or `.`; the scopes do not matter, as spans keep their
//! attributes in one list. A comparison with a field that a span lacks does not hold, whatever it
//! is; ask for `= nil`. Queries are hostile and bounded.

mod ast;
mod parse;
mod select;

pub use parse::check;
pub use select::select;

#[cfg(test)]
mod tests;
