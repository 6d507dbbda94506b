//! The same change in other places: where it runs and all is well, it does not break what it runs in.

use super::{
    board::{Board, Suspect},
    symptoms::moment,
};
use crate::domain::{Change, Decibans, Entity, IndicatorKind};

/// What one service that runs the same change and is well says against it, and two or more.
const ONE: Decibans = -4.0;
const SEVERAL: Decibans = -6.0;
/// Strength of a symptom from which on a service is not well.
const WELL: Decibans = 5.0;

/// What speaks against a change of `entity` because it runs elsewhere, where all is well.
pub(super) fn healthy_elsewhere(
    board: &Board,
    suspect: &Suspect,
    service: &str,
) -> Option<(Decibans, String)> {
    let change = board.case.changes.get(suspect.candidate.change)?;
    let of_change = suspect.candidate.rollouts.iter().map(|rollout| (rollout.service.as_str(), rollout.at));
    let of_others = board
        .suspects
        .values()
        .filter(|other| {
            let other = board.case.changes.get(other.candidate.change);
            other.is_some_and(|other| is_same(change, other))
        })
        .flat_map(|other| &other.candidate.rollouts)
        .map(|rollout| (rollout.service.as_str(), rollout.at));
    let latest = board.observed.onset.since.at;
    let mut places: Vec<(&str, i64)> = of_change
        .chain(of_others)
        .filter(|(other, at)| !other.is_empty() && *other != service && *at <= latest)
        .filter(|(other, _)| is_well(board, other))
        .collect();
    places.sort_unstable();
    places.dedup_by(|next, kept| next.0 == kept.0);
    let (first, at) = *places.first()?;
    let others = match places.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let decibans = if places.len() == 1 { ONE } else { SEVERAL };
    let at = moment(at);
    Some((decibans, format!("the same change runs on {first}{others} since {at}, where all is well")))
}

/// Whether two changes do the same in two places: of one kind, with one title, and to one version or by one patch.
fn is_same(one: &Change, other: &Change) -> bool {
    let same = |one: &str, other: &str| !one.is_empty() && one == other;
    one.id != other.id
        && one.kind == other.kind
        && one.title == other.title
        && (same(&one.version_to, &other.version_to) || same(&one.patch, &other.patch))
}

/// A service that is seen and shows nothing that its callers would feel.
fn is_well(board: &Board, service: &str) -> bool {
    let now = &board.case.now;
    let is_seen = now.series.iter().any(|series| series.service() == service)
        || now.spans.iter().any(|span| &*span.service == service)
        || now.logs.iter().any(|line| &*line.service == service);
    let entity = Entity::service(service);
    let felt = [
        IndicatorKind::Errors,
        IndicatorKind::Latency,
        IndicatorKind::SelfTime,
        IndicatorKind::Structure,
        IndicatorKind::Log,
        IndicatorKind::Restarts,
    ];
    let suffers = board.observed.symptoms.iter().any(|found| {
        let symptom = &found.symptom;
        (symptom.entity == entity || symptom.entity.service == service)
            && felt.contains(&symptom.kind)
            && symptom.decibans >= WELL
    });
    is_seen && !suffers
}
