//! A plain file becomes a runbook.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use super::{
    Entry, Format, Imported, SectionKind,
    collect::collect,
    document::{self, Document},
};
use crate::runbook::{
    Finding, Runbook, Severity,
    finding::{Findings, Lines, printable},
    model::{MatchRules, Pattern},
    node::{self, Node, Value},
    parse::LARGEST,
};

const LARGEST_FRONT_MATTER: usize = 65_536;
const LONGEST_PROSE: usize = 16_384;

/// Whether a file says on top that it is of the native format.
pub fn is_native(text: &str) -> bool {
    let (yaml, _) = split(text);
    yaml.lines().any(|line| {
        let line = line.trim_start_matches(['{', ' ', '"', '\'']);
        line.strip_prefix("quell")
            .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    })
}

/// Front matter and Markdown. A front matter that never ends is none.
fn split(text: &str) -> (&str, &str) {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = body.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return ("", body) };
    let start = first.len();
    let mut end = start;
    for line in lines {
        let after = end + line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return (body.get(start..end).unwrap_or_default(), body.get(after..).unwrap_or_default());
        }
        end = after;
    }
    // it says what format it is of even where it is broken
    if body.lines().take(20).any(|line| line.starts_with("quell:")) { (body, "") } else { ("", body) }
}

/// Reads a plain runbook; `entry` is what a catalogue says of it. `None` when the file cannot be read at all; the
/// findings then say why.
pub fn import(file: &str, text: &str, entry: Option<&Entry>) -> (Option<Runbook>, Vec<Finding>) {
    let refuse = |message: String| (None, vec![Finding::of_file(Severity::Error, "RB012", file, message)]);
    if text.len() > LARGEST {
        return refuse(format!("it has {} bytes, more than {LARGEST}; split it", text.len()));
    }
    if text.contains('\0') {
        return refuse("it is no text; remove it from the folder".to_owned());
    }
    let text = text.replace("\r\n", "\n");
    let (yaml, markdown) = split(&text);
    let mut findings = Vec::new();
    let matter = Matter::read(file, yaml, &mut findings);
    let lines = Lines::new(markdown);
    let above = text.len() - markdown.len();
    let first_line = 1 + text.get(..above).unwrap_or_default().matches('\n').count();
    let document = document::read(markdown, first_line);
    if document.cut {
        let message = "it holds more than a runbook does; what is too much was left out".to_owned();
        findings.push(Finding::of_file(Severity::Warning, "RB012", file, message));
    }
    let runbook = assemble(file, &document, matter, entry, |at| lines.place(at).line + first_line - 1);
    if !runbook.imported.as_ref().is_some_and(|imported| imported.is_useful()) {
        let message =
            "a plain file without a diagnosis or a mitigation: nothing to look at, nothing to do".to_owned();
        findings.push(Finding::of_file(Severity::Warning, "RB035", file, message));
    }
    (Some(runbook), findings)
}

/// What the top of a plain file may say.
#[derive(Default)]
struct Matter {
    name: Option<String>,
    title: Option<String>,
    description: Option<String>,
}

impl Matter {
    fn read(file: &str, yaml: &str, findings: &mut Vec<Finding>) -> Self {
        if yaml.trim().is_empty() {
            return Self::default();
        }
        let mut problems = Findings::new(file);
        let root = if yaml.len() > LARGEST_FRONT_MATTER { None } else { node::read(yaml, 2, &mut problems) };
        let Some(root) = root else {
            let message = "its front matter is left out: it is too large or no usable YAML".to_owned();
            findings.push(Finding::of_file(Severity::Warning, "RB002", file, message));
            return Self::default();
        };
        let text =
            |key| field(&root, key).map(|text| printable(text.trim(), 2_000)).filter(|text| !text.is_empty());
        Self { name: text("name"), title: text("title"), description: text("description") }
    }
}

