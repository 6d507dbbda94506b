//! Words, strings and signs of LogQL and TraceQL, with their places for messages.

use regex::{Regex, RegexBuilder};

use crate::{Error, ErrorKind, Result};

/// Longest query, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// Most regexes of a query, and the largest compiled one in bytes.
const MAX_REGEXES: usize = 32;
const MAX_REGEX_SIZE: usize = 256 * 1024;

const NANOS: [(&str, f64); 9] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3_600e9),
    ("d", 86_400e9),
    ("w", 604_800e9),
];

const SIGNS: [&str; 27] = [
    "!>", "!<", "&&", "||", "|=", "|~", "|>", "!=", "!~", "=~", "==", ">=", "<=", ">>", "<<", "{", "}", "(",
    ")", "[", "]", ",", "|", "=", ">", "<", "!",
];

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, with its dots.
    Word(String),
    /// A string literal, unquoted.
    Text(String),
    Number(f64),
    /// Nanoseconds.
    Duration(i64),
    Sign(&'static str),
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(formatter, "`{word}`"),
            Self::Text(text) => write!(formatter, "{}", super::plan::quoted(text)),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Duration(nanos) => write!(formatter, "{nanos}ns"),
            Self::Sign(sign) => write!(formatter, "`{sign}`"),
            Self::End => formatter.write_str("the end"),
        }
    }
}

/// A query cut into tokens, read from left to right.
pub(super) struct Tokens {
    language: &'static str,
    /// Tokens with the column, from 1, at which each starts.
    tokens: Vec<(usize, Token)>,
    at: usize,
    regexes: usize,
}

impl Tokens {
    pub(super) fn read(language: &'static str, text: &str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            let message = format!("query of {} bytes is longer than {MAX_LENGTH}", text.len());
            return Err(Error::new(ErrorKind::BadRequest, language, message));
        }
        let mut scan = Scan { language, rest: text, column: 1 };
        let mut tokens = Vec::new();
        loop {
            scan.skip_space();
            let column = scan.column;
            let token = scan.next()?;
            let ended = token == Token::End;
            tokens.push((column, token));
            if ended {
                return Ok(Self { language, tokens, at: 0, regexes: 0 });
            }
        }
    }

    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(_, token)| token)
    }

    /// The token, which is then behind.
    pub(super) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    /// Takes that sign if it is next.
    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Token::Sign(next) if *next == sign);
        self.at += usize::from(there);
        there
    }

    /// Takes that word if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Token::Word(next) if next == word);
        self.at += usize::from(there);
        there
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.wrong(format_args!("`{sign}`"))) }
    }

    pub(super) fn end(&self) -> Result<()> {
        if *self.peek() == Token::End { Ok(()) } else { Err(self.wrong("the end of the query")) }
    }

    /// The next token is not what is wanted.
    pub(super) fn wrong(&self, wanted: impl std::fmt::Display) -> Error {
        self.bad(format!("expected {wanted}, found {}", self.peek()))
    }

    /// Something is wrong at the next token.
    pub(super) fn bad(&self, message: impl std::fmt::Display) -> Error {
        self.error(ErrorKind::BadRequest, message)
    }

    /// The next token starts something that is not evaluated here.
    pub(super) fn unsupported(&self, what: impl std::fmt::Display) -> Error {
        self.error(ErrorKind::Unsupported, format_args!("{what} is not supported here"))
    }

    fn error(&self, kind: ErrorKind, message: impl std::fmt::Display) -> Error {
        let column = self.tokens.get(self.at).or_else(|| self.tokens.last()).map_or(1, |(column, _)| *column);
        Error::new(kind, self.language, format!("column {column}: {message}"))
    }

    /// Takes a string.
    pub(super) fn text(&mut self) -> Result<String> {
        match self.peek() {
            Token::Text(text) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.wrong("a string")),
        }
    }

    /// Takes a string and compiles it as a regex, which must match all of a value if it is `anchored`.
    pub(super) fn regex(&mut self, anchored: bool) -> Result<Regex> {
        let Token::Text(pattern) = self.peek() else { return Err(self.wrong("a string with a regex")) };
        if self.regexes >= MAX_REGEXES {
            return Err(self.bad(format_args!("more than {MAX_REGEXES} regexes")));
        }
        let pattern = if anchored { format!("^(?s:{pattern})$") } else { pattern.clone() };
        let regex =
            RegexBuilder::new(&pattern).size_limit(MAX_REGEX_SIZE).build().map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => self.bad("the regex is too large"),
                error => self.bad(format_args!("the regex does not compile: {error}")),
            })?;
        self.at += 1;
        Ok(regex)
    }
}

