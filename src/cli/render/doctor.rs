//! What `quell doctor` found.

use std::fmt::Write;

use super::{
    style::{bad, dim, good, heading, warn},
    text::{clean, wrap},
};
use crate::domain::{Check, CheckState};

/// Widest name that the others make room for.
const WIDEST: usize = 24;

/// For each section a line for each check, with what to do where something is to be done; then the warnings.
pub(crate) fn doctor(sections: &[(String, &[Check])], warnings: &[String], width: usize) -> String {
    let names = sections.iter().flat_map(|(_, checks)| *checks).map(|check| check.name.chars().count());
    let column = names.max().unwrap_or(0).min(WIDEST);
    let indent = column + 7;
    let mut text = String::new();
    for (number, (title, checks)) in sections.iter().enumerate() {
        // Writing to a string cannot fail.
        writeln!(text, "{}{}", if number > 0 { "\n" } else { "" }, heading(&clean(title))).ok();
        for check in *checks {
            let mark = match check.state {
                CheckState::Ok => good("ok  "),
                CheckState::Off => dim("off "),
                CheckState::Failed => bad("FAIL"),
            };
            let found = wrap(&check.found, width, indent);
            writeln!(text, "{mark} {:<column$}  {found}", clean(&check.name)).ok();
            if !check.next_action.is_empty() {
                let next = wrap(&format!("next: {}", check.next_action), width, indent);
                writeln!(text, "{:indent$}{}", "", dim(&next)).ok();
            }
        }
    }
    for warning in warnings {
        writeln!(text, "{} {}", warn("warn"), wrap(warning, width, 5)).ok();
    }
    text
}
