//! What it all comes to.

use super::{
    board::Board,
    symptoms::{Observed, moment},
};
use crate::domain::{Entity, EntityKind, Hypothesis, IndicatorKind, SignalKind, Verdict};

/// Least probability of the first hypothesis to be called the cause.
const FOUND: f64 = 0.5;
/// Least strength of a symptom that makes an incident.
const INCIDENT: f64 = 8.0;
/// Distance, in decibans, from which on two hypotheses are called close.
const CLOSE: f64 = 6.0;

/// The verdict and why.
pub(super) fn verdict(board: &Board, hypotheses: &[Hypothesis]) -> (Verdict, String) {
    let telemetry = [SignalKind::Metrics, SignalKind::Logs, SignalKind::Traces];
    if !telemetry.iter().any(|signal| board.seen.contains(signal)) {
        return (Verdict::Inconclusive, "no source of metrics, logs or traces answered".to_owned());
    }
    let service = &board.case.service;
    if !board.observed.is_seen {
        // Nothing seen is not nothing wrong.
        return (
            Verdict::Inconclusive,
            format!(
                "nothing of {service} was seen in the window of the incident; are its name and the sources right?"
            ),
        );
    }
    if let Some(because) = not_an_incident(board).or_else(|| blip(board)) {
        return (Verdict::NotAnIncident, because);
    }
    let Some(first) = hypotheses.first() else {
        return (Verdict::Inconclusive, format!("no hypothesis explains what {service} shows"));
    };
    let onset = match moment(board.observed.onset.since.at) {
        at if board.observed.onset.assumed => {
            format!("about {at} (assumed from the page: nothing changed its level)")
        }
        at => at.to_string(),
    };
    let percent = first.probability * 100.0;
    let reaches = first.entity.service == *service
        || service.is_empty()
        || board.observed.symptoms.iter().any(|found| {
            let entity = &found.symptom.entity;
            let at_page = entity.service == *service && found.symptom.decibans >= 3.0;
            // What fails or stalls on the way of its requests is felt, whether or not an indicator shows it.
            at_page || (*entity == first.entity && is_felt(found))
        });
    if first.probability >= FOUND && !reaches {
        return (
            Verdict::Inconclusive,
            format!(
                "nothing of it is seen at {service}, which was paged; if anything is wrong at all, it is {} ({percent:.0} %)",
                first.claim
            ),
        );
    }
    if first.probability >= FOUND {
        let strongest = first.arguments.iter().max_by(|a, b| a.decibans.total_cmp(&b.decibans));
        let why = strongest.map(|argument| format!("; {}", argument.text)).unwrap_or_default();
        let second = second_fault(board, hypotheses)
            .map(|second| format!("; apart from it, something else is wrong: {}", second.claim));
        let second = second.unwrap_or_default();
        return (
            Verdict::CauseFound,
            format!("{} ({percent:.0} %), since {onset}{why}{second}", first.claim),
        );
    }
    let rival = hypotheses.get(1).map(|second| format!(", before \"{}\"", second.claim)).unwrap_or_default();
    (
        Verdict::Inconclusive,
        format!(
            "the best of {} hypotheses, \"{}\", reaches {percent:.0} %{rival}",
            hypotheses.len(),
            first.claim
        ),
    )
}

/// Log-odds, in decibans, from which on a hypothesis stands on its own feet, and what its place must show of that.
const STANDS: f64 = 12.0;
const OWN: f64 = 8.0;

/// A second fault at the same time: a place with clear signs of its own that the first cannot have brought about, nor
/// the other way round, since neither depends on the other.
fn second_fault<'a>(board: &Board, hypotheses: &'a [Hypothesis]) -> Option<&'a Hypothesis> {
    let first = hypotheses.first()?;
    let graph = &board.observed.graph;
    let knows = |entity: &Entity| graph.contains(&entity.name) || graph.contains(&entity.service);
    if !knows(&first.entity) {
        return None;
    }
    let related = |entity: &Entity| {
        [&entity.name, &entity.service].into_iter().any(|name| {
            [&first.entity.name, &first.entity.service].into_iter().any(|cause| {
                name == cause
                    || graph.below(cause).contains_key(name)
                    || graph.above(cause).contains_key(name)
            })
        })
    };
    hypotheses.iter().find(|hypothesis| {
        let of_place = hypothesis.arguments.iter().filter(|argument| {
            argument.test.starts_with("place:") && !argument.test.ends_with("service-level")
        });
        let own = of_place.map(|argument| argument.decibans).fold(0.0, f64::max);
        hypothesis.log_odds() >= STANDS
            && own >= OWN
            && knows(&hypothesis.entity)
            && !related(&hypothesis.entity)
    })
}

/// Whether callers feel a symptom: work that fails, stalls or is left out. That something runs hot they do not.
fn is_felt(found: &Observed) -> bool {
    let kind = matches!(
        found.symptom.kind,
        IndicatorKind::Errors
            | IndicatorKind::Structure
            | IndicatorKind::Log
            | IndicatorKind::NetworkGap
            | IndicatorKind::SelfTime
    );
    kind && found.symptom.decibans >= INCIDENT
}

