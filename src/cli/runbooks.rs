//! `quell runbook list|match|lint`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{
    Exit,
    args::Output,
    exit::{Failure, Result},
    output::Out,
    render::{
        style::{bad, bold, dim},
        table,
    },
};
use crate::{
    domain::{Alert, AlertStatus, Labels},
    runbook::{self, Finding, Library, Query, Severity},
};

/// Lists the shipped runbooks and those of `dirs`.
pub(super) fn list(dirs: &[PathBuf], out: &Out) -> Result<Exit> {
    let (library, findings) = Library::load(dirs, true);
    report(&findings, out);
    let runbooks = library.runbooks();
    match out.format {
        Output::Name => runbooks.iter().try_for_each(|runbook| out.line(&runbook.id))?,
        _ if out.is_for_people() => {
            let rows = runbooks.iter().map(|runbook| {
                let claims: Vec<&str> = runbook.hypotheses.iter().map(|claim| claim.key.as_str()).collect();
                vec![runbook.id.clone(), runbook.title.clone(), claims.join(", ")]
            });
            out.text(&table(&["ID", "TITLE", "HYPOTHESES"], rows.collect(), out.width))?;
        }
        _ => {
            let values: Vec<_> = runbooks
                .iter()
                .map(|runbook| {
                    json!({
                        "id": runbook.id,
                        "title": runbook.title,
                        "owners": runbook.owners,
                        "hypotheses": runbook.hypotheses.iter().map(|claim| &claim.key).collect::<Vec<_>>(),
                        "file": runbook.file,
                    })
                })
                .collect();
            out.values(&values)?;
        }
    }
    Ok(Exit::Ok)
}

/// Says which runbooks an alert calls for, and why. Ends with 5 when there is none.
pub(super) fn matching(alert: &str, labels: &[String], dirs: &[PathBuf], out: &Out) -> Result<Exit> {
    let (library, findings) = Library::load(dirs, true);
    report(&findings, out);
    let mut all: Labels = pairs(labels)?;
    all.insert("alertname".to_owned(), alert.to_owned());
    let service = all.get("service").cloned().unwrap_or_default();
    let alert = Alert {
        source: "cli".to_owned(),
        status: AlertStatus::Firing,
        labels: all,
        annotations: Labels::new(),
        starts_at: jiff::Timestamp::UNIX_EPOCH,
        ends_at: None,
        generator_url: None,
        fingerprint: String::new(),
        group_key: None,
    };
    let query = Query { alerts: &[alert], service: &service, faults: &[], text: "", limit: 10 };
    let matches = library.matching(&query);
    match out.format {
        Output::Name => matches.iter().try_for_each(|found| out.line(&found.runbook.id))?,
        _ if out.is_for_people() => {
            let rows = matches.iter().map(|found| {
                vec![format!("{:.1}", found.score), found.runbook.id.clone(), found.because.join("; ")]
            });
            out.text(&table(&["SCORE", "RUNBOOK", "BECAUSE"], rows.collect(), out.width))?;
        }
        _ => {
            let values: Vec<_> = matches
                .iter()
                .map(
                    |found| json!({ "id": found.runbook.id, "score": found.score, "because": found.because }),
                )
                .collect();
            out.values(&values)?;
        }
    }
    Ok(if matches.is_empty() { Exit::NotFound } else { Exit::Ok })
}

/// Lints files and folders, or the shipped runbooks. Ends with 1 when there is an error.
pub(super) fn lint(paths: &[PathBuf], out: &Out) -> Result<Exit> {
    let mut findings = Vec::new();
    let mut files = 0;
    if paths.is_empty() {
        let (library, found) = Library::load(&[], true);
        files = library.runbooks().len();
        findings = found;
    }
    for path in paths {
        for file in files_of(path)? {
            files += 1;
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Failure::new(Exit::General, format!("{}: {error}", file.display())))?;
            findings.extend(runbook::lint(&file.display().to_string(), &text));
        }
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    if out.is_for_people() {
        findings.iter().try_for_each(|finding| out.line(&line(finding)))?;
        out.say(&format!("{files} runbooks, {errors} errors, {} warnings", findings.len() - errors));
    } else {
        let values: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "severity": finding.severity.as_str(),
                    "code": finding.code,
                    "message": finding.message,
                    "file": finding.file,
                    "line": finding.line,
                    "column": finding.column,
                })
            })
            .collect();
        out.values(&values)?;
    }
    Ok(if errors == 0 { Exit::Ok } else { Exit::General })
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    let entries = std::fs::read_dir(path)
        .map_err(|error| Failure::new(Exit::General, format!("{}: {error}", path.display())))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_of(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md")
            && path.file_name().is_some_and(|name| name != "README.md")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn line(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => bad("error"),
        Severity::Warning => bold("warning"),
    };
    let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
    format!("{place}: {severity}[{}] {}", finding.code, finding.message)
}

/// Findings about the library in use, on standard error.
pub(super) fn report(findings: &[Finding], out: &Out) {
    for finding in findings.iter().filter(|finding| finding.is_error()) {
        out.say(&dim(&line(finding)));
    }
}

/// Reads `key=value` pairs.
pub(super) fn pairs(pairs: &[String]) -> Result<Labels> {
    pairs
        .iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or_else(|| Failure::usage(format!("label \"{pair}\" is not KEY=VALUE")))
        })
        .collect()
}
