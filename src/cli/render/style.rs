//! Colours, which never carry a meaning of their own: every one stands beside a word.

use anstyle::{AnsiColor, Style};

fn with(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn bold(text: &str) -> String {
    with(Style::new().bold(), text)
}

pub(crate) fn dim(text: &str) -> String {
    with(Style::new().dimmed(), text)
}

pub(crate) fn good(text: &str) -> String {
    with(AnsiColor::Green.on_default(), text)
}

pub(crate) fn bad(text: &str) -> String {
    with(AnsiColor::Red.on_default().bold(), text)
}

pub(crate) fn warn(text: &str) -> String {
    with(AnsiColor::Yellow.on_default(), text)
}

pub(crate) fn heading(text: &str) -> String {
    with(AnsiColor::Cyan.on_default().bold(), text)
}

/// A risk in its colour; the word is what tells.
pub(crate) fn risk(word: &str) -> String {
    match word {
        "none" | "low" => good(word),
        "medium" => warn(word),
        _ => bad(word),
    }
}
