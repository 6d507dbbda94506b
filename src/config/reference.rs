//! `${env:NAME}` and `${file:/path}` within a text.

use std::path::{Path, PathBuf};

use super::load::Environment;

/// Longest file that a value may come from, in bytes: these hold passwords and tokens.
const MAX_FILE: u64 = 64 * 1024;

/// The text with its references replaced; `None` when it has none. `$${` stands for a plain `${`.
pub(super) fn resolve(text: &str, environment: &Environment<'_>) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            resolved.push_str(before);
            resolved.push_str("${");
            rest = after;
            continue;
        }
        let (reference, after) =
            after.split_once('}').ok_or("`${` without its `}`; write `$${` for a plain `${`")?;
        resolved.push_str(before);
        resolved.push_str(&one(reference, environment)?);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(Some(resolved))
}

fn one(reference: &str, environment: &Environment<'_>) -> Result<String, String> {
    match reference.split_once(':') {
        Some(("env", name)) => {
            (environment.variable)(name).ok_or_else(|| format!("environment variable `{name}` is not set"))
        }
        Some(("file", path)) => file(&environment.folder.join(path)),
        _ => Err(format!("`${{{reference}}}` is neither ${{env:NAME}} nor ${{file:/path}}")),
    }
}

/// The contents of a file without the newline at its end.
fn file(path: &Path) -> Result<String, String> {
    let shown = PathBuf::from(path);
    let shown = shown.display();
    let about = |error: std::io::Error| format!("file {shown}: {error}");
    let length = std::fs::metadata(path).map_err(about)?.len();
    if length > MAX_FILE {
        return Err(format!("file {shown} has {length} bytes, at most {MAX_FILE} are taken"));
    }
    let mut text = std::fs::read_to_string(path).map_err(about)?;
    while text.ends_with(['\n', '\r']) {
        text.pop();
    }
    Ok(text)
}
