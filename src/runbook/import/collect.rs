//! Items become checks and steps: by what their commands do, and where there are none by the part they stand in.

use std::collections::BTreeSet;

use super::{
    Effect, ImportedCheck, ImportedStep, SectionKind, Template,
    classify::{self, Class},
    document::{Code, Document, Item},
    fence,
    placeholders::{Read, Variables},
    promql::Recogniser,
    stated::stated,
};
use crate::domain::{Action, Blast, Language, Risk};

const MOST: usize = 300;
const LONGEST_TEXT: usize = 600;
/// A word or two are a heading of sorts, no instruction.
const SHORTEST: usize = 12;

#[derive(Default)]
pub(super) struct Collected {
    pub(super) checks: Vec<ImportedCheck>,
    pub(super) steps: Vec<ImportedStep>,
    pub(super) variables: Variables,
    recogniser: Recogniser,
    seen: BTreeSet<String>,
}

/// `line` gives the line of a byte.
pub(super) fn collect(document: &Document, line: impl Fn(usize) -> usize) -> Collected {
    let has_parts = document
        .items
        .iter()
        .any(|item| matches!(item.kind, SectionKind::Diagnosis | SectionKind::Mitigation));
    let mut collected = Collected::default();
    for item in &document.items {
        let kind = match item.kind {
            SectionKind::Other if !has_parts => SectionKind::Diagnosis,
            SectionKind::Other | SectionKind::Meaning | SectionKind::Impact | SectionKind::Escalation => {
                continue;
            }
            kind => kind,
        };
        collected.item(item, kind, &line);
    }
    collected
}

/// What a command line would do; `None` when there is no command in it.
pub fn classify(line: &str) -> Option<Effect> {
    effect_of(&Variables::default().read(line, Language::Sh))
}

/// What the line of a template would do.
fn effect_of(read: &Read) -> Option<Effect> {
    let effect = classify::classify(&read.line)?;
    Some(if read.ambiguous && effect.class == Class::ReadOnly { Effect::UNKNOWN } else { effect })
}

impl Collected {
    fn item(&mut self, item: &Item, kind: SectionKind, line: &impl Fn(usize) -> usize) {
        let (checks, steps) = (self.checks.len(), self.steps.len());
        for code in &item.code {
            self.code(item, code, line(code.at));
        }
        let has_step = self.steps.len() > steps;
        let has_check = self.checks.len() > checks;
        let words = item.text.trim();
        let is_telling = words.chars().count() >= SHORTEST && words.contains(' ');
        match kind {
            SectionKind::Mitigation if !has_step && is_telling => self.words_as_step(item, line(item.at)),
            SectionKind::Mitigation => {}
            _ if !has_check && !has_step && is_telling => {
                let check = self.check(item, Language::Text, Template::default(), line(item.at));
                self.add_check(check);
            }
            _ => {}
        }
    }

    fn code(&mut self, item: &Item, code: &Code, line: usize) {
        let body = code.body.trim_matches('\n');
        let tag = code.fence.as_deref();
        let is_said = matches!(tag, Some("promql" | "metricsql"));
        let is_shell = matches!(
            tag,
            Some("sh" | "bash" | "shell" | "zsh" | "console" | "shell-session" | "terminal" | "cmd")
        );
        match tag {
            Some("logql" | "traceql") => {
                let language = if tag == Some("logql") { Language::Logql } else { Language::Traceql };
                let template = self.variables.read(body.trim(), language).template;
                return self.query(item, language, template, line);
            }
            Some("" | "txt" | "text" | "none" | "plain" | "plaintext") | None => {}
            _ if is_said || is_shell => {}
            // another language: code to read, nothing to run or to ask
            Some(_) => return,
        }
        if let Some(query) = self.recogniser.query(body, is_said, &mut self.variables) {
            return self.query(item, Language::Promql, query, line);
        }
        if is_said {
            return;
        }
        if tag.is_none() {
            // in a sentence only what is clearly a command is one
            if body.contains(char::is_whitespace) && fence::begins_known(body) {
                self.command(item, body, false, line);
            }
            return;
        }
        for command in fence::commands(body, is_shell) {
            self.command(item, &command.text, command.altered, line);
        }
    }

    fn query(&mut self, item: &Item, language: Language, query: Template, line: usize) {
        let check = self.check(item, language, query, line);
        self.add_check(check);
    }

    fn command(&mut self, item: &Item, text: &str, altered: bool, line: usize) {
        if let Some((name, value)) = text.split_once('=').filter(|_| !text.contains("$("))
            && classify::assigned(text) == Some(name)
        {
            self.variables.assign(name, value);
        }
        if matches!(text.trim(), "exit" | "logout") {
            return;
        }
        let read = self.variables.read(text, Language::Sh);
        let Some(mut effect) = effect_of(&read) else { return };
        if altered && effect.class == Class::ReadOnly {
            effect = Effect::UNKNOWN;
        }
        if effect.class == Class::ReadOnly {
            let check = self.check(item, Language::Sh, read.template, line);
            return self.add_check(check);
        }
        if effect.action == Action::ScaleUp {
            directed(&mut effect, &item.text);
        }
        self.add_step(item, effect, Language::Sh, read.template, line);
    }

    fn words_as_step(&mut self, item: &Item, line: usize) {
        let effect = Effect {
            class: Class::Unknown,
            action: Action::Manual,
            risk: Risk::Unknown,
            reversible: false,
            blast: Blast::Service,
            ..Effect::UNKNOWN
        };
        self.add_step(item, effect, Language::Text, Template::default(), line);
    }

    fn check(&self, item: &Item, language: Language, query: Template, line: usize) -> ImportedCheck {
        let is_query = matches!(language, Language::Promql | Language::Logql | Language::Traceql);
        ImportedCheck {
            id: format!("check-{}", self.checks.len() + 1),
            language,
            query,
            stated: if is_query { stated(&item.text) } else { None },
            title: shorten(&item.title),
            text: shorten(&item.text),
            line,
        }
    }

    fn add_check(&mut self, check: ImportedCheck) {
        let words = if check.language == Language::Text { check.text.clone() } else { check.query.written() };
        if self.checks.len() < MOST && self.seen.insert(format!("c{words}")) {
            self.checks.push(check);
        }
    }

    fn add_step(&mut self, item: &Item, effect: Effect, language: Language, command: Template, line: usize) {
        let words = if language == Language::Text { item.text.clone() } else { command.written() };
        if self.steps.len() < MOST && self.seen.insert(format!("s{words}")) {
            let id = format!("step-{}", self.steps.len() + 1);
            let (title, text) = (shorten(&item.title), shorten(&item.text));
            self.steps.push(ImportedStep { id, effect, language, command, title, text, line });
        }
    }
}

/// The sentence says which way to scale, where the number alone does not.
fn directed(effect: &mut Effect, text: &str) {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (up, down) = (
        says(&["scale up", "increase", "more replicas", "scaling up", "add replicas"]),
        says(&["down", "reduce", "decrease", "fewer"]),
    );
    match (up, down) {
        (true, false) => effect.risk = Risk::Low,
        (false, true) => effect.action = Action::ScaleDownToKnownGood,
        _ => {}
    }
}

fn shorten(text: &str) -> String {
    crate::runbook::finding::printable(text, LONGEST_TEXT)
}
