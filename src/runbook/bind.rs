use super::{
    quote::Quoter,
    vars::{Piece, Vars, pieces},
};
use crate::domain::Language;

/// Why a template could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The variable has no value.
    #[error("variable ${0} has no value here")]
    Unknown(String),
    /// Its value cannot stand where the variable stands.
    #[error("the value of ${name} {why}")]
    Unfit { name: String, why: String },
}

/// A template with what is known filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Variables without a usable value stand as `<name>`.
    pub text: String,
    /// Those variables, with the reason.
    pub unbound: Vec<BindError>,
}

/// Fills values in, quoted for the language: a value never ends the string, the word or the command that it
/// stands in.
pub fn bind(template: &str, vars: &Vars, language: Language) -> Result<String, BindError> {
    let shown = show(template, vars, language);
    match shown.unbound.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(shown.text),
    }
}

/// The same for a person: what has no value stays as a placeholder and is named.
pub fn show(template: &str, vars: &Vars, language: Language) -> Shown {
    show_pieces(pieces(template), vars, language)
}

/// The same for a template that is already taken apart.
pub(super) fn show_pieces<'a>(
    pieces: impl IntoIterator<Item = Piece<'a>>,
    vars: &Vars,
    language: Language,
) -> Shown {
    let mut quoter = Quoter::new(language);
    let mut shown = Shown { text: String::new(), unbound: Vec::new() };
    for piece in pieces {
        match piece {
            Piece::Literal(text) => {
                quoter.literal(text);
                shown.text.push_str(text);
            }
            Piece::Variable { name, .. } => {
                let value = vars.get(name).ok_or_else(|| BindError::Unknown(name.to_owned()));
                let value = value.and_then(|value| {
                    fit(value, shown.text.len())
                        .and_then(|value| quoter.quote(value))
                        .map_err(|why| BindError::Unfit { name: name.to_owned(), why: why.to_owned() })
                });
                match value {
                    Ok(value) => shown.text.push_str(&value),
                    Err(error) => {
                        let placeholder = format!("<{name}>");
                        shown.text.push_str(&placeholder);
                        if !shown.unbound.contains(&error) {
                            shown.unbound.push(error);
                        }
                    }
                }
            }
        }
    }
    shown
}

/// Names in real systems are short and printable. What is not is an attack or a mistake.
fn fit(value: &str, written: usize) -> Result<&str, &'static str> {
    const LONGEST: usize = 1_024;
    const LONGEST_RESULT: usize = 128 * 1_024;
    // a right-to-left override would show a person another command than the one that is copied
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if value.len() > LONGEST || written > LONGEST_RESULT {
        Err("is too long")
    } else if value.chars().any(hides) {
        Err("holds control characters")
    } else {
        Ok(value)
    }
}

#[cfg(test)]
#[path = "bind_tests.rs"]
mod tests;
