use std::{collections::BTreeMap, sync::Arc};

use super::{Library, Runbook, model::Pattern};
use crate::domain::{Alert, FaultClass};

/// What a runbook is looked for with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Alerts of the incident.
    pub alerts: &'a [Alert],
    /// The alerted or suspected service; may be empty.
    pub service: &'a str,
    /// Fault classes under suspicion.
    pub faults: &'a [FaultClass],
    /// More words: symptoms, log templates. Hostile text is welcome.
    pub text: &'a str,
    /// Most runbooks to return.
    pub limit: usize,
}

/// A runbook that applies, and why.
#[derive(Clone, Debug)]
pub struct Match {
    pub runbook: Arc<Runbook>,
    /// Comparable within one answer only; greater is better.
    pub score: f64,
    /// Strongest reason first.
    pub because: Vec<String>,
}

/// Weights of the reasons. An alert that names its runbook settles it; words alone never outweigh a rule.
const URL: f64 = 40.0;
const ALERT_EXACT: f64 = 30.0;
const ALERT_REGEX: f64 = 24.0;
const SERVICE: f64 = 8.0;
const LABELS: f64 = 6.0;
const FAULT: f64 = 10.0;
const WORDS: f64 = 9.0;
/// The score of the search at which words weigh half of that.
const WORDS_HALF: f64 = 4.0;
/// Less than this of the best match by words is chance.
const WORDS_LEAST: f64 = 0.25;

impl Library {
    /// Runbooks that the query calls for, best first; equal scores in the order of their ids.
    pub fn matching(&self, query: &Query<'_>) -> Vec<Match> {
        self.matching_of(query, |_| true)
    }

    /// The same among those of the native format: only they have hypotheses to test. Plain ones beside them change
    /// nothing of the answer.
    pub fn matching_native(&self, query: &Query<'_>) -> Vec<Match> {
        self.matching_of(query, |runbook| runbook.imported.is_none())
    }

    /// Plain runbooks that alerts call, by their `runbook_url` or by their names: at most two.
    pub fn called(&self, alerts: &[Alert]) -> Vec<Arc<Runbook>> {
        let plain = self.runbooks().iter().filter(|runbook| runbook.imported.is_some());
        let mut called: Vec<_> = plain
            .filter_map(|runbook| {
                let by_url = alerts.iter().any(|alert| names(alert, runbook).is_some());
                let rules = &runbook.match_rules.alerts;
                let by_name = alerts.iter().any(|alert| rules.iter().any(|rule| rule.matches(alert.name())));
                (by_url || by_name).then_some((!by_url, runbook))
            })
            .collect();
        called.sort_by_key(|(by_name, _)| *by_name);
        called.into_iter().take(2).map(|(_, runbook)| Arc::clone(runbook)).collect()
    }

    fn matching_of(&self, query: &Query<'_>, counts: impl Fn(&Runbook) -> bool) -> Vec<Match> {
        let mut found: BTreeMap<usize, Vec<(f64, String)>> = BTreeMap::new();
        for (at, runbook) in self.runbooks().iter().enumerate().filter(|(_, runbook)| counts(runbook)) {
            let reasons = by_rules(runbook, query);
            if !reasons.is_empty() {
                found.insert(at, reasons);
            }
        }
        let mut words = self.search(&text_of(query));
        words.retain(|at, _| self.runbooks().get(*at).is_some_and(|runbook| counts(runbook)));
        let best = words.values().copied().fold(0.0, f64::max);
        // one word in common is a weaker reason than many
        let strength = best / (best + WORDS_HALF);
        for (at, score) in words {
            let share = if best > 0.0 { score / best } else { 0.0 };
            if share >= WORDS_LEAST {
                found
                    .entry(at)
                    .or_default()
                    .push((WORDS * share * strength, "words of the alert".to_owned()));
            }
        }
        let mut matches: Vec<Match> = found
            .into_iter()
            .filter_map(|(at, mut reasons)| {
                reasons.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
                Some(Match {
                    runbook: Arc::clone(self.runbooks().get(at)?),
                    score: reasons.iter().map(|(weight, _)| weight).sum(),
                    because: reasons.into_iter().map(|(_, because)| because).collect(),
                })
            })
            .collect();
        matches.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.runbook.id.cmp(&b.runbook.id)));
        matches.truncate(query.limit);
        matches
    }
}