/// The text of a string literal between double quotes, quotes or backticks.
pub(super) fn unquote(literal: &str) -> Option<String> {
    // The parser's crate panics on an escape of what is not ASCII.
    let mut escaped = false;
    let foreign = !literal.starts_with('`')
        && literal.chars().any(|letter| {
            let foreign = escaped && !letter.is_ascii();
            escaped = letter == '\\' && !escaped;
            foreign
        });
    if foreign { None } else { promql_parser::util::unquote_string(literal).ok() }
}

struct Scan<'a> {
    language: &'static str,
    rest: &'a str,
    column: usize,
}

impl<'a> Scan<'a> {
    fn bad(&self, message: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::BadRequest, self.language, format!("column {}: {message}", self.column))
    }

    fn skip_space(&mut self) {
        let trimmed = self.rest.trim_start();
        let skipped = self.rest.len() - trimmed.len();
        self.advance(skipped);
    }

    /// Cuts off the next bytes, which must end between characters.
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.column += taken.chars().count();
        taken
    }

    fn next(&mut self) -> Result<Token> {
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        if matches!(first, '"' | '`') {
            return self.string(first);
        }
        let negative = first == '-' && self.rest.chars().nth(1).is_some_and(|next| next.is_ascii_digit());
        if first.is_ascii_digit() || negative {
            return self.number();
        }
        if first.is_alphabetic() || matches!(first, '_' | '.') {
            let part =
                |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-' | ':' | '/');
            let end = self.rest.find(|letter| !part(letter)).unwrap_or(self.rest.len());
            return Ok(Token::Word(self.advance(end).to_owned()));
        }
        match SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
            Some(sign) => {
                self.advance(sign.len());
                Ok(Token::Sign(sign))
            }
            None => Err(self.bad(format_args!("unexpected `{}`", first.escape_debug()))),
        }
    }

    fn string(&mut self, quote: char) -> Result<Token> {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, letter)| {
            let closes = *letter == quote && !escaped;
            escaped = quote == '"' && *letter == '\\' && !escaped;
            closes
        });
        let Some((end, _)) = end else { return Err(self.bad("the string is not closed")) };
        let literal = self.rest.get(..=end).unwrap_or_default();
        let text = unquote(literal)
            .ok_or_else(|| self.bad("the string has an unknown escape; write a regex between backticks"))?;
        self.advance(end + 1);
        Ok(Token::Text(text))
    }

    /// A number, or a duration such as `1h30m` or `1.5s`.
    fn number(&mut self) -> Result<Token> {
        let sign = if self.rest.starts_with('-') { -1.0 } else { 1.0 };
        let start = self.rest.len() - self.rest.trim_start_matches('-').len();
        let (mut nanos, mut at, mut parts) = (0.0, start, 0);
        loop {
            let rest = self.rest.get(at..).unwrap_or_default();
            let digits =
                rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            if digits == 0 {
                break;
            }
            let (number, rest) = rest.split_at(digits);
            let number: f64 =
                number.parse().map_err(|_| self.bad(format_args!("`{number}` is not a number")))?;
            let unit_end = rest.find(|letter: char| !letter.is_alphabetic()).unwrap_or(rest.len());
            let (unit, _) = rest.split_at(unit_end);
            if unit.is_empty() && parts == 0 {
                self.advance(at + digits);
                return Ok(Token::Number(sign * number));
            }
            let Some((_, scale)) = NANOS.iter().find(|(name, _)| *name == unit) else {
                return Err(self.bad(format_args!("`{unit}` is not a unit of time")));
            };
            nanos += number * scale;
            parts += 1;
            at += digits + unit_end;
        }
        if nanos > 1e18 {
            return Err(self.bad("the duration is out of bounds"));
        }
        self.advance(at);
        Ok(Token::Duration((sign * nanos) as i64))
    }
}
