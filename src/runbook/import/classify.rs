//! Whether a command line only reads, changes something, or may do anything. Read-only is what is known to be, in
//! every part of the line; all else is not.

use std::time::Duration;

use super::{
    changes::{CHANGES, Change},
    shell::{self, OPAQUE, Word},
    tools::{ALWAYS, HARMLESS, IP_OBJECTS, OTHERS, PATHS, TOOLS, Tool},
    wrappers::{self, Inner},
};
use crate::domain::{Action, Blast, Risk};

/// What running a command line would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    ReadOnly,
    /// Nobody knows: an unknown program, or shell that is not followed.
    Unknown,
    Mutating,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Unknown => "unknown",
            Self::Mutating => "mutating",
        }
    }
}

/// A command line's class, with what to know before it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    pub class: Class,
    pub action: Action,
    pub risk: Risk,
    pub reversible: bool,
    pub blast: Blast,
    pub eta: Duration,
}

const MINUTE: Duration = Duration::from_secs(60);
const DEEPEST: usize = 5;
const LONGEST: usize = 16 * 1_024;

impl Effect {
    const READ: Self = Self {
        class: Class::ReadOnly,
        action: Action::Manual,
        risk: Risk::None,
        reversible: true,
        blast: Blast::Pod,
        eta: MINUTE,
    };
    pub(super) const UNKNOWN: Self = Self {
        class: Class::Unknown,
        action: Action::Manual,
        risk: Risk::Unknown,
        reversible: false,
        blast: Blast::Service,
        eta: Duration::from_secs(300),
    };
    /// A file is written, and nobody knows which.
    const WRITES: Self = Self { class: Class::Mutating, ..Self::UNKNOWN };

    fn of(change: &Change) -> Self {
        let Change { action, risk, reversible, blast, minutes, .. } = *change;
        Self { class: Class::Mutating, action, risk, reversible, blast, eta: MINUTE * minutes as u32 }
    }

    /// Both are done: the worse of everything.
    fn and(self, other: Self) -> Self {
        let worse = if (other.class, other.risk) > (self.class, self.risk) { other } else { self };
        Self {
            class: worse.class,
            action: worse.action,
            risk: self.risk.max(other.risk),
            reversible: self.reversible && other.reversible,
            blast: if size(other.blast) > size(self.blast) { other.blast } else { self.blast },
            eta: self.eta.max(other.eta),
        }
    }
}

fn size(blast: Blast) -> usize {
    Blast::ALL.iter().position(|known| *known == blast).unwrap_or(usize::MAX)
}

/// What a command line would do; `None` when there is no command in it, as in a comment or a mere assignment.
/// Placeholders have to stand in it as [`OPAQUE`].
pub(super) fn classify(line: &str) -> Option<Effect> {
    within(line, 0)
}

fn within(line: &str, depth: usize) -> Option<Effect> {
    if depth > DEEPEST || line.len() > LONGEST {
        return Some(Effect::UNKNOWN);
    }
    let script = shell::parse(line);
    let mut effect: Option<Effect> = None;
    let mut add = |more: Effect| effect = Some(effect.map_or(more, |known| known.and(more)));
    if depth > 0 && line.contains(OPAQUE) {
        // its value would be read as shell once more
        add(Effect::UNKNOWN);
    }
    for words in &script.commands {
        if let Some(more) = command(words, depth) {
            add(more);
        }
    }
    if script.writes {
        add(Effect::WRITES);
    }
    if script.doubtful {
        add(Effect::UNKNOWN);
    }
    effect
}

/// Words with which a compound command goes on.
const KEYWORDS: &[&str] =
    &["if", "then", "else", "elif", "while", "until", "do", "done", "fi", "esac", "{", "}", "!", "coproc"];

fn command(words: &[Word], depth: usize) -> Option<Effect> {
    if depth > DEEPEST {
        return Some(Effect::UNKNOWN);
    }
    let (mut floor, mut words) = (None, words);
    while let Some((first, rest)) = words.split_first() {
        let text = first.text();
        if KEYWORDS.contains(&text) {
            floor = Some(Effect::UNKNOWN);
        } else if let Some(name) = assigned(text) {
            // alone it sets a variable of this shell; before a command it may change what that does
            let harmless = HARMLESS.contains(&name) || (rest.is_empty() && !is_special(name));
            if !harmless {
                floor = Some(Effect::UNKNOWN);
            }
        } else {
            break;
        }
        words = rest;
    }
    let Some((first, rest)) = words.split_first() else { return floor };
    let effect = program(first, rest, depth);
    Some(floor.map_or(effect, |floor| floor.and(effect)))
}

