//! Values of expressions, one column of steps per series.

use std::borrow::Cow;

use crate::{
    Error, ErrorKind, Result,
    signal::{Labels, Series, UnixNanos},
};

/// Name of this language in errors.
const ORIGIN: &str = "promql";

pub(crate) fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadRequest, ORIGIN, message)
}

pub(crate) fn unsupported(what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        ORIGIN,
        format!("{what} is not supported here; run it at a Prometheus server"),
    )
}

/// The moments at which an expression is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) start: UnixNanos,
    pub(crate) step: i64,
    pub(crate) count: usize,
}

impl Grid {
    /// The moment of each step, ascending.
    pub(crate) fn times(self) -> impl Iterator<Item = UnixNanos> + Clone {
        (0..self.count).map(move |index| {
            let passed = self.step.saturating_mul(i64::try_from(index).unwrap_or(i64::MAX));
            self.start.saturating_add(passed)
        })
    }
}

/// One series of an instant vector: a value, or none, for each step of the grid.
#[derive(Clone, Debug)]
pub(crate) struct Column<'a> {
    /// Empty when an operation dropped it.
    pub(crate) name: Cow<'a, str>,
    pub(crate) labels: Cow<'a, Labels>,
    pub(crate) values: Vec<Option<f64>>,
    /// The series whose samples these are, unchanged.
    pub(crate) origin: Option<&'a Series>,
}

impl<'a> Column<'a> {
    /// Values that were computed, so that they no longer bear the metric's name.
    pub(crate) fn computed(labels: Cow<'a, Labels>, values: Vec<Option<f64>>) -> Self {
        Self { name: Cow::Borrowed(""), labels, values, origin: None }
    }

    /// The same series with each value changed, no longer bearing the metric's name.
    pub(crate) fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        for value in self.values.iter_mut().flatten() {
            *value = change(*value);
        }
        self.unnamed()
    }

    pub(crate) fn unnamed(mut self) -> Self {
        self.name = Cow::Borrowed("");
        self.origin = None;
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// A label's value; the empty string when there is none, as in PromQL.
    pub(crate) fn label(&self, name: &str) -> &str {
        if name == "__name__" { &self.name } else { self.labels.get(name).map_or("", String::as_str) }
    }

    fn identity(&self) -> (&str, &Labels) {
        (&self.name, &self.labels)
    }
}

/// What an expression evaluates to.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    /// One number for each step.
    Scalar(Vec<f64>),
    Vector(Vec<Column<'a>>),
    Text(String),
}

impl<'a> Value<'a> {
    pub(crate) fn into_vector(self, place: &str) -> Result<Vec<Column<'a>>> {
        match self {
            Self::Vector(columns) => Ok(columns),
            Self::Scalar(_) => Err(bad(format!("{place} needs an instant vector, not a scalar"))),
            Self::Text(_) => Err(bad(format!("{place} needs an instant vector, not a string"))),
        }
    }

    pub(crate) fn into_scalar(self, place: &str) -> Result<Vec<f64>> {
        match self {
            Self::Scalar(values) => Ok(values),
            Self::Vector(_) => Err(bad(format!("{place} needs a scalar, not an instant vector"))),
            Self::Text(_) => Err(bad(format!("{place} needs a scalar, not a string"))),
        }
    }

    pub(crate) fn into_text(self, place: &str) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Scalar(_) | Self::Vector(_) => Err(bad(format!("{place} needs a string"))),
        }
    }
}

/// Columns in order of name and labels. Columns of one identity are joined, as a series that lost what
/// told it apart may live on in another; two values at one moment are an error.
pub(crate) fn unite(mut columns: Vec<Column<'_>>) -> Result<Vec<Column<'_>>> {
    columns.sort_by(|one, other| one.identity().cmp(&other.identity()));
    let mut clash = None;
    columns.dedup_by(|next, kept| {
        if next.identity() != kept.identity() {
            return false;
        }
        for (kept_value, value) in kept.values.iter_mut().zip(&next.values) {
            match (&kept_value, value) {
                (Some(_), Some(_)) => clash = Some(describe(&next.name, &next.labels)),
                (None, Some(_)) => *kept_value = *value,
                _ => {}
            }
        }
        kept.origin = None;
        true
    });
    match clash {
        Some(what) => Err(bad(format!("vector cannot contain metrics with the same labelset: {what}"))),
        None => Ok(columns),
    }
}

/// `name{a="x"}`, for messages.
pub(crate) fn describe(name: &str, labels: &Labels) -> String {
    format!("{name}{{{}}}", super::super::plan::matchers(labels))
}
