//! `quell runbook import`: what other people's runbooks give, and the same in the native format.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    Exit,
    args::Output,
    exit::{Failure, Result},
    output::Out,
    render::{
        clean_lines, shorten,
        style::{bold, dim, risk},
        table,
    },
    runbooks::report,
};
use crate::{
    domain::Language,
    runbook::{
        Library, Runbook,
        import::{self, Imported, ImportedCheck, ImportedStep},
    },
};

/// Shows what files and folders give, and writes them as native files to `written` if asked for. Ends with 4 when a
/// file could not be read or gives nothing, with 5 when there is nothing to import, with 1 when nothing could be.
pub(super) fn run(paths: &[PathBuf], written: Option<&Path>, out: &Out) -> Result<Exit> {
    let (library, findings) = Library::load(paths, false);
    report(&findings, out);
    let plain: Vec<(&Runbook, &Imported)> = library
        .runbooks()
        .iter()
        .filter_map(|runbook| Some((&**runbook, runbook.imported.as_deref()?)))
        .collect();
    match out.format {
        Output::Name => plain.iter().try_for_each(|(runbook, _)| out.line(&runbook.id))?,
        _ if out.is_for_people() => people(&plain, out)?,
        _ => {
            let values: Vec<Value> = plain.iter().map(|(runbook, given)| value(runbook, given)).collect();
            out.values(&values)?;
        }
    }
    if let Some(folder) = written {
        for (runbook, _) in &plain {
            write(folder, runbook)?;
        }
        out.say(&format!("{} runbooks written to {}", plain.len(), folder.display()));
    }
    let natives = library.runbooks().len() - plain.len();
    if natives > 0 {
        out.say(&dim(&format!("{natives} files are of the native format already")));
    }
    let failed = findings.iter().any(|finding| finding.is_error());
    let useful = plain.iter().filter(|(_, given)| given.is_useful()).count();
    Ok(match (plain.len(), failed) {
        (0, true) => Exit::General,
        (0, false) if natives > 0 => Exit::Ok,
        (0, false) => {
            out.say("no runbook found: name Markdown files, folders of them, or a catalog.json");
            Exit::NotFound
        }
        (all, failed) if failed || useful < all => Exit::Partial,
        _ => Exit::Ok,
    })
}

/// A table of all; what each gives where there is only one, or more is asked for.
fn people(plain: &[(&Runbook, &Imported)], out: &Out) -> Result<()> {
    if plain.len() > 1 {
        let rows = plain.iter().map(|(runbook, given)| {
            let sections: Vec<&str> = given.sections.iter().map(|section| section.kind.as_str()).collect();
            let queries = given.checks.iter().filter(|check| is_query(check)).count();
            vec![
                runbook.id.clone(),
                sections.join(", "),
                format!("{} ({queries} by query)", given.checks.len()),
                given.steps.len().to_string(),
                runbook.vars.keys().cloned().collect::<Vec<_>>().join(", "),
            ]
        });
        out.text(&table(&["ID", "SECTIONS", "CHECKS", "STEPS", "VARIABLES"], rows.collect(), out.width))?;
        let useful = plain.iter().filter(|(_, given)| given.is_useful()).count();
        out.say(&format!("{useful} of {} give something to look at or to do", plain.len()));
        if !out.verbose && out.format != Output::Wide {
            return Ok(());
        }
    }
    plain.iter().try_for_each(|(runbook, given)| one(runbook, given, out))
}