/// The name in `NAME=value`.
pub(super) fn assigned(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some(name)
}

/// Variables that change what later commands do.
fn is_special(name: &str) -> bool {
    const PREFIXES: &[&str] =
        &["LD_", "DYLD_", "BASH", "PROMPT", "PS", "GIT_", "LESS", "KUBE", "SYSTEMD", "PYTHON"];
    matches!(name, "PATH" | "IFS" | "ENV" | "SHELL" | "HOME" | "ZDOTDIR")
        || name.ends_with("PAGER")
        || name.ends_with("EDITOR")
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn program(first: &Word, rest: &[Word], depth: usize) -> Effect {
    let Some(name) = plain_name(first.text()) else { return Effect::UNKNOWN };
    match wrappers::unwrap(name, rest) {
        Inner::None => {}
        Inner::Unknown => return changing(name, rest).unwrap_or(Effect::UNKNOWN),
        Inner::Words(words) => return command(&words, depth + 1).unwrap_or(Effect::UNKNOWN),
        Inner::Line(line) => return within(&line, depth + 1).unwrap_or(Effect::UNKNOWN),
        Inner::Floor(words) => {
            return command(&words, depth + 1).unwrap_or(Effect::UNKNOWN).and(Effect::UNKNOWN);
        }
    }
    if reads(name, rest) { Effect::READ } else { changing(name, rest).unwrap_or(Effect::UNKNOWN) }
}

/// The name of a program that stands where the system keeps its own; another path may hold anything.
pub(super) fn plain_name(text: &str) -> Option<&str> {
    const PLACES: &[&str] = &["/usr/local/bin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"];
    let name = PLACES.iter().find_map(|place| text.strip_prefix(place)).unwrap_or(text);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '[');
    (!name.is_empty() && name.chars().all(fits)).then_some(name)
}

/// Whether the first word of a line is a program known here.
pub(super) fn is_known(name: &str) -> bool {
    plain_name(name).is_some_and(|name| {
        ALWAYS.contains(&name)
            || OTHERS.contains(&name)
            || TOOLS.iter().any(|tool| tool.names.contains(&name))
            || CHANGES.iter().any(|change| change.names.contains(&name))
    })
}

fn reads(name: &str, words: &[Word]) -> bool {
    match name {
        "sysctl" if words.iter().any(|word| word.text().contains(['=', OPAQUE])) => return false,
        "curl" if !words.iter().all(|word| word.text().starts_with('-') || is_read_url(word.text())) => {
            // values of flags are not URLs: only flags without a value are understood here
            return false;
        }
        "date" => return words.iter().all(|word| word.text().starts_with('+') || word.text() == "-u"),
        "ip" if words.iter().filter(|word| !word.text().starts_with('-')).count() == 1 => {
            return words.iter().all(|word| {
                IP_OBJECTS.contains(&word.text()) || matches!(word.text(), "-4" | "-6" | "-s" | "-br" | "-d")
            });
        }
        _ => {}
    }
    ALWAYS.contains(&name)
        || TOOLS.iter().filter(|tool| tool.names.contains(&name)).any(|tool| tool_reads(tool, words))
}

fn tool_reads(tool: &Tool, words: &[Word]) -> bool {
    let Some(positional) = positional(tool, words) else { return false };
    tool.reads.iter().any(|read| {
        let wanted = read.split_whitespace().count();
        begins(&positional, read) && positional.len() - wanted.min(positional.len()) <= tool.most
    })
}