fn by_rules(runbook: &Runbook, query: &Query<'_>) -> Vec<(f64, String)> {
    let rules = &runbook.match_rules;
    let mut reasons = Vec::new();
    if let Some(url) = query.alerts.iter().find_map(|alert| names(alert, runbook)) {
        reasons.push((URL, format!("the alert's runbook_url ends in `{url}`")));
    }
    let pattern = query.alerts.iter().filter_map(|alert| {
        let matching = rules.alerts.iter().filter(|pattern| pattern.matches(alert.name()));
        matching.max_by_key(|pattern| pattern.is_exact()).filter(|_| !alert.name().is_empty())
    });
    if let Some(pattern) = pattern.max_by_key(|pattern| pattern.is_exact()) {
        reasons.push(match pattern {
            Pattern::Exact(name) => (ALERT_EXACT, format!("alert {name}")),
            Pattern::Regex(_) => (ALERT_REGEX, format!("alert like /{}/", pattern.as_str())),
        });
    }
    if rules.services.iter().any(|pattern| !query.service.is_empty() && pattern.matches(query.service)) {
        reasons.push((SERVICE, format!("service {}", query.service)));
    }
    let holds = |alert: &Alert| {
        rules.labels.iter().all(|(name, pattern)| alert.labels.get(name).is_some_and(|v| pattern.matches(v)))
    };
    if !rules.labels.is_empty() && query.alerts.iter().any(holds) {
        let names: Vec<_> = rules.labels.keys().map(String::as_str).collect();
        reasons.push((LABELS, format!("labels {}", names.join(", "))));
    }
    let suspected = query.faults.iter().filter(|fault| runbook.hypotheses_of(**fault).next().is_some());
    for (at, fault) in suspected.take(3).enumerate() {
        // the first hypothesis is what the runbook is about; the others are its rivals
        let leads = runbook.hypotheses.first().is_some_and(|first| first.fault == Some(*fault));
        let weight = if leads { FAULT } else { FAULT / 4.0 };
        reasons.push((weight / (1.0 + at as f64), format!("suspected: {}", fault.phrase())));
    }
    reasons
}

/// The last segment of the alert's `runbook_url` when it calls this runbook; a plain one has several names.
fn names(alert: &Alert, runbook: &Runbook) -> Option<String> {
    let url = alert.annotations.get("runbook_url")?.to_lowercase();
    let (path, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let path = path.split('?').next()?.trim_end_matches('/');
    let last = path.rsplit('/').next()?;
    let last = last.strip_suffix(".md").unwrap_or(last);
    // many runbooks in one file: #alert-name-kubepodcrashlooping
    let anchor = fragment.strip_prefix("alert-name-").unwrap_or(fragment);
    let imported = runbook.imported.as_ref();
    let calls = |name: &str| {
        !name.is_empty()
            && (name == runbook.id || imported.is_some_and(|imported| imported.aliases.contains(name)))
    };
    [last, anchor].into_iter().find(|name| calls(name)).map(str::to_owned)
}

fn text_of(query: &Query<'_>) -> String {
    const LONGEST: usize = 4_096;
    let alerts = query.alerts.iter().flat_map(|alert| {
        let words = alert.annotations.iter().filter(|(name, _)| !name.ends_with("url"));
        std::iter::once(alert.name()).chain(words.map(|(_, value)| value.as_str()))
    });
    let mut text = String::new();
    for part in alerts.chain([query.text]) {
        text.extend(part.chars().take(1_024));
        text.push(' ');
        if text.len() > LONGEST {
            break;
        }
    }
    text
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
