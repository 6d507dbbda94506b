//! What a query says, and whether a record fulfils it.

use std::borrow::Cow;

use regex::Regex;

use crate::{
    local::{
        compare::Compare,
        promql::{Aggregator, Grouping},
    },
    signal::LogRecord,
};

#[derive(Debug)]
pub(super) enum Query {
    Records(Filter),
    Metric(Metric),
}

/// Records to select.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) labels: Vec<(String, Test)>,
    pub(super) lines: Vec<Test>,
}

/// What a text must be.
#[derive(Debug)]
pub(super) enum Test {
    Is(String),
    IsNot(String),
    Has(String),
    HasNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl Test {
    fn holds(&self, text: &str) -> bool {
        match self {
            Self::Is(wanted) => text == wanted,
            Self::IsNot(wanted) => text != wanted,
            Self::Has(part) => text.contains(part.as_str()),
            Self::HasNot(part) => !text.contains(part.as_str()),
            Self::Matches(regex) => regex.is_match(text),
            Self::MatchesNot(regex) => !regex.is_match(text),
        }
    }
}

impl Filter {
    pub(super) fn holds(&self, record: &LogRecord) -> bool {
        self.labels.iter().all(|(name, test)| test.holds(&label(record, name)))
            && self.lines.iter().all(|test| test.holds(&record.body))
    }
}

/// A label of a record; empty when it has none of that name.
pub(super) fn label<'r>(record: &'r LogRecord, name: &str) -> Cow<'r, str> {
    match name {
        "service" | "service_name" | "service.name" => return Cow::Borrowed(&record.service),
        "pod" => return Cow::Borrowed(&record.pod),
        "severity" | "level" | "detected_level" => return Cow::Borrowed(record.severity.as_str()),
        "trace_id" => return record.trace_id.map_or(Cow::Borrowed(""), |id| Cow::Owned(id.to_string())),
        "span_id" => return record.span_id.map_or(Cow::Borrowed(""), |id| Cow::Owned(id.to_string())),
        _ => {}
    }
    let exact = record.attributes.iter().find(|(key, _)| &**key == name);
    let found = exact.or_else(|| record.attributes.iter().find(|(key, _)| sanitised_is(key, name)));
    found.map_or(Cow::Borrowed(""), |(_, value)| Cow::Borrowed(&**value))
}

/// Whether a key is that label once everything but letters, digits and `_` is `_`.
fn sanitised_is(key: &str, label: &str) -> bool {
    let mut letters = label.chars();
    let same = key.chars().all(|letter| {
        let letter = if letter.is_ascii_alphanumeric() { letter } else { '_' };
        letters.next() == Some(letter)
    });
    same && letters.next().is_none()
}

/// A number for each step.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) filter: Filter,
    pub(super) function: Function,
    /// Nanoseconds.
    pub(super) length: i64,
    /// From the inside out.
    pub(super) aggregations: Vec<(Aggregator, Grouping)>,
    /// Keeps the values of which this holds.
    pub(super) compare: Option<(Compare, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Count,
    Rate,
    Bytes,
    BytesRate,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "count_over_time" => Self::Count,
            "rate" => Self::Rate,
            "bytes_over_time" => Self::Bytes,
            "bytes_rate" => Self::BytesRate,
            _ => return None,
        })
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Count => "1",
            Self::Rate => "1/s",
            Self::Bytes => "By",
            Self::BytesRate => "By/s",
        }
    }
}
