//! All lines of a case as templates, each with the operation that logged it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quell_sdk::signal::{LogRecord, Severity, SpanId, TraceId, UnixNanos};

use super::{
    Drain, TemplateId,
    mask::{WILDCARD, mask},
};
use crate::analysis::{
    case::Case,
    hash::{HashMap, HashSet},
    traces::Traced,
};

/// Part of a template's lines that one operation must log to be its place.
const MOSTLY: f64 = 0.8;
/// Part of a template's lines that must be logged in spans for executions to be its exposure.
const IN_SPANS: f64 = 0.5;

/// Lines of a healthy recording that make a kind of error chronic.
const CHRONIC: usize = 2;
/// Tokens that tell the kinds of errors apart.
const TOKENS: usize = 48;

/// The same for what is no error: its other spans are taken to be sampled away, and their lines with them.
const SAMPLED: f64 = 0.1;

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub at: UnixNanos,
    pub template: TemplateId,
    pub is_reference: bool,
    /// The first line of its template in its span, or one outside any span.
    pub is_first: bool,
    /// Its execution failed with an error that the healthy recording knows as well.
    pub is_disturbed: bool,
    /// Index of its span in the forest of its recording.
    span: Option<u32>,
    /// Index of the record among its recording's.
    record: u32,
}

/// One template.
#[derive(Clone, Debug, Default)]
pub struct Template {
    pub service: Arc<str>,
    /// It was logged as a warning or worse, or speaks of trouble.
    pub is_error: bool,
    /// An error that the healthy recording shows too, if perhaps elsewhere: the system's own noise.
    pub is_chronic: bool,
    pub text: String,
    /// Some of its lines are set with more than single spaces, which the text is not.
    pub(super) is_ragged: bool,
    lines: f64,
    /// Lines that are of a chronic kind.
    chronic: f64,
    severity: Option<Severity>,
    /// Operations in whose spans it is logged, with how often.
    operations: HashMap<u32, u32>,
}

impl Template {
    /// The operations whose executions its lines are held against; `None` for lines that are not logged in
    /// spans.
    pub fn emitters(&self) -> Option<Vec<u32>> {
        let logged: u32 = self.operations.values().sum();
        let least = if self.is_error { IN_SPANS } else { SAMPLED };
        if logged == 0 || f64::from(logged) < least * self.lines {
            return None;
        }
        let main = self.operations.iter().find(|(_, count)| f64::from(**count) >= MOSTLY * f64::from(logged));
        if let Some((operation, _)) = main {
            return Some(vec![*operation]);
        }
        let mut all: Vec<u32> = self.operations.keys().copied().collect();
        all.sort_unstable();
        Some(all)
    }
}

/// The templates of all lines, for which nothing but the lines is needed.
pub struct Learnt {
    drain: Drain,
    /// The template of each line of the healthy recording, then of each of now.
    of_lines: Vec<TemplateId>,
}

impl Learnt {
    pub fn new(case: &Case) -> Self {
        let mut drain = Drain::default();
        let mut groups: HashMap<Arc<str>, u32> = HashMap::default();
        let lines = case.reference.logs.iter().chain(&case.now.logs);
        let of_lines = lines.map(|record| {
            let group = groups.get(&record.service).copied().unwrap_or_else(|| {
                let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                groups.insert(record.service.clone(), next);
                next
            });
            drain.learn(group, &record.body)
        });
        let of_lines = of_lines.collect();
        Self { drain, of_lines }
    }
}

/// The lines of now and of the healthy recording, by template.
pub struct Mined<'a> {
    pub lines: Vec<Line>,
    pub templates: BTreeMap<TemplateId, Template>,
    /// Executions that failed with an error of a chronic kind, or called one: by index of the span, of now and of
    /// the healthy recording.
    disturbed: [HashSet<u32>; 2],
    pub(super) now: &'a [LogRecord],
    pub(super) reference: &'a [LogRecord],
}

