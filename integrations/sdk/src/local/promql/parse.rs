//! Parsing under bounds.

use promql_parser::parser::{self, Expr};
use regex::RegexBuilder;

use super::value::bad;
use crate::{Result, local::scan::unquote};

/// Longest expression, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// Most operators and parentheses: they bound how deep an expression nests.
const MAX_TOKENS: usize = 256;
/// Most regexes, and the largest compiled one in bytes.
const MAX_REGEXES: usize = 64;
const MAX_REGEX_SIZE: usize = 256 * 1024;
/// Longest range or offset, in seconds: the parser panics on numbers that no duration holds.
const MAX_SECONDS: f64 = 1e9;

/// Checks that an expression is PromQL, within the bounds, without running it.
///
/// # Errors
/// [`BadRequest`](crate::ErrorKind::BadRequest) with the parser's reason, and the column where
/// that can be told.
pub fn check(expr: &str) -> Result<()> {
    parse(expr).map(|_| ())
}

pub(super) fn parse(text: &str) -> Result<Expr> {
    bound(text)?;
    parser::parse(text).map_err(|reason| match place(text).filter(|_| is_syntax(&reason)) {
        Some(column) => bad(format!("column {column}: {reason} in `{}`", shown(text))),
        None => bad(format!("{reason} in `{}`", shown(text))),
    })
}

/// Whether the parser lost its way, rather than minding types, functions or their arguments, which may stand
/// anywhere.
fn is_syntax(reason: &str) -> bool {
    ["invalid promql", "unclosed", "unexpected", "no expression"]
        .iter()
        .any(|start| reason.starts_with(start))
}

/// Where a text stops being an expression, as the parser does not say: the column behind the longest
/// beginning that is one.
fn place(text: &str) -> Option<usize> {
    const FAR: usize = 512;
    let beginnings = text.char_indices().take(FAR).map(|(at, _)| text.split_at_checked(at));
    let whole = |beginning: &str| bound(beginning).is_ok() && parser::parse(beginning).is_ok();
    let (before, rest) = beginnings.flatten().filter(|(beginning, _)| whole(beginning)).last()?;
    let space = rest.chars().take_while(|letter| letter.is_whitespace()).count();
    Some(before.chars().count() + space + 1)
}

/// The start of a text, for messages.
pub(super) fn shown(text: &str) -> String {
    let mut start: String = text.chars().take(200).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// Refuses what would be expensive to parse or to drop, by a scan that knows only strings and comments.
fn bound(text: &str) -> Result<()> {
    if text.len() > MAX_LENGTH {
        return Err(bad(format!("expression of {} bytes is longer than {MAX_LENGTH}", text.len())));
    }
    let mut scan = Scan { rest: text, ..Scan::default() };
    while let Some(next) = scan.rest.chars().next() {
        match next {
            '"' | '\'' | '`' => scan.string(next)?,
            '#' => scan.rest = scan.rest.split_once('\n').map_or("", |(_, rest)| rest),
            '0'..='9' | '.' | 'a'..='z' | 'A'..='Z' | '_' | ':' => scan.word()?,
            _ => scan.sign(next),
        }
    }
    if scan.tokens > MAX_TOKENS {
        return Err(bad(format!(
            "expression has {} operators and calls, more than {MAX_TOKENS}",
            scan.tokens
        )));
    }
    Ok(())
}

#[derive(Default)]
struct Scan<'a> {
    rest: &'a str,
    tokens: usize,
    regexes: usize,
    /// The sign before was `=~` or `!~`.
    regex_next: bool,
    /// Inside `[...]` or after `offset`, where numbers are durations.
    duration_next: bool,
}

impl Scan<'_> {
    fn string(&mut self, quote: char) -> Result<()> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, letter)| {
            let closes = *letter == quote && !escaped;
            escaped = quote != '`' && *letter == '\\' && !escaped;
            closes
        });
        let Some((at, _)) = end else { return Err(bad("a string is not closed")) };
        let (literal, rest) = self.rest.split_at(at + quote.len_utf8());
        self.rest = rest;
        let text = unquote(literal).ok_or_else(|| bad(format!("unknown escape in {}", shown(literal))))?;
        if std::mem::take(&mut self.regex_next) {
            self.regexes += 1;
            if self.regexes > MAX_REGEXES {
                return Err(bad(format!("expression has more than {MAX_REGEXES} regexes")));
            }
            too_large(&text)?;
        }
        Ok(())
    }

    fn word(&mut self) -> Result<()> {
        let end = self
            .rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | ':' | '.'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let durations = self.duration_next;
        match word.to_ascii_lowercase().as_str() {
            "and" | "or" | "unless" | "atan2" => self.tokens += 1,
            "offset" => self.duration_next = true,
            _ if durations => {
                let numbers = word.split(':').filter_map(|part| part.parse::<f64>().ok());
                if numbers.into_iter().any(|seconds| !(0.0..=MAX_SECONDS).contains(&seconds)) {
                    return Err(bad(format!("duration {word} is out of bounds")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn sign(&mut self, sign: char) {
        self.regex_next = sign == '~' || (self.regex_next && sign.is_whitespace());
        match sign {
            '[' => self.duration_next = true,
            ']' | ')' | '}' | ',' => self.duration_next = false,
            _ => {}
        }
        self.rest = self.rest.strip_prefix(sign).unwrap_or_default();
        // A lone `=` is part of a matcher, which does not nest.
        let nests = matches!(sign, '(' | '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '!');
        if nests || (sign == '=' && self.rest.starts_with('=')) {
            self.tokens += 1;
        }
    }
}

/// The parser compiles regexes without a limit of ours, so they are tried under one first. A pattern that
/// does not compile here for another reason is the parser's to judge: it forgives what Go allows.
fn too_large(pattern: &str) -> Result<()> {
    match RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_REGEX_SIZE).build() {
        Err(regex::Error::CompiledTooBig(_)) => Err(bad(format!("regex `{}` is too large", shown(pattern)))),
        _ => Ok(()),
    }
}
