//! Finds out which labels carry the suspects.

use std::collections::BTreeSet;

use futures::future::join_all;
use quell_sdk::{ErrorKind, Result};

use super::run::{OVERHEAD, Run};
use crate::{labels::suspect, plan::Carrier, promql::Rule};

/// Most labels that are tried.
const MAX_LABELS: usize = 12;

impl Run<'_> {
    /// The labels that name suspects, with the values that do, the most trusted label first.
    ///
    /// `/labels` over what matches under any candidate says which candidates exist at all; then the values
    /// of those few are asked for. With a small budget all candidates are returned as they are, since the
    /// series themselves will tell.
    pub(super) async fn locate(&mut self, rule: &Rule, suspects: &[String]) -> Result<Vec<Candidate>> {
        let (candidates, last_resort) = self.candidates(rule, suspects);
        let found = self.among(&candidates, suspects).await?;
        if !found.is_empty() || last_resort.is_empty() {
            return Ok(found);
        }
        self.among(&last_resort, suspects).await
    }

    async fn among(&mut self, labels: &[String], suspects: &[String]) -> Result<Vec<Candidate>> {
        let guesses =
            || -> Vec<Candidate> { labels.iter().map(|label| Candidate::unknown(label, suspects)).collect() };
        if self.spend.left() <= 2 * OVERHEAD || !self.spend.take() {
            return Ok(guesses());
        }
        let (client, window, until) = (self.source.client(), self.request.window, self.spend.until());
        let matches: Vec<String> = guesses().into_iter().map(|candidate| candidate.selector).collect();
        let said = match client.labels(until, &matches, window).await {
            Ok(said) => said,
            // Some products lack this endpoint; the series will tell.
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unsupported) => {
                return Ok(guesses());
            }
            Err(error) => return Err(error),
        };
        let present: BTreeSet<&str> = said.data.items.iter().map(String::as_str).collect();
        let candidates: Vec<Candidate> =
            guesses().into_iter().filter(|candidate| present.contains(candidate.label.as_str())).collect();
        if suspects.is_empty() || self.spend.left() as usize <= candidates.len() + OVERHEAD as usize {
            return Ok(candidates);
        }
        let values = candidates
            .iter()
            .filter(|_| self.spend.take())
            .map(|candidate| client.values(until, &candidate.label, &candidate.selector, window));
        let values = join_all(values).await;
        let mut found = Vec::new();
        for (candidate, values) in candidates.into_iter().zip(values) {
            match values {
                Ok(said) => {
                    let values: BTreeSet<String> = said
                        .data
                        .items
                        .into_iter()
                        .filter(|value| suspect(value, suspects).is_some())
                        .collect();
                    if !values.is_empty() {
                        let carrier = Carrier { label: candidate.label, values };
                        let selector = carrier.selector().to_string();
                        found.push(Candidate {
                            label: carrier.label.clone(),
                            selector,
                            values: carrier.values,
                        });
                    }
                }
                Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unsupported) => {
                    found.push(candidate);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The configured labels; and, for when none of them carries a suspect, the labels under which the
    /// alert and its rule name one.
    fn candidates(&self, rule: &Rule, suspects: &[String]) -> (Vec<String>, Vec<String>) {
        let configured = self.source.naming().service.clone();
        let pinned = rule.pinned.iter().map(|(label, value)| (label, value));
        let mut others: Vec<String> = Vec::new();
        for (label, value) in pinned.chain(&self.request.labels) {
            let is_new = !configured.contains(label) && !others.contains(label) && !label.starts_with("__");
            if is_new && others.len() < MAX_LABELS && suspect(value, suspects).is_some() {
                others.push(label.clone());
            }
        }
        (configured, others)
    }
}

/// A label that may carry suspects.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) label: String,
    pub(super) selector: String,
    /// Values that are suspects; empty while not known.
    pub(super) values: BTreeSet<String>,
}

impl Candidate {
    fn unknown(label: &str, suspects: &[String]) -> Self {
        Self {
            label: label.to_owned(),
            selector: Carrier::guess(label, suspects).to_string(),
            values: BTreeSet::new(),
        }
    }
}