fn field<'n>(root: &'n Node, key: &str) -> Option<&'n str> {
    let Value::Map(pairs) = &root.value else { return None };
    match &pairs.iter().find(|(name, _)| name.value == key)?.1.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn assemble(
    file: &str,
    document: &Document,
    matter: Matter,
    entry: Option<&Entry>,
    line: impl Fn(usize) -> usize,
) -> Runbook {
    let stem = stem(file);
    let heading = document.heading.clone().filter(|heading| !heading.is_empty());
    let word = heading.as_deref().filter(|heading| is_camel_case(heading));
    let is_skill = matter.name.is_some() && matter.description.is_some();
    let name = matter.name.or_else(|| entry.and_then(|entry| entry.name.clone()));
    let id = slug(word.or(name.as_deref()).unwrap_or(&stem));
    let title = heading.clone().or_else(|| matter.title.clone()).or_else(|| name.clone());
    let title = printable(title.as_deref().unwrap_or(&stem), 200);

    let joined = |text: &str| text.split_whitespace().collect::<String>();
    let written = [heading.as_deref(), matter.title.as_deref(), name.as_deref(), Some(stem.as_str())];
    let mut alerts: Vec<String> = Vec::new();
    let mut aliases = BTreeSet::from([id.clone()]);
    for written in written.into_iter().flatten() {
        aliases.insert(written.to_lowercase());
        aliases.insert(joined(written).to_lowercase());
        let alert = joined(written);
        if is_camel_case(&alert) && !alerts.contains(&alert) {
            alerts.push(alert);
        }
    }
    aliases.retain(|alias| (2..=128).contains(&alias.len()) && !alias.contains(char::is_whitespace));

    let prose = |kind: SectionKind| {
        let texts = document.items.iter().filter(|item| item.kind == kind).map(|item| item.text.as_str());
        bounded(texts)
    };
    let description = matter.description.or_else(|| entry.map(|entry| printable(&entry.description, 2_000)));
    let meaning = [description.unwrap_or_default(), prose(SectionKind::Meaning)].join(" ").trim().to_owned();
    let collected = collect(document, line);
    let words = document.sections.iter().map(|section| section.title.as_str());
    let body = bounded(words.chain(document.items.iter().map(|item| item.text.as_str())));
    Runbook {
        id,
        title,
        owners: Vec::new(),
        reviewed: None,
        source: None,
        match_rules: MatchRules {
            alerts: alerts.into_iter().map(Pattern::Exact).collect(),
            ..MatchRules::default()
        },
        vars: collected.variables.specs,
        hypotheses: Vec::new(),
        steps: Default::default(),
        checks: Default::default(),
        verifications: Default::default(),
        meaning,
        impact: prose(SectionKind::Impact),
        body,
        file: file.to_owned(),
        imported: Some(Arc::new(Imported {
            format: match entry {
                _ if is_skill => Format::Skill,
                Some(_) => Format::Catalogue,
                None => Format::Markdown,
            },
            aliases,
            sections: document.sections.clone(),
            checks: collected.checks,
            steps: collected.steps,
            spelled: collected.variables.spelled,
        })),
    }
}

fn bounded<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for text in texts {
        if all.len() + text.len() > LONGEST_PROSE {
            break;
        }
        if !all.is_empty() && !text.is_empty() {
            all.push(' ');
        }
        all.push_str(text);
    }
    all
}

/// The name of a file without its ending; where every file is called so, that of its folder.
fn stem(file: &str) -> String {
    let path = Path::new(file);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".md").or_else(|| name.strip_suffix(".markdown")).unwrap_or(&name);
    let is_common = ["skill", "index", "_index", "readme", "runbook"].contains(&name.to_lowercase().as_str());
    let folder = path.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned());
    match folder.filter(|_| is_common) {
        Some(folder) => folder,
        None => name.to_owned(),
    }
}

/// `KubePodCrashLooping`, `etcdNoLeader`, `CPUThrottlingHigh`.
fn is_camel_case(text: &str) -> bool {
    let changes = text.chars().zip(text.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric()) && (changes || is_acronymed(text))
}

fn is_acronymed(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_uppercase)
        && text.chars().filter(|c| c.is_uppercase()).count() >= 2
        && text.chars().any(char::is_lowercase)
}

/// As ids are: 2 to 64 of a-z, 0-9 and -.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if slug.len() >= 60 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.len() < 2 { format!("runbook-{slug}").trim_end_matches('-').to_owned() } else { slug.to_owned() }
}
