use std::time::Duration;

use serde_json::Value;

use super::{
    At, Expect,
    blocks::{Block, Document},
    finding::{Findings, Lines, Place, hint},
    front_matter::FrontMatter,
    lint::{at, own_sources, parses, repeats, unknown_variable},
    vars,
};
use crate::domain::Language;

/// What a linked block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Check,
    Step,
    Verify,
}

impl Role {
    const ALL: [Self; 3] = [Self::Check, Self::Step, Self::Verify];

    fn key(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Step => "step",
            Self::Verify => "verify",
        }
    }
}

/// A block that its fence links to the front matter.
pub(super) struct Linked<'a> {
    pub(super) role: Role,
    pub(super) id: String,
    pub(super) language: Language,
    /// None where the block has none, or one that does not parse.
    pub(super) expect: Option<Expect>,
    pub(super) when: At,
    pub(super) hold: Duration,
    pub(super) at: Place,
    pub(super) block: &'a Block,
}

/// Longest body of a linked block, in bytes.
const LONGEST: usize = 16 * 1_024;

/// Reads and lints the blocks that carry attributes.
pub(super) fn link<'a>(
    document: &'a Document,
    matter: &FrontMatter,
    lines: &Lines<'_>,
    findings: &mut Findings,
) -> Vec<Linked<'a>> {
    let linked: Vec<Linked<'a>> = document
        .blocks
        .iter()
        .filter_map(|block| {
            check_variables(block, matter, lines, findings);
            link_one(block, matter, lines, findings)
        })
        .collect();
    for (repeat, first) in repeats(&linked) {
        let (key, line) = (repeat.role.key(), first.at.line);
        let message = format!("{key} `{}` stands twice, first in line {line}", repeat.id);
        findings.error("RB015", repeat.at, message);
    }
    linked
}

fn check_variables(block: &Block, matter: &FrontMatter, lines: &Lines<'_>, findings: &mut Findings) {
    for (name, offset) in vars::unknown(&block.body, &matter.vars) {
        unknown_variable(name, block.place(lines, offset), matter, findings);
    }
}

fn link_one<'a>(
    block: &'a Block,
    matter: &FrontMatter,
    lines: &Lines<'_>,
    findings: &mut Findings,
) -> Option<Linked<'a>> {
    const KEYS: [&str; 6] = ["check", "step", "verify", "expect", "at", "for"];
    for (at, (key, value)) in block.attributes.iter().enumerate() {
        if !KEYS.contains(&key.as_str()) {
            let message = format!("a fence knows no key `{key}`{}", hint(key, KEYS));
            findings.error("RB003", block.at, message);
        }
        if !value.is_string() {
            findings.error("RB014", block.at, format!("`{key}` wants text in quotes"));
        }
        if block.attributes.iter().take(at).any(|(earlier, _)| earlier == key) {
            findings.error("RB004", block.at, format!("`{key}` stands twice in this fence"));
        }
    }
    let mut roles = Role::ALL.into_iter().filter(|role| block.attribute(role.key()).is_some());
    let Some(role) = roles.next() else {
        if !block.attributes.is_empty() {
            let message = "a fence with attributes names one of `check`, `step` or `verify`";
            findings.error("RB014", block.at, message);
        }
        return None;
    };
    if roles.next().is_some() {
        findings.error("RB014", block.at, "a fence names only one of `check`, `step` and `verify`");
    }
    let id = block.attribute(role.key()).and_then(Value::as_str)?.to_owned();
    if id.is_empty() || id.len() > 64 {
        findings.error("RB007", block.at, "an id has 1 to 64 characters");
    }
    if block.body.len() > LONGEST {
        findings.error("RB012", block.at, format!("the block of `{id}` is longer than {LONGEST} bytes"));
        return None;
    }
    let language = language(block, role, &id, findings);
    let expect = expect(block, role, &id, findings);
    let when = attribute(block, "at", role == Role::Check, findings).map_or(At::Now, |word| {
        at(word).unwrap_or_else(|| {
            let message = format!("`at` is `now` or `onset`, not `{word}`");
            findings.error("RB016", block.at, message);
            At::Now
        })
    });
    let hold = attribute(block, "for", role == Role::Verify, findings).map_or(Duration::ZERO, |text| {
        humantime::parse_duration(text).unwrap_or_else(|error| {
            findings.error("RB009", block.at, format!("`{text}` is not a duration like 5m: {error}"));
            Duration::ZERO
        })
    });
    // the commands of a step are text for a person; a wrong language of theirs has been reported
    if role != Role::Step && !matches!(language, Language::Sh | Language::Text) {
        match parses(&block.body, language, matter) {
            Ok(None) => {}
            Ok(Some(more)) => findings.warn("RB034", block.place(lines, 0), own_sources(language, &more)),
            Err((offset, error)) => {
                let message = format!("the {} of `{id}` does not parse: {error}", language.as_str());
                findings.error("RB018", block.place(lines, offset), message);
            }
        }
    }
    if block.body.trim().is_empty() {
        findings.error("RB018", block.at, format!("the block of `{id}` is empty"));
    }
    Some(Linked { role, id, language, expect, when, hold, at: block.at, block })
}

fn attribute<'b>(block: &'b Block, key: &str, wanted: bool, findings: &mut Findings) -> Option<&'b str> {
    let text = block.attribute(key).and_then(Value::as_str)?;
    if !wanted {
        findings.error("RB014", block.at, format!("`{key}` means nothing here"));
        return None;
    }
    Some(text)
}

fn expect(block: &Block, role: Role, id: &str, findings: &mut Findings) -> Option<Expect> {
    let text = attribute(block, "expect", role != Role::Step, findings);
    let Some(text) = text else {
        if role != Role::Step {
            findings.error("RB016", block.at, format!("{} `{id}` has no `expect`", role.key()));
        }
        return None;
    };
    match Expect::parse(text) {
        Ok(expect) => Some(expect),
        Err(error) => {
            let message = format!("{} `{id}`: the expectation `{text}`: {error}", role.key());
            findings.error("RB016", block.at, message);
            None
        }
    }
}

fn language(block: &Block, role: Role, id: &str, findings: &mut Findings) -> Language {
    let word = block.language.to_ascii_lowercase();
    let language = match word.as_str() {
        "promql" => Language::Promql,
        "logql" => Language::Logql,
        "traceql" => Language::Traceql,
        "sh" | "bash" | "shell" | "console" | "zsh" => Language::Sh,
        "text" | "txt" | "" => Language::Text,
        "es" | "lucene" | "jaeger" => {
            let message = format!("no source answers `{word}` yet: `{id}` stays for a person");
            findings.warn("RB019", block.at, message);
            Language::Text
        }
        _ => {
            let known = ["promql", "logql", "traceql", "sh", "text"];
            let message = format!(
                "language `{word}` of `{id}` is not known{} (known: {})",
                hint(&word, known),
                known.join(", ")
            );
            findings.error("RB019", block.at, message);
            Language::Text
        }
    };
    if role == Role::Step && !matches!(language, Language::Sh | Language::Text) {
        findings.error("RB019", block.at, format!("step `{id}` is `sh` or `text`, not `{word}`"));
    }
    language
}
