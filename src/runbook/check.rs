use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use quell_sdk::signal::Window;

use super::{
    At, Check, Expect, Truth, Vars, Verify, bind,
    bind::show,
    finding::printable,
    judge::{Observation, Row, quantile},
    observe::{Asked, Level, Question, Reading, observe},
};
use crate::{
    domain::{Completeness, Language, Number},
    investigation::Sources,
};

/// The moments that a check is about.
#[derive(Clone, Copy, Debug)]
pub struct CheckTimes {
    pub onset: Timestamp,
    pub now: Timestamp,
    /// When things were normal.
    pub baseline: Window,
    /// From the onset until now.
    pub incident: Window,
}

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

/// Asks the configured sources a runbook's question. Any source that can decide does; if none can, the
/// outcome is unknown and says why. Takes as long as the sources take: callers set the deadline.
pub async fn evaluate(check: &Check, vars: &Vars, sources: &Sources, times: CheckTimes) -> CheckOutcome {
    let (window, level) = match check.at {
        At::Now => (now_window(&check.expect, times), Level::Since(recent(times.now))),
        At::Onset => (onset_window(times.onset), Level::Last),
    };
    let ask = Ask {
        id: &check.id,
        language: check.language,
        query: &check.query,
        expect: &check.expect,
        window,
        level,
        hold: None,
    };
    ask.run(vars, sources, times).await
}

/// Asks whether what a step was to bring has come true: every sample of every series within the last
/// `hold` has to satisfy the expectation.
pub async fn evaluate_verify(
    verify: &Verify,
    vars: &Vars,
    sources: &Sources,
    times: CheckTimes,
) -> CheckOutcome {
    let hold = verify.hold.max(Duration::from_secs(60));
    let ask = Ask {
        id: &verify.id,
        language: verify.language,
        query: &verify.query,
        expect: &verify.expect,
        window: Window::ending_at(times.now, hold),
        level: Level::Each,
        hold: Some(hold),
    };
    ask.run(vars, sources, times).await
}

/// `now` is the last five minutes.
fn recent(now: Timestamp) -> i64 {
    Window::ending_at(now, Duration::from_secs(300)).start_nanos()
}

fn now_window(expect: &Expect, times: CheckTimes) -> Window {
    // a rise shows only over some time
    let least = Duration::from_secs(if matches!(expect, Expect::Increasing) { 600 } else { 10 });
    let start = times.incident.start.min(Window::ending_at(times.now, least).start);
    Window::new(start, times.now)
}

/// Just before the onset, with the little after it that sampling needs to show what happened before.
fn onset_window(onset: Timestamp) -> Window {
    let end = onset.saturating_add(Duration::from_secs(30)).unwrap_or(onset);
    Window::ending_at(end, Duration::from_secs(330))
}

struct Ask<'a> {
    id: &'a str,
    language: Language,
    query: &'a str,
    expect: &'a Expect,
    window: Window,
    level: Level,
    /// A verification: for how long it has to hold.
    hold: Option<Duration>,
}

/// One source's answer, judged.
struct Judged {
    source: String,
    truth: Truth,
    observation: Observation,
    completeness: Completeness,
    /// Why it is unknown.
    why: String,
}