impl<'a> Mined<'a> {
    pub fn new(case: &'a Case, traced: &Traced<'_>, learnt: Learnt) -> Self {
        let (now, reference) = (case.now.logs.as_slice(), case.reference.logs.as_slice());
        let mut mined = Self {
            lines: Vec::with_capacity(now.len() + reference.len()),
            templates: BTreeMap::new(),
            disturbed: [HashSet::default(), HashSet::default()],
            now,
            reference,
        };
        if now.is_empty() && reference.is_empty() {
            return mined;
        }
        let Learnt { drain, of_lines } = learnt;
        let mut seen: HashSet<(TemplateId, SpanId)> = HashSet::default();
        let mut templates: Vec<Template> = Vec::new();
        templates.resize_with(drain.len(), Template::default);
        let all =
            reference.iter().map(|record| (record, true)).chain(now.iter().map(|record| (record, false)));
        let mut numbers = [0_u32, 0_u32];
        for ((record, is_reference), id) in all.zip(of_lines) {
            let number = &mut numbers[usize::from(is_reference)];
            let Some(template) = templates.get_mut(id.0 as usize) else { continue };
            if template.lines == 0.0 {
                template.service = record.service.clone();
            }
            template.severity = template.severity.max(Some(record.severity));
            template.lines += 1.0;
            template.is_ragged = template.is_ragged || is_ragged(&record.body);
            let mut is_first = true;
            let mut of_span = None;
            if let (Some(trace), Some(span)) = (record.trace_id, record.span_id)
                && let Some((operation, index)) = find(traced, trace, span)
            {
                *template.operations.entry(operation).or_default() += 1;
                is_first = seen.insert((id, span));
                of_span = Some(index);
            }
            mined.lines.push(Line {
                at: record.at,
                template: id,
                is_reference,
                is_first,
                is_disturbed: false,
                span: of_span,
                record: *number,
            });
            *number += 1;
        }
        mined.templates = (0_u32..).map(TemplateId).zip(templates).collect();
        for (id, template) in &mut mined.templates {
            template.text = drain.text(*id);
            template.is_error = template.severity.is_some_and(|severity| severity >= Severity::Warn)
                || sounds_wrong(&template.text);
        }
        mined.find_chronic(traced);
        mined
    }

