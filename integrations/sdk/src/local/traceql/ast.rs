//! What a filter says, and whether a span fulfils it.

use std::{borrow::Cow, cmp::Ordering};

use regex::Regex;

use crate::{
    local::compare::Compare,
    signal::{Span, SpanId, SpanKind, SpanStatus, TraceId},
};

/// A span, named as its children name it.
pub(super) type Id = (TraceId, SpanId);

/// What a query selects.
#[derive(Debug)]
pub(super) enum Spanset {
    Filter(Filter),
    /// The spans of `filter` that are, or are not, so related to any of `of`.
    Related {
        of: Box<Spanset>,
        relation: Relation,
        is: bool,
        filter: Filter,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// `>`: a child of one of those before.
    Child,
    /// `<`: the parent of one of those before.
    Parent,
}

#[derive(Debug)]
pub(super) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Holds(Field, Test),
    Constant(bool),
}

impl Filter {
    pub(super) fn holds(&self, span: &Span) -> bool {
        match self {
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(span)),
            Self::All(filters) => filters.iter().all(|filter| filter.holds(span)),
            Self::Not(filter) => !filter.holds(span),
            Self::Holds(field, test) => test.holds(field.of(span)),
            Self::Constant(answer) => *answer,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Status,
    StatusMessage,
    Duration,
    Kind,
    TraceId,
    SpanId,
    ParentId,
    Attribute(String),
}

/// A field's value in one span.
enum Value<'s> {
    Text(Cow<'s, str>),
    Nanos(f64),
    Status(SpanStatus),
    Kind(SpanKind),
}

impl Field {
    fn of<'s>(&self, span: &'s Span) -> Option<Value<'s>> {
        let text = |text: &'s str| (!text.is_empty()).then_some(Value::Text(Cow::Borrowed(text)));
        match self {
            Self::Name => Some(Value::Text(Cow::Borrowed(&span.operation))),
            Self::Status => Some(Value::Status(span.status)),
            Self::StatusMessage => text(&span.message),
            Self::Duration => Some(Value::Nanos(span.end.saturating_sub(span.start) as f64)),
            Self::Kind => Some(Value::Kind(span.kind)),
            Self::TraceId => Some(Value::Text(Cow::Owned(span.trace_id.to_string()))),
            Self::SpanId => Some(Value::Text(Cow::Owned(span.span_id.to_string()))),
            Self::ParentId => Some(Value::Text(Cow::Owned(span.parent?.to_string()))),
            Self::Attribute(key) => {
                let own = match key.as_str() {
                    "service.name" | "service" => &span.service,
                    "k8s.pod.name" | "pod" => &span.pod,
                    _ => "",
                };
                text(own).or_else(|| span.attribute(key).map(|value| Value::Text(Cow::Borrowed(value))))
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum Test {
    Nil,
    NotNil,
    Matches(Regex),
    MatchesNot(Regex),
    Compare(Compare, Literal),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    /// Nanoseconds.
    Duration(i64),
    Bool(bool),
    Status(SpanStatus),
    Kind(SpanKind),
}

impl Test {
    fn holds(&self, value: Option<Value<'_>>) -> bool {
        let Some(value) = value else { return matches!(self, Self::Nil) };
        match (self, value) {
            (Self::Nil, _) => false,
            (Self::NotNil, _) => true,
            (Self::Matches(regex), Value::Text(text)) => regex.is_match(&text),
            (Self::MatchesNot(regex), Value::Text(text)) => !regex.is_match(&text),
            (Self::Matches(_) | Self::MatchesNot(_), _) => false,
            (Self::Compare(compare, literal), value) => {
                order(&value, literal).is_some_and(|order| compare.holds(order))
            }
        }
    }
}

/// How a value stands to a literal; nothing if they cannot be compared. Attributes are kept as text, so
/// a number literal reads a number from it.
fn order(value: &Value<'_>, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Text(text), Literal::Text(wanted)) => Some((**text).cmp(wanted.as_str())),
        (Value::Text(text), Literal::Number(wanted)) => text.parse::<f64>().ok()?.partial_cmp(wanted),
        (Value::Text(text), Literal::Duration(wanted)) => {
            text.parse::<f64>().ok()?.partial_cmp(&(*wanted as f64))
        }
        (Value::Text(text), Literal::Bool(wanted)) => Some(text.parse::<bool>().ok()?.cmp(wanted)),
        (Value::Nanos(nanos), Literal::Duration(wanted)) => nanos.partial_cmp(&(*wanted as f64)),
        (Value::Nanos(nanos), Literal::Number(wanted)) => nanos.partial_cmp(wanted),
        (Value::Status(status), Literal::Status(wanted)) => Some(differs(status == wanted)),
        (Value::Kind(kind), Literal::Kind(wanted)) => Some(differs(kind == wanted)),
        _ => None,
    }
}

/// Things without an order are equal or not.
fn differs(same: bool) -> Ordering {
    if same { Ordering::Equal } else { Ordering::Less }
}
