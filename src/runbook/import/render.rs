//! An imported runbook in the native format, for a person to go on with.

use std::fmt::Write as _;

use super::{Effect, Imported, ImportedCheck, ImportedStep, shell::is_hidden as hidden};
use crate::{
    domain::{Action, Language, Risk},
    runbook::Runbook,
};

/// The file; `None` for a runbook that was not imported. What the native format wants and a plain file does not say,
/// causes above all, stands in it as a comment to be filled in.
pub fn render(runbook: &Runbook) -> Option<String> {
    let imported = runbook.imported.as_deref()?;
    let mut out = String::new();
    // writing to a string does not fail
    write(&mut out, runbook, imported).ok()?;
    Some(out)
}

fn write(out: &mut String, runbook: &Runbook, imported: &Imported) -> std::fmt::Result {
    writeln!(out, "---\nquell: 1\nid: {}\ntitle: {}", runbook.id, quoted(&runbook.title))?;
    let alerts: Vec<String> = runbook.match_rules.alerts.iter().map(|alert| quoted(alert.as_str())).collect();
    if !alerts.is_empty() {
        writeln!(out, "match:\n  alerts: [{}]", alerts.join(", "))?;
    }
    if !runbook.vars.is_empty() {
        writeln!(out, "vars:")?;
        for (name, spec) in &runbook.vars {
            let labels: Vec<String> = spec.labels.iter().map(|label| quoted(label)).collect();
            let default = spec
                .default
                .as_ref()
                .map_or(String::new(), |default| format!(", default: {}", quoted(default)));
            writeln!(out, "  {name}: {{ labels: [{}]{default} }}", labels.join(", "))?;
        }
    }
    let linked: Vec<&ImportedStep> = imported.steps.iter().filter(|step| step.command.is_native()).collect();
    out.push_str(
        "# Causes are what quell tests. Say which are plausible, what their checks answer, and what helps:\n\
         # hypotheses:\n#   bad-release:\n#     claim: A release of $service fails.\n#     prior: 0.5\n\
         #     expects: { check-1: true }\n",
    );
    let helps: Vec<&str> = linked.iter().map(|step| step.id.as_str()).collect();
    writeln!(out, "#     steps: [{}]", helps.join(", "))?;
    if !linked.is_empty() {
        writeln!(out, "steps:")?;
        for step in &linked {
            let undo = undo(step);
            step_line(out, &step.id, &step.effect, undo.as_ref().map(|_| format!("{}-undo", step.id)))?;
            if undo.is_some() {
                let effect = Effect { action: Action::RollForward, ..step.effect };
                step_line(out, &format!("{}-undo", step.id), &effect, None)?;
            }
        }
    }
    writeln!(out, "---\n\n# {}", text(&runbook.title))?;
    for (title, prose) in [("Meaning", &runbook.meaning), ("Impact", &runbook.impact)] {
        writeln!(
            out,
            "\n## {title}\n\n{}",
            if prose.is_empty() { "Not said.".to_owned() } else { text(prose) }
        )?;
    }
    writeln!(out, "\n## Diagnosis")?;
    for check in &imported.checks {
        write_check(out, check)?;
    }
    writeln!(out, "\n## Mitigation")?;
    for step in &imported.steps {
        write_step(out, step)?;
    }
    let undoable: Vec<(&ImportedStep, String)> =
        linked.iter().filter_map(|step| Some((*step, undo(step)?))).collect();
    if !undoable.is_empty() {
        writeln!(out, "\n## Undo")?;
        for (step, undo) in undoable {
            writeln!(out, "\n### Undo of {}", step.id)?;
            block(out, "sh", &format!(" {{\"step\":\"{}-undo\"}}", step.id), &undo)?;
        }
    }
    Ok(())
}