    /// Errors of a kind that the healthy recording has, and that wander between services, are the system's own
    /// noise; requests that fail with one say nothing about what else changed: their paths end early anyway.
    fn find_chronic(&mut self, traced: &Traced<'_>) {
        let mut kinds: HashMap<Vec<String>, (usize, BTreeSet<Arc<str>>)> = HashMap::default();
        let mut of_line: Vec<Option<Vec<String>>> = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let record = self.record(line).filter(|record| record.severity.is_error());
            let kind = record.filter(|_| !self.reference.is_empty()).map(|record| kind(&record.body, traced));
            if let (Some(kind), Some(record)) = (&kind, record) {
                let (healthy, services) = kinds.entry(kind.clone()).or_default();
                *healthy += usize::from(line.is_reference);
                services.insert(record.service.clone());
            }
            of_line.push(kind);
        }
        kinds.retain(|_, (healthy, services)| *healthy >= CHRONIC && services.len() > 1);
        for (line, kind) in self.lines.iter().zip(&of_line) {
            if kind.as_ref().is_some_and(|kind| kinds.contains_key(kind)) {
                if let Some(template) = self.templates.get_mut(&line.template) {
                    template.chronic += 1.0;
                }
                let forest = if line.is_reference { &traced.reference } else { &traced.now };
                let disturbed = &mut self.disturbed[usize::from(line.is_reference)];
                // What it did itself was cut short, and who called it ended early as well.
                let mut inside: Vec<usize> = line.span.map(|span| span as usize).into_iter().collect();
                while let Some(index) = inside.pop() {
                    let service = forest.spans.get(index).map(|span| &span.service);
                    for child in forest.children(index) {
                        let is_own = forest.spans.get(child).map(|span| &span.service) == service;
                        if is_own && u32::try_from(child).is_ok_and(|child| disturbed.insert(child)) {
                            inside.push(child);
                        }
                    }
                }
                let mut span = line.span;
                while let Some(index) = span.filter(|index| disturbed.insert(*index)) {
                    span = forest.parent(index as usize).and_then(|parent| u32::try_from(parent).ok());
                }
            }
        }
        for template in self.templates.values_mut() {
            template.is_chronic = template.chronic >= 0.5 * template.lines;
        }
        for line in &mut self.lines {
            let disturbed = &self.disturbed[usize::from(line.is_reference)];
            line.is_disturbed = line.span.is_some_and(|span| disturbed.contains(&span));
        }
    }

    /// Whether a span's execution failed with an error that is normal here, so that what it did not do says
    /// nothing.
    pub fn is_disturbed(&self, is_reference: bool, span: usize) -> bool {
        u32::try_from(span).is_ok_and(|span| self.disturbed[usize::from(is_reference)].contains(&span))
    }

    /// Whether a line is held against the executions that log it, but of one whose span was not kept.
    pub fn is_sampled_away(&self, line: &Line) -> bool {
        line.span.is_none()
            && self.templates.get(&line.template).is_some_and(|template| {
                !template.is_error && !template.operations.is_empty() && template.emitters().is_some()
            })
    }

    /// The record of a line.
    pub(super) fn record(&self, line: &Line) -> Option<&'a LogRecord> {
        let records = if line.is_reference { self.reference } else { self.now };
        records.get(line.record as usize)
    }
}

/// Whether a line's words are set apart by more than single spaces.
fn is_ragged(body: &str) -> bool {
    let body = body.trim();
    if body.is_ascii() {
        let mut previous = b' ';
        return body.bytes().any(|byte| {
            let is_odd = matches!(byte, b'\t'..=b'\r') || byte == b' ' && previous == b' ';
            previous = byte;
            is_odd
        });
    }
    let mut previous = ' ';
    body.chars().any(|character| {
        let is_space = character.is_whitespace();
        let is_odd = is_space && (character != ' ' || previous.is_whitespace());
        previous = character;
        is_odd
    })
}

/// What an error says, whatever service it is about.
fn kind(line: &str, traced: &Traced<'_>) -> Vec<String> {
    let mut tokens = mask(line, TOKENS);
    for token in &mut tokens {
        let word = token.trim_matches(|c: char| !c.is_alphanumeric());
        if traced.reports(word) {
            *token = token.replace(word, WILDCARD);
        }
    }
    tokens
}

/// Operation and index of a span.
fn find(traced: &Traced<'_>, trace: TraceId, span: SpanId) -> Option<(u32, u32)> {
    [&traced.reference, &traced.now].into_iter().find_map(|forest| {
        let index = forest.find(trace, span)?;
        Some((forest.operation(index), u32::try_from(index).ok()?))
    })
}

/// Whether a message speaks of trouble, whatever severity its logger gave it.
fn sounds_wrong(text: &str) -> bool {
    let lower = text.to_lowercase();
    [
        "error",
        "exception",
        "fail",
        "timeout",
        "timed out",
        "refused",
        "unavailable",
        "panic",
        "fatal",
        "denied",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_text_is_ragged_as_any_other(line in "[ab \\t\u{b}\\n]{1,12}") {
            let line = line.trim();
            // A letter that is not plain at its end changes nothing but how it is looked at.
            prop_assert_eq!(is_ragged(line), is_ragged(&format!("{line}é")));
        }
    }

    #[test]
    fn columns_and_lines_are_ragged_and_single_spaces_are_not() {
        assert!(!is_ragged("  order accepted for user\n"));
        assert!(is_ragged("order  accepted") && is_ragged("order\taccepted") && is_ragged("order\naccepted"));
    }
}