/// Words that are no flags and no values of flags; `None` when a flag is not known.
fn positional<'w>(tool: &Tool, words: &'w [Word]) -> Option<Vec<&'w str>> {
    let mut found: Vec<&str> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text();
        if !text.starts_with('-') || text == "-" {
            // what is only known later could be the verb, or a flag where there is none
            if word.is_open() && (found.is_empty() || tool.reads == [""]) {
                return None;
            }
            found.push(text);
            continue;
        }
        let after = !found.is_empty();
        let valued = |flag: &str| tool.globals.contains(&flag) || (after && tool.valued.contains(&flag));
        let bare = |flag: &str| tool.lead.contains(&flag) || (after && tool.bare.contains(&flag));
        let (name, has_value) = text.split_once('=').map_or((text, false), |(name, _)| (name, true));
        if bare(name) {
            continue;
        }
        if valued(name) {
            if !has_value {
                words.next()?;
            }
            continue;
        }
        if text.starts_with("--") {
            return None;
        }
        // -fu kubelet, -n50, -ojson
        let mut letters = text.chars().skip(1);
        while let Some(letter) = letters.next() {
            let flag = format!("-{letter}");
            if bare(&flag) {
                continue;
            }
            if !valued(&flag) {
                return None;
            }
            if letters.next().is_none() {
                words.next()?;
            }
            break;
        }
    }
    Some(found)
}

fn begins(words: &[&str], wanted: &str) -> bool {
    let mut words = words.iter();
    wanted.split_whitespace().all(|wanted| words.next().is_some_and(|word| word.eq_ignore_ascii_case(wanted)))
}

fn is_read_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
    if rest.contains(['{', '[', '@']) || rest.contains("://") {
        return false;
    }
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let path = path.find('/').and_then(|at| path.get(at..)).unwrap_or_default();
    PATHS.contains(&path.trim_end_matches('/'))
}

/// The change that a command is known to make.
fn changing(name: &str, words: &[Word]) -> Option<Effect> {
    let all: Vec<&str> = words.iter().map(Word::text).collect();
    let fits = |change: &&Change| {
        change.names.contains(&name) && change.words.iter().any(|wanted| stands_in(&all, wanted))
    };
    let mut effect = Effect::of(pods(name, &all).or_else(|| CHANGES.iter().find(fits))?);
    if matches!(name, "kubectl" | "oc") {
        if effect.action == Action::ScaleUp {
            scale(&mut effect, &all);
        }
        let many = all.iter().any(|word| matches!(*word, "--all" | "-A" | "--all-namespaces" | "--force"));
        if many && effect.risk == Risk::Low {
            (effect.risk, effect.blast) = (Risk::Medium, Blast::Service);
        }
    }
    Some(effect)
}

/// `kubectl delete pod/x` deletes pods, when it deletes nothing else.
fn pods(name: &str, words: &[&str]) -> Option<&'static Change> {
    let (first, rest) = words.split_first()?;
    let mut targets = rest.iter().filter(|word| !word.starts_with('-')).peekable();
    targets.peek()?;
    let only_pods =
        *first == "delete" && targets.all(|word| word.starts_with("pod/") || word.starts_with("pods/"));
    CHANGES
        .iter()
        .find(|change| only_pods && change.names.contains(&name) && change.words.contains(&"delete pod"))
}

/// Whether a line changes what the lines after it mean: an alias, a function, what is exported or sourced.
pub(super) fn alters(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "alias", "unalias", "source", ".", "export", "eval", "set", "shopt", "unset", "trap", "hash",
        "enable", "exec", "function", "declare", "typeset", "readonly", "local", "setopt", "builtin", "bind",
    ];
    let script = shell::parse(line);
    line.contains("()")
        || script.commands.iter().any(|words| {
            let first = words.iter().find(|word| !KEYWORDS.contains(&word.text())).map_or("", Word::text);
            WORDS.contains(&first) || assigned(first).is_some_and(is_special)
        })
}

/// Whether a word sequence stands anywhere, one word right after the other but for flags.
fn stands_in(words: &[&str], wanted: &str) -> bool {
    if wanted.is_empty() {
        return true;
    }
    if wanted.starts_with('-') {
        return words.iter().any(|word| word.split('=').next() == Some(wanted));
    }
    let bare: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
    (0..bare.len()).any(|from| bare.get(from..).is_some_and(|rest| begins(rest, wanted)))
}

/// Down, or to nothing, is another matter than up.
fn scale(effect: &mut Effect, words: &[&str]) {
    let replicas = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--replicas") {
        Some("") => words.get(at + 1).copied(),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    });
    if replicas == Some("0") {
        effect.action = Action::ScaleDownToKnownGood;
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
