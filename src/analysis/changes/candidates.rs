//! Which changes reached which service, and when.
//!
//! A commit does nothing until it is deployed: its time is that of the first deploy that ships it, its
//! service that deploy's. A commit that no known deploy ships counts from its own time, at less weight.

use std::collections::BTreeMap;

use quell_sdk::signal::{Change, ChangeKind, UnixNanos};

/// When and where a change took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub service: String,
    pub at: UnixNanos,
    /// The deploy that shipped it, by index among the changes; `None` when it took effect by itself.
    pub deploy: Option<usize>,
}

/// A change with its effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index among the changes.
    pub change: usize,
    pub rollouts: Vec<Rollout>,
    /// A commit that was committed, but that no deploy is known to ship.
    pub undeployed: bool,
}

/// The changes that may have had an effect. A deploy whose commits are among the changes speaks through
/// them and is no candidate itself.
pub fn candidates(changes: &[Change]) -> Vec<Candidate> {
    let nanos = |change: &Change| i64::try_from(change.at.as_nanosecond()).unwrap_or(i64::MAX);
    let known: BTreeMap<&str, usize> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.kind == ChangeKind::Commit)
        .map(|(index, change)| (change.id.as_str(), index))
        .collect();
    let find = |sha: &str| -> Option<usize> {
        known.get(sha).copied().or_else(|| {
            // Deploys often name commits by a prefix.
            (sha.len() >= 7)
                .then(|| known.iter().find(|(id, _)| id.starts_with(sha)).map(|(_, index)| *index))
                .flatten()
        })
    };
    let mut shipped: BTreeMap<usize, Vec<Rollout>> = BTreeMap::new();
    let mut found = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        if change.kind == ChangeKind::Commit {
            continue;
        }
        let commits: Vec<usize> = change.commits.iter().filter_map(|sha| find(sha)).collect();
        let rollout = |deploy| Rollout { service: change.service.clone(), at: nanos(change), deploy };
        if commits.is_empty() {
            found.push(Candidate { change: index, rollouts: vec![rollout(None)], undeployed: false });
        }
        for commit in commits {
            shipped.entry(commit).or_default().push(rollout(Some(index)));
        }
    }
    let any_deploys = !shipped.is_empty();
    for (_, index) in known {
        let Some(change) = changes.get(index) else { continue };
        let (rollouts, undeployed) = match shipped.remove(&index) {
            Some(rollouts) => (rollouts, false),
            None => (
                vec![Rollout { service: change.service.clone(), at: nanos(change), deploy: None }],
                any_deploys,
            ),
        };
        found.push(Candidate { change: index, rollouts, undeployed });
    }
    found.sort_by_key(|candidate| candidate.change);
    found
}
