//! How a cause reaches the alerted service: the chain of calls, each hop tested.

use super::{board::Board, symptoms::Observed};
use crate::domain::{Argument, Entity, Hop};

/// The hops from an entity up to the alerted service, cause first. Empty when it is the alerted service
/// itself, or when no chain is known.
pub(super) fn hops(board: &Board, entity: &Entity) -> Vec<Hop> {
    let deviates = |name: &str| earliest(board, name).is_some();
    let graph = &board.observed.graph;
    let path = graph.path(&board.case.service, &entity.name, deviates);
    let path =
        if path.is_empty() { graph.path(&board.case.service, &entity.service, deviates) } else { path };
    let mut hops: Vec<Hop> = path
        .windows(2)
        .filter_map(|pair| match pair {
            [caller, callee] => Some(hop(board, caller, callee)),
            _ => None,
        })
        .collect();
    hops.reverse();
    hops
}

fn hop(board: &Board, caller: &str, callee: &str) -> Hop {
    let mut hop = Hop {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        passed: vec!["edge".to_owned()],
        failed: Vec::new(),
    };
    let ends = (earliest(board, caller), earliest(board, callee));
    let mut note = |test: &str, holds: bool| {
        if holds { hop.passed.push(test.to_owned()) } else { hop.failed.push(test.to_owned()) }
    };
    note("both-deviate", matches!(ends, (Some(_), Some(_))));
    if let (Some((_, caller_latest)), Some((callee_earliest, _))) = ends {
        note("onset-order", callee_earliest <= caller_latest);
    }
    hop
}

/// Earliest and latest moment at which a service may have begun to deviate; `None` when it does not.
fn earliest(board: &Board, name: &str) -> Option<(i64, i64)> {
    let of = |found: &&Observed| {
        (found.symptom.entity.name == name || found.symptom.entity.service == name)
            && found.symptom.decibans >= 3.0
    };
    let onset = board.observed.onset.since;
    board
        .observed
        .symptoms
        .iter()
        .filter(of)
        .map(|found| {
            found.finding.since.map_or((onset.earliest, onset.latest), |since| (since.earliest, since.latest))
        })
        .min()
}

/// A chain whose hops hold speaks for a cause, one with breaks against it.
pub(super) fn argument(hops: &[Hop]) -> Option<Argument> {
    let (first, last) = (hops.first()?, hops.last()?);
    let broken = hops.iter().filter(|hop| !hop.failed.is_empty()).count();
    let decibans = if broken == 0 { 2.0 } else { -1.5 * broken as f64 };
    let chain: Vec<&str> =
        std::iter::once(first.callee.as_str()).chain(hops.iter().map(|hop| hop.caller.as_str())).collect();
    let text = if broken == 0 {
        format!("every hop of {} holds: both ends deviate, in order", chain.join(" -> "))
    } else {
        format!("{broken} of {} hops from {} to {} do not hold", hops.len(), first.callee, last.caller)
    };
    Some(Argument {
        decibans: decibans.max(-5.0),
        text,
        evidence: Vec::new(),
        test: "propagation".to_owned(),
    })
}
