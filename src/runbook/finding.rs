use std::{collections::BTreeSet, fmt};

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The runbook is not used.
    Error,
    /// It is used; somebody should look.
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something wrong with a runbook, at a place in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// Stable, e.g. `RB017`; `runbooks/README.md` lists them.
    pub code: &'static str,
    pub message: String,
    pub file: String,
    /// From 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// In characters, from 1; 0 when it is about the file as a whole.
    pub column: usize,
}

impl Finding {
    /// A finding about a file as a whole.
    pub(super) fn of_file(severity: Severity, code: &'static str, file: &str, message: String) -> Self {
        Self { severity, code, message, file: file.to_owned(), line: 0, column: 0 }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, code, message, file, line, column } = self;
        let severity = severity.as_str();
        if *line == 0 {
            write!(formatter, "{file}: {severity} {code}: {message}")
        } else {
            write!(formatter, "{file}:{line}:{column}: {severity} {code}: {message}")
        }
    }
}

/// A place in a file, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) at: Place,
}

impl<T> Placed<T> {
    pub(super) fn new(value: T, at: Place) -> Self {
        Self { value, at }
    }
}

/// Turns byte offsets into lines and columns.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Byte offset at which each line starts.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self { text, starts }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).map_or(0, |text| text.chars().count());
        Place { line, column: before + 1 }
    }
}

/// Collects the findings of one file, at most [`Findings::LIMIT`] of them.
pub(super) struct Findings {
    file: String,
    found: BTreeSet<(Place, Severity, &'static str, String)>,
    left_out: usize,
}

impl Findings {
    pub(super) const LIMIT: usize = 200;
    const LONGEST: usize = 600;

    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: BTreeSet::new(), left_out: 0 }
    }

    pub(super) fn error(&mut self, code: &'static str, at: Place, message: impl Into<String>) {
        self.push(Severity::Error, code, at, message.into());
    }

    pub(super) fn warn(&mut self, code: &'static str, at: Place, message: impl Into<String>) {
        self.push(Severity::Warning, code, at, message.into());
    }

    fn push(&mut self, severity: Severity, code: &'static str, at: Place, message: String) {
        if self.found.len() >= Self::LIMIT {
            // an error must never be crowded out by warnings: it decides whether the runbook is used
            let warning = self.found.iter().rev().find(|(_, severity, ..)| *severity == Severity::Warning);
            match warning.cloned() {
                Some(warning) if severity == Severity::Error => {
                    self.found.remove(&warning);
                    self.left_out += 1;
                }
                _ => {
                    self.left_out += 1;
                    return;
                }
            }
        }
        self.found.insert((at, severity, code, printable(&message, Self::LONGEST)));
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|(_, severity, ..)| *severity == Severity::Error)
    }

    /// In the order of the file.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        let Self { file, found, left_out } = self;
        let mut findings: Vec<_> = found
            .into_iter()
            .map(|(at, severity, code, message)| Finding {
                severity,
                code,
                message,
                file: file.clone(),
                line: at.line,
                column: at.column,
            })
            .collect();
        if left_out > 0 {
            let message = format!("{left_out} more findings are left out");
            findings.push(Finding::of_file(Severity::Warning, "RB000", &file, message));
        }
        findings
    }
}

/// Text fit for a terminal and a log line: control characters become spaces, and it is cut at `longest`
/// characters.
pub(super) fn printable(text: &str, longest: usize) -> String {
    let mut out: String = text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(longest).is_some() {
        out.push('…');
    }
    out
}

/// `, did you mean `x`?` when one of the names is near.
pub(super) fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let near = names
        .into_iter()
        .filter_map(|name| distance(word, name).map(|distance| (distance, name)))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min();
    near.map(|(_, name)| format!(", did you mean `{name}`?")).unwrap_or_default()
}

/// Edits between two short words; `None` for long ones.
fn distance(one: &str, other: &str) -> Option<usize> {
    const LONGEST: usize = 64;
    if one.len() > LONGEST || other.len() > LONGEST {
        return None;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for ((b, above), left_above) in other.iter().zip(row.iter().skip(1)).zip(&row) {
            last = (above + 1).min(last + 1).min(left_above + usize::from(a != *b));
            next.push(last);
        }
        row = next;
    }
    row.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_one() {
        let lines = Lines::new("ab\nçdé\n\nx");
        assert_eq!(lines.place(0), Place { line: 1, column: 1 });
        assert_eq!(lines.place(3), Place { line: 2, column: 1 });
        assert_eq!(lines.place(6), Place { line: 2, column: 3 });
        assert_eq!(lines.place(10), Place { line: 4, column: 1 });
        assert_eq!(lines.place(9_999).line, 4);
    }

    #[test]
    fn hints_name_what_is_near_only() {
        assert_eq!(hint("verfy", ["eta", "verify"]), ", did you mean `verify`?");
        assert_eq!(hint("colour", ["eta", "verify"]), "");
    }

    #[test]
    fn findings_are_bounded_and_keep_errors() {
        let mut findings = Findings::new("x.md");
        for line in 0..Findings::LIMIT + 50 {
            findings.warn("RB028", Place { line, column: 1 }, "unused");
        }
        findings.error("RB017", Place { line: 9_000, column: 1 }, "unknown\u{1b}[31m");
        assert!(findings.has_errors());
        let all = findings.into_vec();
        assert_eq!(all.len(), Findings::LIMIT + 1);
        let shown = all.iter().map(ToString::to_string).collect::<String>();
        assert!(!shown.contains('\u{1b}') && shown.contains("51 more findings"), "{shown}");
    }
}
