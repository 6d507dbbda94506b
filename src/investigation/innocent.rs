//! Changes that did not do it, each with the reason that would convince whoever made it.

use super::{board::Board, elsewhere::healthy_elsewhere, symptoms::moment};
use crate::domain::{Hypothesis, Innocent};

/// Probability of the first hypothesis from which on it clears changes elsewhere.
const LIKELY: f64 = 0.5;

/// Names the changes that are not to blame, in order of time. What can neither be blamed nor cleared is
/// left out.
pub(super) fn innocent(board: &Board, hypotheses: &[Hypothesis]) -> Vec<Innocent> {
    let blamed = hypotheses.first().and_then(|first| first.change_id.as_deref());
    let mut innocent: Vec<Innocent> = board
        .suspects
        .values()
        .filter_map(|suspect| {
            let change = board.case.changes.get(suspect.candidate.change)?;
            if Some(change.id.as_str()) == blamed {
                return None;
            }
            let because = reason(board, suspect, hypotheses)?;
            Some(Innocent {
                change_id: change.id.clone(),
                title: change.title.clone(),
                at: change.at,
                because,
            })
        })
        .collect();
    innocent.sort_by(|a, b| (a.at, &a.change_id).cmp(&(b.at, &b.change_id)));
    innocent
}

fn reason(board: &Board, suspect: &super::board::Suspect, hypotheses: &[Hypothesis]) -> Option<String> {
    let onset = board.observed.onset.since;
    let rollouts = &suspect.candidate.rollouts;
    if suspect.overlap.harmless {
        return Some("it touches only documents, tests or formatting".to_owned());
    }
    if suspect.candidate.undeployed {
        return Some("no deploy shipped it before the onset".to_owned());
    }
    let first = rollouts.iter().min_by_key(|rollout| rollout.at)?;
    if first.at > board.cause_by() {
        let minutes = (first.at - onset.at) / 60_000_000_000;
        return Some(format!(
            "it took effect at {}, {minutes} min after the onset at {}",
            moment(first.at),
            moment(onset.at)
        ));
    }
    let service = &board.case.service;
    let graph = &board.observed.graph;
    if !first.service.is_empty() && graph.contains(service) {
        let below = graph.below(service);
        if rollouts.iter().all(|rollout| !below.contains_key(&rollout.service)) {
            return Some(format!("it touched {}, which {service} does not depend on", first.service));
        }
        if let Some(cause) = hypotheses.first()
            && !on_path(cause, &first.service)
            && rollouts.iter().all(|rollout| rollout.service != cause.entity.service)
        {
            return Some(format!(
                "it touched {}, which is not on the path from {} to {service}",
                first.service, cause.entity
            ));
        }
    }
    let cause = hypotheses.first()?;
    let touched_cause = rollouts.iter().any(|rollout| rollout.service == cause.entity.service);
    let passes_on = !touched_cause
        && cause.probability >= LIKELY
        && rollouts.iter().all(|rollout| graph.below(&rollout.service).contains_key(&cause.entity.name));
    if passes_on {
        return Some(format!(
            "it touched {}, which only passes on what begins at {}",
            first.service, cause.entity
        ));
    }
    if let Some(place) = board.places.iter().find(|place| place.entity.name == first.service)
        && !rollouts.iter().any(|rollout| rollout.service == cause.entity.service)
        && place.decibans() < 3.0
    {
        return Some(format!("{} shows no deviation of its own", first.service));
    }
    if let Some((_, because)) = healthy_elsewhere(board, suspect, &first.service) {
        return Some(because);
    }
    let has_content = board
        .case
        .changes
        .get(suspect.candidate.change)
        .is_some_and(|change| !change.patch.is_empty() || !change.files.is_empty());
    (has_content && suspect.overlap.score < 0.05 && board.best_overlap > 0.5)
        .then(|| "its content has nothing in common with what now fails".to_owned())
}

fn on_path(cause: &Hypothesis, service: &str) -> bool {
    cause.propagation.iter().any(|hop| hop.caller == service || hop.callee == service)
}
