//! What `quell doctor` found.

use std::fmt::Write;

use quell_sdk::Health;

use super::{
    style::{bad, dim, good, warn},
    text::{clean, wrap},
};

/// Widest name that the others make room for.
const WIDEST: usize = 24;

/// A line for each check, with what to do where it failed, then the warnings.
pub(crate) fn doctor(checks: &[(String, Health)], warnings: &[String], width: usize) -> String {
    let names = checks.iter().map(|(name, _)| name.chars().count());
    let column = names.max().unwrap_or(0).min(WIDEST);
    let indent = column + 7;
    let mut text = String::new();
    for (name, health) in checks {
        let mark = if health.ok { good("ok  ") } else { bad("FAIL") };
        let found = wrap(&health.found, width, indent);
        // Writing to a string cannot fail.
        writeln!(text, "{mark} {:<column$}  {found}", clean(name)).ok();
        if !health.next_action.is_empty() {
            let next = wrap(&format!("next: {}", health.next_action), width, indent);
            writeln!(text, "{:indent$}{}", "", dim(&next)).ok();
        }
    }
    for warning in warnings {
        writeln!(text, "{} {}", warn("warn"), wrap(warning, width, 5)).ok();
    }
    text
}