fn step_line(out: &mut String, id: &str, effect: &Effect, undo: Option<String>) -> std::fmt::Result {
    let Effect { action, risk, reversible, blast, eta, .. } = *effect;
    let risk = if !reversible && risk <= Risk::Low { Risk::Medium } else { risk };
    let undo = undo.map_or(String::new(), |undo| format!(", undo: {undo}"));
    writeln!(
        out,
        "  {id}: {{ action: {}, risk: {}, reversible: {reversible}{undo}, blast: {}, eta: {} }}",
        action.as_str(),
        risk.as_str(),
        blast.as_str(),
        humantime::format_duration(eta).to_string().replace(' ', "")
    )
}

fn write_check(out: &mut String, check: &ImportedCheck) -> std::fmt::Result {
    heading(out, &check.id, &check.title, &check.text)?;
    let (language, body) = (check.language.as_str(), check.query.native());
    match check.language {
        Language::Text => Ok(()),
        _ if !check.query.is_native() => unlinked(out, &body),
        Language::Sh => block(out, "sh", "", &body),
        _ => match check.stated.as_ref().and_then(|stated| stated.healthy.as_ref()) {
            Some(healthy) => {
                let expect = serde_json::json!({"check": check.id, "expect": healthy.to_string()});
                block(out, language, &format!(" {expect}"), &body)
            }
            None => {
                writeln!(
                    out,
                    "\n<!-- to let quell judge the answer: {{\"check\":\"{}\",\"expect\":\"> 0\"}} -->",
                    check.id
                )?;
                block(out, language, "", &body)
            }
        },
    }
}

fn write_step(out: &mut String, step: &ImportedStep) -> std::fmt::Result {
    heading(out, &step.id, &step.title, &step.text)?;
    if !step.command.is_native() {
        return unlinked(out, &step.command.native());
    }
    let key = format!(" {{\"step\":\"{}\"}}", step.id);
    match step.language {
        Language::Sh => block(out, "sh", &key, &step.command.native()),
        // words may hold a dollar that is no variable
        _ => block(out, "text", &key, &step.text.replace('$', "")),
    }
}

fn heading(out: &mut String, id: &str, title: &str, words: &str) -> std::fmt::Result {
    let title = if title.is_empty() { id.to_owned() } else { format!("{} ({id})", text(title)) };
    writeln!(out, "\n### {title}")?;
    if words.is_empty() { Ok(()) } else { writeln!(out, "\n{}", text(words)) }
}

/// A shell's own variables would be taken for quell's.
fn unlinked(out: &mut String, body: &str) -> std::fmt::Result {
    writeln!(out, "\nIt has variables of the shell's own, so it is not linked:\n")?;
    lines(body).iter().try_for_each(|line| writeln!(out, "    {line}"))
}

fn block(out: &mut String, language: &str, key: &str, body: &str) -> std::fmt::Result {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "\n{fence}{language}{key}\n{}\n{fence}", lines(body).join("\n"))
}

fn lines(body: &str) -> Vec<String> {
    let shown = |c: &char| !hidden(*c) && (!c.is_control() || *c == '\t');
    body.trim_matches('\n').split('\n').map(|line| line.chars().filter(shown).collect()).collect()
}

fn quoted(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !hidden(*c) && !c.is_control()).collect();
    serde_json::Value::String(shown).to_string()
}

/// Prose that stays prose: no HTML, no heading, no fence, on one line.
fn text(prose: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    for c in prose.chars().filter(|c| !hidden(*c)) {
        match c {
            '`' => in_code = !in_code,
            '<' | '>' if !in_code => out.push('\\'),
            _ => {}
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    // an odd backtick would open what never closes
    let out = if in_code { out.replace('`', "'").replace('<', "\\<") } else { out };
    if out.starts_with(['#', '`', '~', '-', '=', '+', '*', ':', '|']) { format!("\\{out}") } else { out }
}

/// The command that takes another back, where that is plain.
fn undo(step: &ImportedStep) -> Option<String> {
    let command = step.command.native();
    if command.contains(['|', ';', '&', '\n']) {
        return None;
    }
    [("rollout pause", "rollout resume"), ("rollout undo", "rollout undo"), (" cordon ", " uncordon ")]
        .iter()
        .find(|(act, _)| command.contains(act))
        .map(|(act, undo)| command.replacen(act, undo, 1))
}
