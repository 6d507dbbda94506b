use std::collections::BTreeMap;

use serde::Serialize;

use super::{Interval, Outcome, Reliability, interval};

/// Confidence above which no answer should be wrong.
const SURE: f64 = 0.9;

/// What a set of outcomes comes to. Parts without cases are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    pub cases: usize,
    /// Cases that could not be opened or answered; each counts as a wrong answer.
    pub no_answer: usize,
    #[serde(flatten)]
    pub ranking: Option<Ranking>,
    #[serde(flatten)]
    pub confidence: Option<Confidence>,
    #[serde(flatten)]
    pub commits: Option<Commits>,
    /// Share of healthy cases in which no cause is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_right: Option<f64>,
    #[serde(flatten)]
    pub retrieval: Option<Retrieval>,
    #[serde(flatten)]
    pub seconds: Option<Seconds>,
    /// Where each share lies with 95 % confidence (Wilson), by its key.
    pub intervals: BTreeMap<&'static str, Interval>,
}

/// How well services are ranked; healthy cases aside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// Share of cases whose true service is the first, or among the first three or five.
    pub ac1: f64,
    pub ac3: f64,
    pub ac5: f64,
    /// Mean of AC@1 to AC@5.
    pub avg5: f64,
    /// Mean of one over the rank.
    pub mrr: f64,
}

/// Whether confidence is worth its name; healthy cases aside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Confidence {
    pub brier: f64,
    pub ece: f64,
    /// Mean confidence of the first hypothesis.
    pub mean_confidence: f64,
    /// Wrong answers of which quell was surer than 90 %, healthy cases included.
    pub wrong_above90: usize,
}

/// Cases with a known commit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Commits {
    pub commit: f64,
    pub decoy_hits: usize,
    pub first_failing: f64,
    pub blast_jaccard: f64,
    pub remediation: f64,
    pub graded: f64,
}

/// Proposing and ranking, told apart; healthy cases aside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Retrieval {
    /// Share of cases in which the true service is proposed at all.
    pub retrieval: f64,
    /// Share in which it is among the first services proposed, before any test.
    pub retrieval1: f64,
    pub retrieval3: f64,
    pub retrieval5: f64,
    /// Share in which it ends up first, of those in which it is proposed; `None` when it never is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank1: Option<f64>,
}

/// Time per case, loading included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seconds {
    #[serde(rename = "secondsMedian")]
    pub median: f64,
    #[serde(rename = "secondsMax")]
    pub max: f64,
}

impl Figures {
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let all: Vec<&Outcome> = outcomes.into_iter().collect();
        let faulty: Vec<&Outcome> = all.iter().copied().filter(|outcome| !outcome.healthy).collect();
        let healthy: Vec<&Outcome> = all.iter().copied().filter(|outcome| outcome.healthy).collect();
        let mut counted = Counted::default();
        Self {
            cases: all.len(),
            no_answer: all.iter().filter(|outcome| outcome.failure.is_some()).count(),
            ranking: ranking(&faulty, &mut counted),
            confidence: confidence(&faulty, &all),
            commits: commits(&faulty, &mut counted),
            healthy_right: counted.share("healthyRight", &healthy, |outcome| outcome.right),
            retrieval: retrieval(&faulty, &mut counted),
            seconds: seconds(&all),
            intervals: counted.intervals,
        }
    }

    /// A figure by its key in the JSON output.
    pub fn get(&self, key: &str) -> Option<f64> {
        serde_json::to_value(self).ok()?.get(key)?.as_f64()
    }
}

/// Counts, and remembers how sure each count is.
#[derive(Default)]
struct Counted {
    intervals: BTreeMap<&'static str, Interval>,
}

impl Counted {
    fn share<T>(&mut self, key: &'static str, all: &[T], holds: impl Fn(&T) -> bool) -> Option<f64> {
        let count = all.iter().filter(|item| holds(item)).count();
        self.intervals.insert(key, interval(count, all.len())?);
        Some(count as f64 / all.len() as f64)
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

fn ranking(faulty: &[&Outcome], counted: &mut Counted) -> Option<Ranking> {
    let within = |most: usize| move |outcome: &&Outcome| outcome.rank.is_some_and(|rank| rank <= most);
    let ac1 = counted.share("ac1", faulty, within(1))?;
    let ac3 = counted.share("ac3", faulty, within(3))?;
    let ac5 = counted.share("ac5", faulty, within(5))?;
    let at = |most: usize| {
        faulty.iter().copied().filter(|one| within(most)(one)).count() as f64 / faulty.len() as f64
    };
    let avg5 = mean([1, 2, 3, 4, 5].into_iter().map(at))?;
    let mrr = mean(faulty.iter().map(|outcome| outcome.rank.map_or(0.0, |rank| 1.0 / rank as f64)))?;
    Some(Ranking { ac1, ac3, ac5, avg5, mrr })
}

fn confidence(faulty: &[&Outcome], all: &[&Outcome]) -> Option<Confidence> {
    let said = said(faulty);
    let reliability = Reliability::of(&said)?;
    Some(Confidence {
        brier: reliability.brier,
        ece: reliability.ece,
        mean_confidence: mean(said.iter().map(|(said, _)| *said))?,
        wrong_above90: all.iter().filter(|outcome| outcome.is_wrong_above(SURE)).count(),
    })
}

/// Confidence and truth of each answer that has any.
pub(super) fn said(faulty: &[&Outcome]) -> Vec<(f64, bool)> {
    faulty.iter().filter_map(|outcome| Some((outcome.probability?, outcome.right))).collect()
}

fn commits(faulty: &[&Outcome], counted: &mut Counted) -> Option<Commits> {
    let cases: Vec<_> = faulty.iter().filter_map(|outcome| outcome.commit.as_ref()).collect();
    let commit = counted.share("commit", &cases, |case| case.right)?;
    Some(Commits {
        commit,
        decoy_hits: cases.iter().filter(|case| case.decoy).count(),
        first_failing: counted.share("firstFailing", &cases, |case| case.first_failing)?,
        blast_jaccard: mean(cases.iter().map(|case| case.blast_jaccard))?,
        remediation: counted.share("remediation", &cases, |case| case.remediation)?,
        graded: mean(cases.iter().map(|case| case.graded))?,
    })
}

fn retrieval(faulty: &[&Outcome], counted: &mut Counted) -> Option<Retrieval> {
    let within = |most: usize| move |outcome: &&Outcome| outcome.proposed.is_some_and(|place| place <= most);
    let proposed: Vec<&&Outcome> = faulty.iter().filter(|outcome| outcome.proposed.is_some()).collect();
    Some(Retrieval {
        retrieval: counted.share("retrieval", faulty, within(usize::MAX))?,
        retrieval1: counted.share("retrieval1", faulty, within(1))?,
        retrieval3: counted.share("retrieval3", faulty, within(3))?,
        retrieval5: counted.share("retrieval5", faulty, within(5))?,
        rerank1: counted.share("rerank1", &proposed, |outcome| outcome.rank == Some(1)),
    })
}

fn seconds(all: &[&Outcome]) -> Option<Seconds> {
    let mut seconds: Vec<f64> = all.iter().map(|outcome| outcome.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let at = |place: usize| seconds.get(place).copied();
    let upper = at(seconds.len() / 2)?;
    let lower = if seconds.len().is_multiple_of(2) { at(seconds.len() / 2 - 1)? } else { upper };
    Some(Seconds { median: f64::midpoint(lower, upper), max: at(seconds.len() - 1)? })
}
