use std::time::Duration;

use quell_sdk::signal::Window;

use super::{
    Expect, Truth,
    finding::printable,
    judge::{Observation, Row, quantile},
    observe::Level,
};
use crate::domain::{Completeness, Language, Number};

/// What a check came to, ready to become evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckOutcome {
    /// Id of the check or verification.
    pub id: String,
    pub truth: Truth,
    pub language: Language,
    /// Variables filled in; those without a value stand as `<name>`.
    pub query: String,
    /// The source that decided, or that answered at all; empty when none did.
    pub source: String,
    pub window: Window,
    /// Of the series that decided.
    pub observed: Vec<Number>,
    /// The same numbers when things were normal; empty when the expectation needs none.
    pub baseline: Vec<Number>,
    pub completeness: Completeness,
    /// The outcome in words, with the reason where it is unknown.
    pub summary: String,
}

pub(super) struct Ask<'a> {
    pub(super) id: &'a str,
    pub(super) language: Language,
    pub(super) query: &'a str,
    pub(super) expect: &'a Expect,
    pub(super) window: Window,
    pub(super) level: Level,
    /// A verification: for how long it has to hold.
    pub(super) hold: Option<Duration>,
}

/// One source's answer, judged.
pub(super) struct Judged {
    pub(super) source: String,
    pub(super) truth: Truth,
    pub(super) observation: Observation,
    pub(super) completeness: Completeness,
    /// Why it is unknown.
    pub(super) why: String,
}

impl Ask<'_> {
    pub(super) fn outcome(&self, query: String, judged: &Judged) -> CheckOutcome {
        let (observed, baseline) = self.numbers(&judged.observation, judged.truth);
        let mut summary = numbers_text(&observed);
        if !baseline.is_empty() {
            summary = format!("{summary}, normally {}", numbers_text(&baseline));
        }
        if summary.is_empty() {
            let texts = judged.observation.texts.len();
            summary = if texts == 0 { "nothing found".to_owned() } else { format!("{texts} texts") };
        }
        if let Expect::Matches(regex) = self.expect
            && let Some(text) = judged.observation.texts.iter().find(|text| regex.is_match(text))
        {
            summary = format!("{summary}, e.g. `{}`", printable(text, 160));
        }
        summary = format!("{summary}; expected {}: {}", self.expect, judged.truth.as_str());
        if judged.truth == Truth::Unknown {
            summary = format!("{summary} ({})", judged.why);
        }
        CheckOutcome {
            id: self.id.to_owned(),
            truth: judged.truth,
            language: self.language,
            query,
            source: judged.source.clone(),
            window: self.window,
            observed,
            baseline,
            completeness: judged.completeness.clone(),
            summary: printable(&summary, 600),
        }
    }

    /// The numbers of the row that decided: the first that gives this outcome, else the first.
    fn numbers(&self, observation: &Observation, truth: Truth) -> (Vec<Number>, Vec<Number>) {
        let alone = |row: &Row| {
            let rows = vec![row.clone()];
            let Observation { complete, sampled, .. } = *observation;
            self.expect.judge(&Observation { rows, texts: Vec::new(), complete, sampled })
        };
        let rows = &observation.rows;
        let Some(row) = rows.iter().find(|row| alone(row) == truth).or_else(|| rows.first()) else {
            return (Vec::new(), Vec::new());
        };
        let (name, unit) = match (self.expect, self.language) {
            (Expect::Compare { quantile: Some(percent), .. }, Language::Traceql) => {
                (format!("p{percent}"), "s")
            }
            (Expect::Compare { quantile: Some(percent), .. }, _) => (format!("p{percent}"), ""),
            (_, Language::Traceql) => ("spans".to_owned(), "/min"),
            (_, Language::Logql) if self.query.trim_start().starts_with('{') => ("lines".to_owned(), "/min"),
            _ => (format!("value{}", row.name), ""),
        };
        let number =
            |value: Option<f64>| value.map(|value| Number::new(&name, value, unit)).into_iter().collect();
        match self.expect {
            Expect::Compare { quantile: Some(percent), .. } => {
                (number(quantile(&row.samples, *percent)), number(quantile(&row.baseline, *percent)))
            }
            Expect::Increasing => {
                let ends = [("first", row.samples.first()), ("last", row.samples.last())];
                let ends = ends.into_iter().filter_map(|(name, value)| Some(Number::new(name, *value?, "")));
                (ends.collect(), Vec::new())
            }
            _ => (number(row.level), number(row.baseline_level.filter(|_| self.expect.needs_baseline()))),
        }
    }

    pub(super) fn unknown(&self, query: String, why: String) -> CheckOutcome {
        CheckOutcome {
            id: self.id.to_owned(),
            truth: Truth::Unknown,
            language: self.language,
            query,
            source: String::new(),
            window: self.window,
            observed: Vec::new(),
            baseline: Vec::new(),
            summary: printable(&format!("expected {}: unknown ({why})", self.expect), 600),
            completeness: Completeness::missing(printable(&why, 300)),
        }
    }
}

fn numbers_text(numbers: &[Number]) -> String {
    let text = |number: &Number| {
        let Number { name, value, unit } = number;
        let rounded = format!("{value:.4}");
        let rounded = rounded.trim_end_matches('0').trim_end_matches('.');
        let rounded =
            if value.abs() >= 1e-4 || *value == 0.0 { rounded.to_owned() } else { format!("{value:.2e}") };
        format!("{name} {rounded}{}{unit}", if unit.is_empty() || unit.starts_with('/') { "" } else { " " })
    };
    numbers.iter().map(text).collect::<Vec<_>>().join(", ")
}