fn one(runbook: &Runbook, given: &Imported, out: &Out) -> Result<()> {
    out.line(&format!("\n{}  {}", bold(&runbook.id), shorten(&runbook.title, out.width)))?;
    let aliases: Vec<&str> = given.aliases.iter().map(String::as_str).collect();
    out.line(&dim(&shorten(&format!("{} · called {}", runbook.file, aliases.join(", ")), out.width)))?;
    let sections =
        given.sections.iter().map(|section| format!("{} ({})", section.kind.as_str(), section.line));
    out.line(&format!("sections   {}", sections.collect::<Vec<_>>().join(", ")))?;
    for (name, spec) in &runbook.vars {
        let spelled: Vec<&str> = given.spelled.get(name).into_iter().flatten().map(String::as_str).collect();
        let default = spec.default.as_ref().map_or(String::new(), |default| format!(", else {default}"));
        let line =
            format!("{name} = label {}{default} · written {}", spec.labels.join(" or "), spelled.join(", "));
        out.line(&format!("variable   {}", shorten(&line, out.width.saturating_sub(11))))?;
    }
    for check in &given.checks {
        let how = match check.language {
            Language::Sh => "read-only command",
            Language::Text => "to look at",
            language => language.as_str(),
        };
        out.line(&format!("{:<10} {how}, line {}", check.id, check.line))?;
        body(&check.text, &check.query.written(), out)?;
        if let Some(healthy) = check.stated.as_ref().and_then(|stated| stated.healthy.as_ref()) {
            out.line(&dim(&format!("           text says: healthy is {healthy}")))?;
        }
    }
    for step in &given.steps {
        let effect = step.effect;
        let undo = if effect.reversible { "reversible" } else { "not reversible" };
        out.line(&format!(
            "{:<10} {}, {}, risk {}, {undo}, {}, line {}",
            step.id,
            class(step),
            effect.action.as_str(),
            risk(effect.risk.as_str()),
            effect.blast.as_str(),
            step.line
        ))?;
        body(&step.text, &step.command.written(), out)?;
    }
    Ok(())
}

fn class(step: &ImportedStep) -> &'static str {
    if step.language == Language::Text { "by hand" } else { step.effect.class.as_str() }
}

fn body(text: &str, command: &str, out: &Out) -> Result<()> {
    if !text.is_empty() {
        out.line(&format!("           {}", dim(&shorten(text, out.width.saturating_sub(11)))))?;
    }
    if command.is_empty() {
        Ok(())
    } else {
        out.line(&format!("           {}", clean_lines(command).replace('\n', "\n           ")))
    }
}

fn is_query(check: &ImportedCheck) -> bool {
    !matches!(check.language, Language::Sh | Language::Text)
}

fn value(runbook: &Runbook, given: &Imported) -> Value {
    let sections = given.sections.iter().map(
        |section| json!({ "kind": section.kind.as_str(), "title": section.title, "line": section.line }),
    );
    let checks = given.checks.iter().map(|check| {
        json!({
            "id": check.id,
            "language": check.language.as_str(),
            "class": "read-only",
            "query": check.query.written(),
            "stated": check.stated.as_ref().map(|stated| &stated.text),
            "healthy": check.stated.as_ref().and_then(|stated| stated.healthy.as_ref()).map(ToString::to_string),
            "title": check.title,
            "text": check.text,
            "line": check.line,
        })
    });
    let steps = given.steps.iter().map(|step| {
        json!({
            "id": step.id,
            "language": step.language.as_str(),
            "class": step.effect.class.as_str(),
            "action": step.effect.action.as_str(),
            "risk": step.effect.risk.as_str(),
            "reversible": step.effect.reversible,
            "blast": step.effect.blast.as_str(),
            "eta": humantime::format_duration(step.effect.eta).to_string(),
            "command": step.command.written(),
            "title": step.title,
            "text": step.text,
            "line": step.line,
        })
    });
    let variables = runbook.vars.iter().map(|(name, spec)| {
        json!({
            "name": name, "labels": spec.labels, "default": spec.default, "written": given.spelled.get(name),
        })
    });
    json!({
        "id": runbook.id,
        "title": runbook.title,
        "format": runbook.format(),
        "file": runbook.file,
        "aliases": given.aliases,
        "alerts": runbook.match_rules.alerts.iter().map(|alert| alert.as_str()).collect::<Vec<_>>(),
        "sections": sections.collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
        "steps": steps.collect::<Vec<_>>(),
        "variables": variables.collect::<Vec<_>>(),
    })
}

/// Never over a file that is there: somebody may have worked on it.
fn write(folder: &Path, runbook: &Runbook) -> Result<()> {
    let Some(text) = import::render(runbook) else { return Ok(()) };
    let path = folder.join(format!("{}.md", runbook.id));
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(
            Exit::General,
            format!("{} is there already: remove it or name another folder", path.display()),
        ),
        _ => Failure::new(Exit::General, format!("{} cannot be written: {error}", path.display())),
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
