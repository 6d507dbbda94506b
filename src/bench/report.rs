use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Answered, Dataset, Figures, Interval, Outcome, Reliability, error::Result, figures::said, interval,
};

/// What a dataset, or several together, came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub dataset: String,
    #[serde(flatten)]
    pub figures: Figures,
    /// In order of fault type.
    pub by_fault: Vec<ByFault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reliability: Option<Reliability>,
    pub outcomes: Vec<Outcome>,
    /// Bundles without a label: answered for nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlabelled: Vec<String>,
}

/// Right answers among cases of one fault type.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ByFault {
    pub kind: String,
    pub cases: usize,
    pub right: usize,
    pub interval: Option<Interval>,
    /// Mean confidence of the first hypothesis; absent when no answer has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
}

impl Report {
    /// Reads the labels, now that everything is answered, and compares. Labels without a bundle are wrong
    /// answers.
    pub fn of(dataset: &Dataset, answers: &[Answered]) -> Result<Self> {
        let labels = dataset.labels()?;
        let known: BTreeMap<&str, &Answered> =
            answers.iter().map(|answered| (answered.case.as_str(), answered)).collect();
        let mut outcomes = Vec::new();
        let passed_over: BTreeSet<&str> =
            dataset.cases.iter().skip(dataset.limit).map(|(name, _)| name.as_str()).collect();
        let wanted = labels.iter().filter(|(case, _)| !passed_over.contains(case.as_str()));
        for (case, label) in wanted.take(dataset.limit) {
            let absent = || Answered {
                case: case.clone(),
                seconds: 0.0,
                answer: Err("labelled, but there is no bundle of that name".to_owned()),
            };
            let outcome = match known.get(case.as_str()) {
                Some(answered) => Outcome::of(answered, label),
                None => Outcome::of(&absent(), label),
            };
            outcomes.push(outcome);
        }
        let unlabelled = answers
            .iter()
            .map(|answered| answered.case.clone())
            .filter(|case| !labels.contains_key(case))
            .collect();
        Ok(Self { unlabelled, ..Self::from(dataset.name.clone(), outcomes) })
    }

    /// Several datasets as one.
    pub fn pooled(reports: &[Self]) -> Self {
        Self::from(
            "all".to_owned(),
            reports.iter().flat_map(|report| report.outcomes.iter().cloned()).collect(),
        )
    }

    fn from(dataset: String, outcomes: Vec<Outcome>) -> Self {
        let faulty: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.healthy).collect();
        Self {
            dataset,
            figures: Figures::of(&outcomes),
            by_fault: by_fault(&outcomes),
            reliability: Reliability::of(&said(&faulty)),
            unlabelled: Vec::new(),
            outcomes,
        }
    }

    /// Cases without an answer, with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.outcomes.iter().filter_map(|outcome| Some((outcome.case.as_str(), outcome.failure.as_deref()?)))
    }
}

fn by_fault(outcomes: &[Outcome]) -> Vec<ByFault> {
    let mut kinds: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        kinds.entry(&outcome.kind).or_default().push(outcome);
    }
    kinds
        .into_iter()
        .map(|(kind, outcomes)| {
            let right = outcomes.iter().filter(|outcome| outcome.right).count();
            let said = said(&outcomes);
            let sum: f64 = said.iter().map(|(said, _)| said).sum();
            ByFault {
                kind: kind.to_owned(),
                cases: outcomes.len(),
                right,
                interval: interval(right, outcomes.len()),
                mean_confidence: (!said.is_empty()).then(|| sum / said.len() as f64),
            }
        })
        .collect()
}
