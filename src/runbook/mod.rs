//! Runbooks: parse, lint, index, match, and checks evaluated against the sources.
//!
//! A runbook is Markdown for people with a little YAML on top for quell: see `runbooks/README.md`. This room
//! reads such files, says what is wrong with them by line and column, finds those that an alert calls for,
//! fills variables into their queries and commands, and evaluates their checks to true, false or unknown.
//!
//! It must not know how hypotheses are weighed or recovery paths ranked, and it never runs a command.

mod balance;
mod bind;
mod blocks;
mod check;
mod embedded;
mod expect;
mod fields;
mod finding;
mod front_matter;
pub mod import;
mod index;
mod judge;
mod library;
mod lint;
mod lint_blocks;
mod matching;
mod model;
mod node;
mod observe;
mod outcome;
mod parse;
mod quote;
#[cfg(test)]
mod shipped_tests;
mod vars;

pub use bind::{BindError, Shown, bind, show};
pub use check::{CheckTimes, evaluate, evaluate_verify};
pub use expect::{Bound, Expect, ExpectError, Op, Quantity, Unit};
pub use finding::{Finding, Severity};
pub use judge::{Observation, Row, Truth, quantile};
pub use library::Library;
pub use matching::{Match, Query};
pub use model::{At, Check, MatchRules, Pattern, Runbook, RunbookHypothesis, StepSpec, VarSpec, Verify};
pub use observe::{MOST, step};
pub use outcome::CheckOutcome;
pub use parse::{lint, parse};
pub use vars::{BUILT_IN, Vars};
