use std::{fmt, str::FromStr};

use regex::Regex;

/// What a check or a verification expects of the answer.
///
/// ```text
/// expect  = "absent" | "present" | "increasing" | "matches /" regex "/" | [ quantile ] op bound
/// quantile = "p" number          a percentile over samples or durations, above 0 and below 100
/// op      = ">" | ">=" | "<" | "<=" | "==" | "!="
/// bound   = number [ unit ] | number "x baseline"
/// unit    = "%" | "ns" | "us" | "ms" | "s" | "m" | "h" | "d" | "B" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB"
/// ```
#[derive(Clone, Debug)]
pub enum Expect {
    /// A complete answer without data.
    Absent,
    /// An answer with data.
    Present,
    /// Values that rise over the time asked about.
    Increasing,
    /// A text that the regular expression finds.
    Matches(Regex),
    /// A number against a bound.
    Compare {
        /// Percentile, e.g. 95; none: the value itself.
        quantile: Option<f64>,
        op: Op,
        bound: Bound,
    },
}

impl Expect {
    pub fn parse(text: &str) -> Result<Self, ExpectError> {
        text.parse()
    }

    /// Whether it can only be judged against a baseline.
    pub fn needs_baseline(&self) -> bool {
        matches!(self, Self::Compare { bound: Bound::Baseline(_), .. })
    }
}

impl PartialEq for Expect {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("absent"),
            Self::Present => formatter.write_str("present"),
            Self::Increasing => formatter.write_str("increasing"),
            Self::Matches(regex) => write!(formatter, "matches /{regex}/"),
            Self::Compare { quantile, op, bound } => {
                if let Some(quantile) = quantile {
                    write!(formatter, "p{quantile} ")?;
                }
                write!(formatter, "{} {bound}", op.as_str())
            }
        }
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Op {
    // two characters before one, so that `>=` is not read as `>`
    const ALL: [Self; 6] =
        [Self::GreaterOrEqual, Self::LessOrEqual, Self::Equal, Self::NotEqual, Self::Greater, Self::Less];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether a greater value can only help.
    pub fn exceeds(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual)
    }

    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }
}

/// What a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    Fixed(Quantity),
    /// So many times what was normal.
    Baseline(f64),
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(quantity) => quantity.fmt(formatter),
            Self::Baseline(times) => write!(formatter, "{times}x baseline"),
        }
    }
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    pub number: f64,
    pub unit: Unit,
}

impl Quantity {
    /// In base units: seconds, bytes, or a plain ratio.
    pub fn value(self) -> f64 {
        self.number * self.unit.factor()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.number, self.unit.as_str())
    }
}

macro_rules! units {
    ($($variant:ident = $word:literal, $factor:expr;)+) => {
        /// Unit of a number in an expectation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Unit { $($variant,)+ }

        impl Unit {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Base units in one of it.
            pub fn factor(self) -> f64 {
                match self { $(Self::$variant => $factor,)+ }
            }
        }
    };
}

units! {
    One = "", 1.0;
    Percent = "%", 0.01;
    Nanoseconds = "ns", 1e-9;
    Microseconds = "us", 1e-6;
    Milliseconds = "ms", 1e-3;
    Seconds = "s", 1.0;
    Minutes = "m", 60.0;
    Hours = "h", 3600.0;
    Days = "d", 86_400.0;
    Bytes = "B", 1.0;
    Kilobytes = "KB", 1e3;
    Megabytes = "MB", 1e6;
    Gigabytes = "GB", 1e9;
    Terabytes = "TB", 1e12;
    Kibibytes = "KiB", 1024.0;
    Mebibytes = "MiB", 1_048_576.0;
    Gibibytes = "GiB", 1_073_741_824.0;
    Tebibytes = "TiB", 1_099_511_627_776.0;
}

/// Why an expectation does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpectError {
    #[error("is empty")]
    Empty,
    #[error("is longer than {} characters", ExpectError::LONGEST)]
    TooLong,
    #[error("`{0}` is not a number")]
    Number(String),
    #[error(
        "unit `{0}` is not known (known: %, ns, us, ms, s, m, h, d, B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)"
    )]
    Unit(String),
    #[error("percentile `p{0}` must be above 0 and below 100")]
    Quantile(String),
    #[error("`matches` wants /a regular expression/ between slashes")]
    Slashes,
    #[error("the regular expression does not compile: {0}")]
    Regex(String),
    #[error(
        "`{0}` is not one of: absent, present, increasing, matches /re/, [pNN] > number[unit], [pNN] > 3x baseline"
    )]
    Form(String),
}

impl ExpectError {
    const LONGEST: usize = 1_000;
}

impl FromStr for Expect {
    type Err = ExpectError;

    fn from_str(text: &str) -> Result<Self, ExpectError> {
        let text = text.trim();
        if text.len() > ExpectError::LONGEST {
            return Err(ExpectError::TooLong);
        }
        match text {
            "" => return Err(ExpectError::Empty),
            "absent" => return Ok(Self::Absent),
            "present" => return Ok(Self::Present),
            "increasing" => return Ok(Self::Increasing),
            _ => {}
        }
        if let Some(regex) = text.strip_prefix("matches ") {
            let regex = regex.trim();
            let regex = regex.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
            let regex = super::lint::regex(regex.ok_or(ExpectError::Slashes)?).map_err(ExpectError::Regex)?;
            return Ok(Self::Matches(regex));
        }
        let (quantile, rest) = match text.strip_prefix('p').and_then(|rest| rest.split_once(' ')) {
            Some((number, rest)) => (Some(quantile(number)?), rest.trim()),
            None => (None, text),
        };
        let compare =
            Op::ALL.into_iter().find_map(|op| rest.strip_prefix(op.as_str()).map(|rest| (op, rest)));
        let (op, rest) = compare.ok_or_else(|| ExpectError::Form(text.to_owned()))?;
        Ok(Self::Compare { quantile, op, bound: bound(rest.trim())? })
    }
}

fn quantile(text: &str) -> Result<f64, ExpectError> {
    let wrong = || ExpectError::Quantile(text.to_owned());
    let value: f64 = text.parse().map_err(|_| wrong())?;
    if value > 0.0 && value < 100.0 { Ok(value) } else { Err(wrong()) }
}

fn bound(text: &str) -> Result<Bound, ExpectError> {
    if let Some(times) = text.strip_suffix("baseline").and_then(|rest| rest.trim_end().strip_suffix('x')) {
        return number(times).map(Bound::Baseline);
    }
    // `e` belongs to the number where a digit or a sign follows it, as in 1e-3
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E' | '_')));
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let number = number(digits)?;
    let word = unit.trim();
    let unit = Unit::ALL.iter().copied().find(|known| known.as_str() == word);
    let unit = unit.ok_or_else(|| ExpectError::Unit(word.to_owned()))?;
    Ok(Bound::Fixed(Quantity { number, unit }))
}

fn number(text: &str) -> Result<f64, ExpectError> {
    let value: f64 = text.trim().parse().map_err(|_| ExpectError::Number(text.trim().to_owned()))?;
    if value.is_finite() { Ok(value) } else { Err(ExpectError::Number(text.trim().to_owned())) }
}

#[cfg(test)]
#[path = "expect_tests.rs"]
mod tests;
