//! Alertmanager's webhook, version 4.
//!
//! Alertmanager posts a group of alerts whenever the group changes, and again at each repeat interval.
//! Its notifications to PagerDuty name the same group by the SHA-256 of the group's key, so that is what
//! stands in [`quell_sdk::signal::Alert::group_key`] here: whichever way an alert comes, its group has one
//! name.

mod receiver;
mod webhook;

pub use receiver::{Receiver, group_key};
