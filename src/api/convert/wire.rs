use std::{fmt, time::Duration};

use jiff::Timestamp;
use quell_proto::Timestamp as WireTime;
use serde::{
    Deserialize, Serialize,
    de::value::{Error as WordError, StrDeserializer},
};

/// A domain type and its message in `quell.v1`.
pub trait Wire: Sized {
    type Message;

    /// The message for it; there always is one.
    fn to_wire(&self) -> Self::Message;

    /// What a message says, if it can be taken.
    fn from_wire(message: Self::Message) -> Result<Self, Invalid>;
}

/// A field that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {because}")]
pub struct Invalid {
    /// Path from the message asked about, e.g. `alerts[3].labels`.
    pub field: String,
    /// What is wrong and what would be right.
    pub because: String,
}

impl Invalid {
    pub fn new(field: impl Into<String>, because: impl Into<String>) -> Self {
        Self { field: field.into(), because: because.into() }
    }

    /// The same, seen from the message that holds it.
    #[must_use]
    pub fn within(mut self, outer: impl fmt::Display) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}

/// The JSON of a message, in the canonical proto3 mapping, on several lines.
pub fn json<M: Serialize>(message: &M) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(message)
}

/// A moment as the wire has it.
pub fn timestamp(at: Timestamp) -> WireTime {
    WireTime::from(at)
}

/// A moment that must be there.
pub fn time(field: &str, at: Option<WireTime>) -> Result<Timestamp, Invalid> {
    optional_time(field, at)?.ok_or_else(|| Invalid::new(field, "missing"))
}

pub(in crate::api) fn optional_time(field: &str, at: Option<WireTime>) -> Result<Option<Timestamp>, Invalid> {
    at.map(Timestamp::try_from).transpose().map_err(|error| Invalid::new(field, error.to_string()))
}

/// A length of time as the wire has it.
pub fn duration(length: Duration) -> pbjson_types::Duration {
    // ten thousand years, the longest that the wire allows
    const LONGEST: u64 = 315_576_000_000;
    let length = length.min(Duration::from_secs(LONGEST));
    pbjson_types::Duration {
        seconds: i64::try_from(length.as_secs()).unwrap_or(0),
        nanos: i32::try_from(length.subsec_nanos()).unwrap_or(0),
    }
}

/// A length of time; unset is zero, negative ones are refused.
pub fn span(field: &str, length: Option<pbjson_types::Duration>) -> Result<Duration, Invalid> {
    let Some(length) = length else { return Ok(Duration::ZERO) };
    let refused = || Invalid::new(field, "a duration must not be negative, nor its nanos above 999999999");
    if !(0..1_000_000_000).contains(&length.nanos) {
        return Err(refused());
    }
    Duration::try_from(length).map_err(|_| refused())
}

/// A number that JSON can hold: it has no NaN and no infinities, and half of its readers fall over `null`.
pub fn finite(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(f64::MIN, f64::MAX) }
}

/// One of a closed list of words.
pub(super) fn word<'a, T: Deserialize<'a>>(field: &str, text: &'a str) -> Result<T, Invalid> {
    T::deserialize(StrDeserializer::<WordError>::new(text)).map_err(|error| Invalid::new(field, clip(&error)))
}

/// A message that must be there.
pub(super) fn required<T: Wire>(field: &str, message: Option<T::Message>) -> Result<T, Invalid> {
    let message = message.ok_or_else(|| Invalid::new(field, "missing"))?;
    T::from_wire(message).map_err(|invalid| invalid.within(field))
}

/// Messages in a list.
pub(in crate::api) fn list<T: Wire>(field: &str, messages: Vec<T::Message>) -> Result<Vec<T>, Invalid> {
    let one = |(index, message)| {
        T::from_wire(message).map_err(|invalid| invalid.within(format_args!("{field}[{index}]")))
    };
    messages.into_iter().enumerate().map(one).collect()
}

pub(super) fn all<T: Wire>(values: &[T]) -> Vec<T::Message> {
    values.iter().map(T::to_wire).collect()
}

/// A number behind a letter: `E12`.
pub(super) fn number(field: &str, letter: char, text: &str) -> Result<u32, Invalid> {
    text.strip_prefix(letter)
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Invalid::new(field, format!("`{}` is not of the form {letter}12", clip(text))))
}

/// Empty text is "none" on the wire.
pub(super) fn optional(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The beginning of what somebody sent, fit for an error.
pub(super) fn clip(text: impl ToString) -> String {
    const LONGEST: usize = 200;
    let text = text.to_string();
    if text.chars().nth(LONGEST).is_none() {
        return text;
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}
