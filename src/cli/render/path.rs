//! Recovery paths.

use std::fmt::Write;

use quell_proto::v1::{RecoveryPath, Step};

use super::{
    style::{bold, dim, risk},
    text::{clean, clean_lines, percent, span, wrap},
};

/// All paths: the first in full, the others in short.
pub(crate) fn paths(paths: &[RecoveryPath], width: usize, verbose: bool) -> String {
    let mut text = String::new();
    for (rank, recovery) in paths.iter().enumerate() {
        if rank > 0 {
            text.push('\n');
        }
        text.push_str(&path(recovery, rank + 1, width, verbose || rank == 0));
    }
    text
}

/// One path.
pub(super) fn path(path: &RecoveryPath, rank: usize, width: usize, full: bool) -> String {
    let mut text = String::new();
    let reversible = if path.reversible { "reversible" } else { "NOT reversible" };
    let title = bold(&wrap(&format!("{rank}. {}", path.title), width, 3));
    // Writing to a string cannot fail.
    writeln!(text, "{title}  {}", dim(&format!("[{}, {}]", path.id, path.action))).ok();
    writeln!(
        text,
        "   {} to end it · risk {} · {reversible} · ~{} · touches {}",
        percent(path.probability_of_fix),
        risk(&path.risk),
        span(path.eta.as_ref()),
        clean(&path.blast),
    )
    .ok();
    if !full {
        for act in path.steps.iter().filter(|step| step.kind == "act") {
            if act.command.is_empty() {
                writeln!(text, "   {}", wrap(&act.text, width, 3)).ok();
            }
            text.push_str(&command(act, path, width));
        }
        return text;
    }
    for step in &path.steps {
        writeln!(text, "   {:<9} {}", step.kind.replace('_', "-"), wrap(&step.text, width, 13)).ok();
        text.push_str(&command(step, path, width));
    }
    if !path.stop_rule.is_empty() {
        writeln!(text, "   {:<9} {}", "stop", wrap(&path.stop_rule, width, 13)).ok();
    }
    for gate in &path.gates {
        writeln!(text, "   {:<9} {}", "note", wrap(gate, width, 13)).ok();
    }
    if !path.runbook.is_empty() {
        writeln!(text, "   {:<9} {}", "runbook", wrap(&path.runbook, width, 13)).ok();
    }
    if !path.evidence.is_empty() {
        let against = if path.against.is_empty() {
            String::new()
        } else {
            format!("; against: {}", path.against.join(" "))
        };
        writeln!(text, "   {:<9} {}{against}", "evidence", path.evidence.join(" ")).ok();
    }
    text
}

/// A command to copy: no prompt, no truncation; what acts says its risk in front.
fn command(step: &Step, path: &RecoveryPath, width: usize) -> String {
    if step.command.is_empty() {
        return String::new();
    }
    if step.language == "text" {
        return format!("             {}\n", wrap(&step.command, width, 13));
    }
    let mut text = String::new();
    if step.kind == "act" {
        let reversible = if path.reversible { "reversible" } else { "not reversible" };
        let comment = format!(
            "# risk: {}, {reversible}, ~{}, blast: {} {}",
            path.risk,
            span(path.eta.as_ref()),
            path.blast,
            clean(&path.target)
        );
        writeln!(text, "{}", dim(&comment)).ok();
    }
    if matches!(step.language.as_str(), "promql" | "logql" | "traceql") {
        writeln!(
            text,
            "{}",
            dim(&format!("# {}, for a dashboard or, between quotes, for quell query", step.language))
        )
        .ok();
    }
    for line in clean_lines(&step.command).lines() {
        writeln!(text, "{line}").ok();
    }
    text
}
