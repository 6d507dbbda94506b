use std::fmt;

/// Where in the configuration something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Line and column, counted from 1.
    At { line: u64, column: u64 },
    /// An override, e.g. `--set server.listen=:80`.
    Set(String),
    /// Nowhere: the file as a whole.
    Whole,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// Name of the file, as given.
    pub file: String,
    pub place: Place,
    /// What is wrong and what would be right; never the value itself, which may be a secret.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::At { line, column } => write!(formatter, "{}:{line}:{column}: ", self.file)?,
            Place::Set(set) => write!(formatter, "--set {set}: ")?,
            Place::Whole => write!(formatter, "{}: ", self.file)?,
        }
        formatter.write_str(&self.message)
    }
}

/// An error on its way up, before it is known which file it is of.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) place: Option<Place>,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: Some(place.clone()), message: message.into() }
    }

    /// Gives it a place if it has none: the innermost place is the best one.
    pub(super) fn or_at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    pub(super) fn of(self, file: &str) -> Error {
        Error { file: file.to_owned(), place: self.place.unwrap_or(Place::Whole), message: self.message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { place: None, message: message.to_string() }
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let expected = match expected.to_string() {
            integer if ["usize", "u64", "u32", "u16", "u8"].contains(&integer.as_str()) => {
                "a whole number".to_owned()
            }
            other => other,
        };
        Self::custom(format_args!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {} that is not one", kind(&found)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown("key", field, expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown("word", variant, expected))
    }
}

fn unknown(what: &str, found: &str, expected: &[&str]) -> String {
    let found: String = found.chars().take(60).collect();
    let nearest = expected.iter().map(|word| (distance(&found, word), *word)).min();
    let hint = match nearest {
        Some((few, word)) if few <= 2 => format!("; did you mean `{word}`?"),
        _ => format!("; known here: {}", expected.join(", ")),
    };
    format!("unknown {what} `{found}`{hint}")
}

/// Insertions, deletions and replacements from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((above, pair), target) in row.iter().skip(1).zip(&row).zip(&other) {
            let left = next.last().copied().unwrap_or(index);
            let replaced = pair + usize::from(letter != *target);
            next.push(replaced.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// What was found, without saying its value.
fn kind(found: &serde::de::Unexpected<'_>) -> &'static str {
    use serde::de::Unexpected;
    match found {
        Unexpected::Bool(_) => "a true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::Bytes(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a mapping",
        _ => "something else",
    }
}
