use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use quell_sdk::signal::Window;

use super::{
    At, Check, CheckOutcome, Expect, Truth, Vars, Verify, bind,
    bind::show,
    judge::Observation,
    observe::{Asked, Level, Question, Reading, observe},
    outcome::{Ask, Judged},
};
use crate::{
    domain::{Completeness, Language},
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

/// Asks the configured sources a runbook's question. Any source that can decide does; if none can, the
/// outcome is unknown and says why. Takes as long as the sources take: callers set the deadline.
pub async fn evaluate(check: &Check, vars: &Vars, sources: &Sources, times: CheckTimes) -> CheckOutcome {
    let (window, level) = match check.at {
        At::Now => (now_window(&check.expect, times), Level::Since(recent(times))),
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

/// What counts as now: the newest third of the incident, so that a page right after the onset is not judged
/// by samples from before it, and never more than five minutes.
fn recent(times: CheckTimes) -> i64 {
    let third = (times.incident.length() / 3).min(Duration::from_secs(300));
    Window::ending_at(times.now, third).start_nanos()
}

fn now_window(expect: &Expect, times: CheckTimes) -> Window {
    // a rise shows only over some time
    let least = Duration::from_secs(if matches!(expect, Expect::Increasing) { 600 } else { 1 });
    let start = times.incident.start.min(Window::ending_at(times.now, least).start);
    Window::new(start, times.now)
}

/// Just before the onset, with the little after it that sampling needs to show what happened before.
fn onset_window(onset: Timestamp) -> Window {
    let end = onset.saturating_add(Duration::from_secs(30)).unwrap_or(onset);
    Window::ending_at(end, Duration::from_secs(330))
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
}

fn of_language(sources: &Sources, language: Language) -> Vec<Asked<'_>> {
    match language {
        Language::Promql => sources.metrics.iter().map(|source| Asked::Metrics(source.as_ref())).collect(),
        Language::Logql => sources.logs.iter().map(|source| Asked::Logs(source.as_ref())).collect(),
        Language::Traceql => sources.traces.iter().map(|source| Asked::Traces(source.as_ref())).collect(),
        Language::Change | Language::Sh | Language::Text | Language::None => Vec::new(),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