fn not_an_incident(board: &Board) -> Option<String> {
    let service = &board.case.service;
    let below = board.observed.graph.below(service);
    let related = |name: &str| !board.observed.graph.contains(service) || below.contains_key(name);
    // More or fewer requests alone are life, and a resource that runs hot somewhere below hurts nobody until
    // its callers see slowness or failures; on the alerted service itself it may be what the page is about.
    let counts = |found: &Observed| match found.symptom.kind {
        IndicatorKind::Traffic | IndicatorKind::Network | IndicatorKind::Quota => false,
        IndicatorKind::Latency
        | IndicatorKind::Errors
        | IndicatorKind::SelfTime
        | IndicatorKind::NetworkGap
        | IndicatorKind::Structure
        | IndicatorKind::Log
        | IndicatorKind::Restarts
        | IndicatorKind::Startup
        | IndicatorKind::Node
        | IndicatorKind::Certificate => true,
        _ => found.symptom.entity.service == *service,
    };
    let strongest = board
        .observed
        .symptoms
        .iter()
        .filter(|found| {
            let entity = &found.symptom.entity;
            related(&entity.name) || related(&entity.service) || entity.kind != EntityKind::Service
        })
        .filter(|found| counts(found))
        .max_by(|a, b| a.symptom.decibans.total_cmp(&b.symptom.decibans));
    match strongest {
        Some(found) if found.symptom.decibans >= INCIDENT => None,
        Some(found) => Some(format!(
            "nothing that {service} depends on deviates beyond noise; the most unusual, {}, is {:.0} of the {INCIDENT:.0} \
             decibans that make a symptom",
            found.finding.summary, found.symptom.decibans
        )),
        None => Some(format!("nothing that {service} depends on deviates from normal")),
    }
}

/// Seconds that something has to last before it is more than a hiccup, while nothing fails.
const HICCUP: f64 = 5.0;

/// A slowness of a few seconds in which no request fails: by the time anybody could act it is over, or it is
/// an incident and the next page says so.
fn blip(board: &Board) -> Option<String> {
    let observed = &board.observed;
    let lasted = observed.periods.seconds_during();
    let fails = observed.symptoms.iter().any(|found| {
        matches!(
            found.symptom.kind,
            IndicatorKind::Errors | IndicatorKind::Restarts | IndicatorKind::Certificate
        ) && found.symptom.decibans >= 3.0
    });
    let strongest = observed
        .symptoms
        .iter()
        .filter(|found| matches!(found.symptom.kind, IndicatorKind::Latency | IndicatorKind::SelfTime))
        .max_by(|a, b| a.symptom.decibans.total_cmp(&b.symptom.decibans))?;
    (!observed.onset.assumed && lasted < HICCUP && !fails).then(|| {
        format!(
            "a hiccup of {lasted:.0} s in which no request failed: {}; look again if it pages again",
            strongest.finding.summary
        )
    })
}

/// The cheapest question that separates the two leading hypotheses; empty when the first is clear.
pub(super) fn next_question(hypotheses: &[Hypothesis]) -> String {
    let [first, second, ..] = hypotheses else { return String::new() };
    if first.log_odds() - second.log_odds() > CLOSE && first.probability >= FOUND {
        return String::new();
    }
    if first.entity != second.entity {
        return format!(
            "look at {} by itself: if it is slow or fails for callers other than this one too, it is {}; if not, look at {}",
            first.entity,
            first.fault.phrase(),
            second.entity
        );
    }
    // What one of them predicts and could not show decides between them.
    let telling = first
        .arguments
        .iter()
        .filter(|argument| !second.arguments.iter().any(|other| other.test == argument.test))
        .max_by(|a, b| a.decibans.abs().total_cmp(&b.decibans.abs()));
    telling.map_or_else(String::new, |argument| {
        format!("\"{}\" against \"{}\": check again whether {}", first.claim, second.claim, argument.text)
    })
}

/// Services that suffer from the first hypothesis: those above the cause that deviate, the cause itself not
/// among them; in order of name.
pub(super) fn blast_radius(board: &Board, hypotheses: &[Hypothesis]) -> Vec<String> {
    let Some(first) = hypotheses.first() else { return Vec::new() };
    let mut above = board.observed.graph.above(&first.entity.name);
    above.extend(board.observed.graph.above(&first.entity.service));
    let suffers = |kind: IndicatorKind| {
        matches!(
            kind,
            IndicatorKind::Errors
                | IndicatorKind::Latency
                | IndicatorKind::SelfTime
                | IndicatorKind::NetworkGap
                | IndicatorKind::Log
                | IndicatorKind::Restarts
        )
    };
    let knows = !board.observed.graph.is_empty();
    let mut services: Vec<String> = board
        .observed
        .symptoms
        .iter()
        .filter(|found| suffers(found.symptom.kind) && found.symptom.decibans >= 5.0)
        .map(|found| &found.symptom.entity.service)
        .filter(|service| {
            !service.is_empty() && **service != first.entity.service && **service != first.entity.name
        })
        .filter(|service| !knows || above.contains_key(*service))
        .cloned()
        .collect();
    services.sort();
    services.dedup();
    services
}
