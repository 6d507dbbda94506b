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
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("> 0", "> 0")]
    #[case(">=0.95", ">= 0.95")]
    #[case("< 500ms", "< 500ms")]
    #[case("== 1", "== 1")]
    #[case("> 90 %", "> 90%")]
    #[case("> 1e-3", "> 0.001")]
    #[case("  p99.9   > 1.5s ", "p99.9 > 1.5s")]
    #[case("p95 > 3x baseline", "p95 > 3x baseline")]
    #[case("> 2.5 x baseline", "> 2.5x baseline")]
    #[case("matches /(?i)out of memory/", "matches /(?i)out of memory/")]
    #[case("absent", "absent")]
    fn parses_to_its_plain_form(#[case] text: &str, #[case] plain: &str) {
        assert_eq!(Expect::parse(text).unwrap().to_string(), plain);
    }

    #[rstest]
    #[case("", "is empty")]
    #[case("high", "`high` is not one of")]
    #[case("> lots", "`` is not a number")]
    #[case("> 5 parsecs", "unit `parsecs` is not known")]
    #[case("p100 > 1", "percentile `p100`")]
    #[case("p0 > 1", "percentile `p0`")]
    #[case("matches foo", "between slashes")]
    #[case("matches /(/", "does not compile")]
    #[case("> NaN", "is not a number")]
    #[case("> 1e999", "`1e999` is not a number")]
    fn says_what_is_wrong(#[case] text: &str, #[case] message: &str) {
        let error = Expect::parse(text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn units_convert_to_base_units() {
        let value = |text: &str| match Expect::parse(text).unwrap() {
            Expect::Compare { bound: Bound::Fixed(quantity), .. } => quantity.value(),
            other => panic!("{other}"),
        };
        assert_eq!(value("> 250ms"), 0.25);
        assert_eq!(value("> 2h"), 7200.0);
        assert_eq!(value("> 1MiB"), 1_048_576.0);
        assert!((value("> 90%") - 0.9).abs() < 1e-12);
    }

    fn any_expect() -> impl Strategy<Value = Expect> {
        let number = prop_oneof![any::<i32>().prop_map(f64::from), -1e9..1e9_f64, 1e-12..1e-3_f64];
        let bound = prop_oneof![
            (number.clone(), 0..Unit::ALL.len())
                .prop_map(|(number, unit)| Bound::Fixed(Quantity { number, unit: Unit::ALL[unit] })),
            number.prop_map(Bound::Baseline),
        ];
        let quantile = proptest::option::of(0.1..99.9_f64);
        prop_oneof![
            Just(Expect::Absent),
            Just(Expect::Present),
            Just(Expect::Increasing),
            "[a-z /.|*+]{0,20}"
                .prop_filter_map("compiles", |text| Regex::new(&text).ok().map(Expect::Matches)),
            (quantile, 0..Op::ALL.len(), bound).prop_map(|(quantile, op, bound)| Expect::Compare {
                quantile,
                op: Op::ALL[op],
                bound
            }),
        ]
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(expect in any_expect()) {
            let text = expect.to_string();
            // a regular expression's outer blanks are not kept
            prop_assume!(!text.contains("/ ") && !text.contains(" /") || !matches!(expect, Expect::Matches(_)));
            prop_assert_eq!(Expect::parse(&text).unwrap(), expect);
        }

        #[test]
        fn never_panics(text in "\\PC{0,60}") {
            if let Ok(expect) = Expect::parse(&text) {
                prop_assert_eq!(Expect::parse(&expect.to_string()).unwrap(), expect);
            }
        }
    }
}