impl Ask<'_> {
    async fn run(&self, vars: &Vars, sources: &Sources, times: CheckTimes) -> CheckOutcome {
        let query = match bind(self.query, vars, self.language) {
            Ok(query) => query,
            Err(error) => {
                let shown = show(self.query, vars, self.language).text;
                return self.unknown(shown, error.to_string());
            }
        };
        let asked = of_language(sources, self.language);
        if asked.is_empty() {
            let why = match self.language {
                Language::Promql => "no source of metrics is configured".to_owned(),
                Language::Logql => "no source of logs is configured".to_owned(),
                Language::Traceql => "no source of traces is configured".to_owned(),
                _ => "this check is for a person to make".to_owned(),
            };
            return self.unknown(query, why);
        }
        let service = vars.get("service").unwrap_or_default();
        let all = asked.iter().map(|source| self.judge(*source, &query, service, sources, times));
        let all = join_all(all).await;
        let best = all.iter().find(|judged| judged.truth != Truth::Unknown);
        let best = best.or_else(|| all.iter().find(|judged| !judged.observation.rows.is_empty()));
        let Some(best) = best else {
            let why: Vec<_> = all.iter().map(|judged| judged.why.as_str()).collect();
            let missing = all.iter().map(|judged| judged.completeness.clone()).reduce(Completeness::and);
            let mut outcome = self.unknown(query, why.join("; "));
            outcome.completeness = missing.unwrap_or(outcome.completeness);
            return outcome;
        };
        self.outcome(query, best)
    }

    async fn judge(
        &self,
        source: Asked<'_>,
        query: &str,
        service: &str,
        sources: &Sources,
        times: CheckTimes,
    ) -> Judged {
        let question = Question { query, service, window: self.window };
        let now = match source.read(question).await {
            Ok(now) => now,
            Err(error) => {
                return Judged {
                    source: source.name().to_owned(),
                    truth: Truth::Unknown,
                    observation: Observation::default(),
                    completeness: Completeness::missing(error.to_string()),
                    why: error.to_string(),
                };
            }
        };
        let baseline = if self.expect.needs_baseline() {
            self.baseline(source, question, sources, times).await
        } else {
            None
        };
        let observation = observe(&now, baseline.as_ref(), self.level);
        let mut truth = match self.hold {
            Some(_) => self.expect.judge_every(&observation),
            None => self.expect.judge(&observation),
        };
        let mut why = self.why_unknown(&now, &observation, baseline.as_ref());
        if truth == Truth::True && !self.covers(&now) {
            truth = Truth::Unknown;
            "it holds, but not yet for long enough".clone_into(&mut why);
        }
        let why = format!("{}: {why}", source.name());
        Judged { source: source.name().to_owned(), truth, observation, completeness: now.completeness, why }
    }

    /// The answer from normal times: from the same source, else from the healthy recording.
    async fn baseline(
        &self,
        source: Asked<'_>,
        question: Question<'_>,
        sources: &Sources,
        times: CheckTimes,
    ) -> Option<Reading> {
        let usable = |reading: &Reading| {
            let mut points = reading.series.iter().flat_map(|(_, points)| points);
            reading.count.is_some() || points.any(|point| point.value.is_finite())
        };
        let own = source.read(Question { window: times.baseline, ..question }).await.ok().filter(usable);
        if own.is_some() {
            return own;
        }
        let reference = sources.reference.as_ref()?;
        for source in of_language(&reference.sources, self.language) {
            let reading = source.read(Question { window: reference.window, ..question }).await;
            if let Some(reading) = reading.ok().filter(usable) {
                return Some(reading);
            }
        }
        None
    }

    /// Whether the samples of a verification reach back over most of the time for which it has to hold.
    fn covers(&self, now: &Reading) -> bool {
        let Some(hold) = self.hold else { return true };
        if now.count.is_some() || matches!(self.expect, Expect::Absent) {
            return true;
        }
        let slack = i64::try_from(hold.as_nanos() / 4).unwrap_or(i64::MAX);
        let latest_start = self.window.start_nanos().saturating_add(slack);
        let first = now.series.iter().flat_map(|(_, points)| points.first()).map(|point| point.at).min();
        first.is_some_and(|first| first <= latest_start)
    }

    fn why_unknown(&self, now: &Reading, observation: &Observation, baseline: Option<&Reading>) -> String {
        if let Some(reason) = now.completeness.reason() {
            format!("the answer is not complete: {reason}")
        } else if observation.rows.is_empty() {
            "no data".to_owned()
        } else if self.expect.needs_baseline() && baseline.is_none() {
            "no data from before the incident to compare with".to_owned()
        } else {
            "too little data to judge".to_owned()
        }
    }

    fn outcome(&self, query: String, judged: &Judged) -> CheckOutcome {
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

    fn unknown(&self, query: String, why: String) -> CheckOutcome {
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

fn of_language(sources: &Sources, language: Language) -> Vec<Asked<'_>> {
    match language {
        Language::Promql => sources.metrics.iter().map(|source| Asked::Metrics(source.as_ref())).collect(),
        Language::Logql => sources.logs.iter().map(|source| Asked::Logs(source.as_ref())).collect(),
        Language::Traceql => sources.traces.iter().map(|source| Asked::Traces(source.as_ref())).collect(),
        Language::Change | Language::Sh | Language::Text | Language::None => Vec::new(),
    }
}

fn numbers_text(numbers: &[Number]) -> String {
    let text = |number: &Number| {
        let Number { name, value, unit } = number;
        let rounded = format!("{value:.4}");
        let rounded = rounded.trim_end_matches('0').trim_end_matches('.');
        let rounded =
            if value.abs() >= 1e-4 || *value == 0.0 { rounded.to_owned() } else { format!("{value:e}") };
        format!("{name} {rounded}{}{unit}", if unit.is_empty() || unit.starts_with('/') { "" } else { " " })
    };
    numbers.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
