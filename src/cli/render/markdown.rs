//! An answer as Markdown, to paste into a chat or a ticket.

use std::fmt::Write;

use quell_proto::v1::{Investigation, investigation::Verdict};

use super::text::{clean, clean_lines, date, percent, span};

/// The answer as Markdown.
pub(crate) fn markdown(found: &Investigation) -> String {
    let mut text = String::new();
    let verdict = match found.verdict() {
        Verdict::CauseFound => "Cause found",
        Verdict::Inconclusive => "Inconclusive",
        Verdict::NotAnIncident => "Not an incident",
        Verdict::Unspecified => "No verdict",
    };
    // Writing to a string cannot fail.
    writeln!(text, "# {verdict}: {}\n", escape(&found.service)).ok();
    writeln!(text, "{}\n", escape(&found.because)).ok();
    if !found.hypotheses.is_empty() {
        writeln!(
            text,
            "## Hypotheses\n\n| probability | claim | since (UTC) | evidence |\n| --- | --- | --- | --- |"
        )
        .ok();
        for hypothesis in found.hypotheses.iter().take(8) {
            writeln!(
                text,
                "| {} | {} | {} | {} |",
                percent(hypothesis.probability),
                escape(&hypothesis.claim),
                date(hypothesis.onset.as_ref()),
                hypothesis.evidence.join(" ")
            )
            .ok();
        }
    }
    for (rank, path) in found.recovery_paths.iter().enumerate() {
        writeln!(text, "\n## {}. {}\n", rank + 1, escape(&path.title)).ok();
        let undo = if path.reversible { "reversible" } else { "**not reversible**" };
        writeln!(
            text,
            "{} to end it, risk {}, {undo}, about {}, touches {}\n",
            percent(path.probability_of_fix),
            path.risk,
            span(path.eta.as_ref()),
            path.blast
        )
        .ok();
        for step in &path.steps {
            writeln!(text, "- **{}**: {}", step.kind.replace('_', " "), escape(&step.text)).ok();
            if !step.command.is_empty() {
                let fence = if step.command.contains("```") { "~~~~" } else { "```" };
                writeln!(
                    text,
                    "\n  {fence}{}\n  {}\n  {fence}\n",
                    step.language,
                    clean_lines(&step.command).replace('\n', "\n  ")
                )
                .ok();
            }
        }
        writeln!(text, "- **stop**: {}", escape(&path.stop_rule)).ok();
    }
    if !found.innocent.is_empty() {
        writeln!(text, "\n## Not to blame\n").ok();
        for change in &found.innocent {
            let name = if change.title.is_empty() { &change.change_id } else { &change.title };
            writeln!(text, "- {}: {}", escape(name), escape(&change.because)).ok();
        }
    }
    if !found.blind_spots.is_empty() {
        writeln!(text, "\n## Not seen\n").ok();
        for spot in &found.blind_spots {
            writeln!(text, "- {} ({}): {}", spot.signal, escape(&spot.source), escape(&spot.because)).ok();
        }
    }
    text
}

/// Telemetry must not become markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in clean(text).chars() {
        if matches!(character, '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '#') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
