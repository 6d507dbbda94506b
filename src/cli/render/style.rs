//! Colours, which never carry a meaning of their own: every one stands beside a word.

use anstyle::{AnsiColor, Style};

fn with(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

pub fn bold(text: &str) -> String {
    with(Style::new().bold(), text)
}

pub fn dim(text: &str) -> String {
    with(Style::new().dimmed(), text)
}

pub fn good(text: &str) -> String {
    with(AnsiColor::Green.on_default(), text)
}

pub fn bad(text: &str) -> String {
    with(AnsiColor::Red.on_default().bold(), text)
}

pub fn warn(text: &str) -> String {
    with(AnsiColor::Yellow.on_default(), text)
}

pub fn heading(text: &str) -> String {
    with(AnsiColor::Cyan.on_default().bold(), text)
}

/// A risk in its colour; the word is what tells.
pub fn risk(word: &str) -> String {
    match word {
        "none" | "low" => good(word),
        "medium" => warn(word),
        _ => bad(word),
    }
}
