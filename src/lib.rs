//! quell: an on-call copilot. A page comes in; quell reads metrics, logs, traces and changes, tests every
//! plausible cause side by side against them and against the runbooks, and streams ranked ways to recover.
//!
//! The path of the data, top down: [`api`] takes an alert, [`intake`] makes it part of an incident, whose
//! events go to the [`journal`]; the [`investigation`] collects signals, lets [`analysis`] find symptoms,
//! proposes hypotheses, tests them and ranks recovery paths; [`api`] and [`cli`] show the journal.
//! ARCHITECTURE.md has the map.

pub mod analysis;
pub mod bench;
pub mod bundle;
pub mod config;
pub mod domain;
pub mod history;
pub mod intake;
pub mod investigation;
pub mod journal;
pub mod query;
pub mod runbook;

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod registry;
pub mod telemetry;
