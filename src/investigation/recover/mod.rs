//! Ways to recover, ranked.
//!
//! Paths come from the steps of matched runbooks and from what generally helps against a class of fault.
//! Each is scored by what it is likely to save against what trying it may cost, and passes gates that
//! encode what went wrong in other people's incidents. Nothing here is ever run.

mod efficacy;
mod from_imported;
mod from_runbook;
mod gates;
mod generic;
mod paths;
mod score;

pub(super) use paths::{Context, recovery_paths};
