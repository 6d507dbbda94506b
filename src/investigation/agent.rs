//! The agent that tests one hypothesis: predicts, looks, asks the sources, argues.
//!
//! An agent sees the shared board and the sources, and nothing of the other agents. What it has at hand it
//! argues at once; answers of sources follow as they come.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedSender;

use super::{
    board::{Board, Suspect},
    elsewhere::healthy_elsewhere,
    fault::{OF_CHANGES, Prediction, Sign, signature},
    propagation,
    propose::Proposal,
    symptoms::moment,
};
use crate::{
    analysis::{Periods, changes::Rollout},
    domain::{
        Argument, Decibans, Direction, Entity, Evidence, EvidenceId, FaultClass, Hop, HypothesisId,
        IndicatorKind, Labels, SignalKind, Trust, Window,
    },
    investigation::Sources,
    runbook::{self, Check, CheckOutcome, CheckTimes, Truth, Vars},
};

/// What a check of a runbook weighs. A condition that was predicted and is seen tells most; a rival's
/// condition that is not seen, least, since most conditions are not seen most of the time.
const SEEN_AS_EXPECTED: Decibans = 5.0;
const ABSENT_AS_EXPECTED: Decibans = 1.0;
const SEEN_UNEXPECTED: Decibans = -6.0;
const ABSENT_UNEXPECTED: Decibans = -4.0;

/// Overlap of contents below which there is none, from which on one change's tells against the others', and the part of
/// the best one's below which another's is chance.
const NOTHING: f64 = 0.05;
const TELLING: f64 = 0.5;
const LITTLE: f64 = 0.3;

/// What comes about with no change of one's own, and what it takes from the changes' guilt.
const BY_ITSELF: &[(&str, &Sign, Decibans)] = &[
    (
        "a certificate runs out by itself",
        &Sign::Says(&[
            "certificate has expired",
            "certificate expired",
            "cert expired",
            "certificate is expired",
        ]),
        14.0,
    ),
    ("somebody else's service fails by itself", &Sign::AtOutside(&[IndicatorKind::Errors]), 10.0),
    ("requests come from outside", &Sign::MoreRequests, 4.0),
];
/// Strength of a sign from which on it is clear.
const CLEARLY: f64 = 0.5;

/// Strength of a slow growth from which on it dates its cause.
const GROWTH: Decibans = 8.0;

/// What a sign weighs, when it is seen, that tells one kind of fault from the others.
const TELLING_SIGN: Decibans = 6.0;

/// What it takes from a change that it seems to have come a little after the onset.
const LATE: Decibans = 3.0;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an agent says.
#[derive(Debug)]
pub(super) enum Word {
    /// What it could argue from the board.
    Arguments { hypothesis: HypothesisId, arguments: Vec<Argument>, propagation: Vec<Hop> },
    /// What a source answered.
    Checked { hypothesis: HypothesisId, argument: Argument, evidence: Option<Box<Evidence>> },
    /// It has nothing more to say.
    Done,
}

/// What an agent works with.
#[derive(Clone)]
pub(super) struct Desk {
    pub board: Arc<Board>,
    pub sources: Arc<Sources>,
    pub labels: Arc<Labels>,
    pub window: Window,
}

/// Tests one hypothesis. Ends early when nobody listens any more.
pub(super) async fn test(proposal: Proposal, desk: Desk, out: UnboundedSender<Word>) {
    let id = proposal.hypothesis.id;
    let (arguments, propagation) = argue(&proposal, &desk.board);
    if out.send(Word::Arguments { hypothesis: id, arguments, propagation }).is_err() {
        return;
    }
    if let Some((runbook, claimed)) = &proposal.runbook {
        let vars = vars(&proposal, &desk, runbook);
        let times = times(&desk);
        for (number, (check, expected)) in (proposal.first_check..).zip(&claimed.expects) {
            let Some(check) = runbook.checks.get(check) else { continue };
            let asking = runbook::evaluate(check, &vars, &desk.sources, times);
            // A source that hangs costs this check, not the hypothesis its other ones.
            let (argument, evidence) = match tokio::time::timeout(PATIENCE, asking).await {
                Ok(outcome) => checked(check, *expected, outcome, (&runbook.id, EvidenceId(number), times)),
                Err(_) => (unanswered(check), None),
            };
            if out.send(Word::Checked { hypothesis: id, argument, evidence }).is_err() {
                return;
            }
        }
    }
    // The receiver is gone only when the investigation was cut; then nobody waits for this.
    out.send(Word::Done).ok();
}

/// Variables of a runbook for a hypothesis.
pub(super) fn vars(proposal: &Proposal, desk: &Desk, runbook: &runbook::Runbook) -> Vars {
    vars_of(&proposal.hypothesis.entity.service, proposal.change, desk, runbook)
}

/// Variables of a runbook for a service, and for a change by its index where one is suspected.
pub(super) fn vars_of(service: &str, change: Option<usize>, desk: &Desk, runbook: &runbook::Runbook) -> Vars {
    let onset = moment(desk.board.observed.onset.since.at).to_string();
    let change = change.and_then(|index| desk.board.case.changes.get(index));
    let mut known = vec![("service", service), ("onset", onset.as_str())];
    if let Some(change) = change {
        known.push(("new_version", change.version_to.as_str()));
        known.push(("old_version", change.version_from.as_str()));
    }
    let range = range(&desk.board.observed.periods);
    known.push(("range", range.as_str()));
    if !desk.labels.contains_key("namespace")
        && let Some(namespace) = desk.board.namespace(service)
    {
        known.push(("namespace", namespace));
    }
    known.retain(|(_, value)| !value.is_empty());
    Vars::of(&runbook.vars, &desk.labels, &known)
}

/// Range of rates, `$range` in runbooks: half of the incident so far, so that rates are of the incident and
/// not of what was before it.
fn range(periods: &Periods) -> String {
    format!("{}s", (periods.seconds_during() / 2.0).clamp(10.0, 300.0).round())
}

pub(super) fn times(desk: &Desk) -> CheckTimes {
    let periods = desk.board.observed.periods;
    let onset = moment(periods.onset);
    CheckTimes {
        onset,
        now: desk.window.end,
        baseline: Window::new(moment(periods.start), moment(periods.onset - periods.guard)),
        incident: Window::new(onset, desk.window.end),
    }
}

/// A check that no source answered in time: no weight either way, and said.
fn unanswered(check: &Check) -> Argument {
    Argument {
        decibans: 0.0,
        text: format!("{} could not be answered within {} s", check.id, PATIENCE.as_secs()),
        evidence: Vec::new(),
        test: format!("check:{}", check.id),
    }
}

fn checked(
    check: &Check,
    expected: bool,
    outcome: CheckOutcome,
    (runbook, id, times): (&str, EvidenceId, CheckTimes),
) -> (Argument, Option<Box<Evidence>>) {
    let (decibans, verdict) = match outcome.truth {
        Truth::Unknown => (0.0, "could not be answered"),
        Truth::True if expected => (SEEN_AS_EXPECTED, "yes, as expected"),
        Truth::True => (SEEN_UNEXPECTED, "yes, which speaks against it"),
        Truth::False if expected => (ABSENT_UNEXPECTED, "no, though expected"),
        Truth::False => (ABSENT_AS_EXPECTED, "no, as expected"),
    };
    let question = if check.title.is_empty() { check.id.as_str() } else { check.title.as_str() };
    let argument = Argument {
        decibans,
        text: format!("{question} {verdict}: {}", outcome.summary),
        evidence: if outcome.truth == Truth::Unknown { Vec::new() } else { vec![id] },
        test: format!("check:{}", check.id),
    };
    let signal = match check.language {
        crate::domain::Language::Logql => SignalKind::Logs,
        crate::domain::Language::Traceql => SignalKind::Traces,
        _ => SignalKind::Metrics,
    };
    let evidence = (outcome.truth != Truth::Unknown).then(|| {
        Box::new(Evidence {
            id,
            signal,
            source: outcome.source,
            language: outcome.language,
            query: outcome.query,
            window: outcome.window,
            divided_at: Some(times.onset),
            normal_until: Some(times.baseline.end),
            completeness: outcome.completeness,
            summary: format!("runbook {runbook}, check {}: {}", check.id, outcome.summary),
            numbers: outcome.observed.into_iter().chain(outcome.baseline).collect(),
            link: None,
            trust: Trust::Service,
        })
    });
    (argument, evidence)
}

/// Everything that the board lets one argue.
fn argue(proposal: &Proposal, board: &Board) -> (Vec<Argument>, Vec<Hop>) {
    let hypothesis = &proposal.hypothesis;
    let mut arguments: Vec<Argument> = board
        .place(&hypothesis.entity)
        .into_iter()
        .flat_map(|place| &place.reasons)
        .map(|reason| Argument {
            decibans: reason.decibans,
            text: reason.text.clone(),
            evidence: reason.evidence.clone(),
            test: format!("place:{}", reason.test),
        })
        .collect();
    let predictions: &[Prediction] = if proposal.change.is_some() {
        OF_CHANGES
    } else {
        signature(hypothesis.fault).map_or(&[], |signature| signature.predictions)
    };
    arguments.extend(predictions.iter().filter_map(|prediction| predicted(prediction, proposal, board)));
    arguments.extend(unsigned(proposal, predictions, board));
    if let Some(suspect) = proposal.change.and_then(|index| board.suspects.get(&index)) {
        arguments.extend(of_change(proposal, suspect, board));
    }
    let hops = propagation::hops(board, &hypothesis.entity);
    arguments.extend(propagation::argument(&hops));
    arguments.retain(|argument| argument.decibans.abs() > f64::EPSILON);
    (arguments, hops)
}

/// A kind of fault of which none of the signs that only it has was seen: what others show too does not make it one.
fn unsigned(proposal: &Proposal, predictions: &[Prediction], board: &Board) -> Option<Argument> {
    let hypothesis = &proposal.hypothesis;
    let is_general =
        matches!(hypothesis.fault, FaultClass::Slowdown | FaultClass::Errors | FaultClass::CodeDefect);
    let mut telling = predictions.iter().filter(|prediction| prediction.seen >= TELLING_SIGN).peekable();
    if proposal.change.is_some() || is_general || telling.peek().is_none() {
        return None;
    }
    let seen = telling.any(|prediction| {
        board.look(&hypothesis.entity, &prediction.sign).is_some_and(|seen| seen.strength > 0.2)
    });
    (!seen).then(|| Argument {
        decibans: -8.0,
        text: format!("no sign was seen that only {} has", hypothesis.fault.phrase()),
        evidence: Vec::new(),
        test: "predicts:a-sign-of-its-own".to_owned(),
    })
}

fn predicted(prediction: &Prediction, proposal: &Proposal, board: &Board) -> Option<Argument> {
    let hypothesis = &proposal.hypothesis;
    let seen = board.look(&hypothesis.entity, &prediction.sign)?;
    let (decibans, text) = if seen.strength > 0.0 {
        (prediction.seen * seen.strength, seen.text)
    } else {
        let phrase = hypothesis.fault.phrase();
        let expected = prediction.name.replace('-', " ");
        (
            prediction.unseen,
            format!("{phrase} would show \"{expected}\" at {}; it does not", hypothesis.entity),
        )
    };
    Some(Argument { decibans, text, evidence: seen.evidence, test: format!("predicts:{}", prediction.name) })
}

fn of_change(proposal: &Proposal, suspect: &Suspect, board: &Board) -> Vec<Argument> {
    let entity = &proposal.hypothesis.entity;
    let mut arguments = Vec::new();
    let onset = board.observed.onset.since;
    let argument = |test: &str, decibans: Decibans, text: String| Argument {
        decibans,
        text,
        evidence: Vec::new(),
        test: format!("change:{test}"),
    };
    let reached = suspect
        .candidate
        .rollouts
        .iter()
        .filter(|rollout| rollout.service == entity.service || rollout.service.is_empty())
        .map(|rollout| rollout.at)
        .filter(|at| *at <= board.cause_by())
        .max();
    if let Some(at) = reached {
        let minutes = (onset.at - at).max(0) / 60_000_000_000;
        // How much likelier a push is at fault the more recent it is: x8, x4, x1.5, x0.3.
        let decibans = match minutes {
            ..=30 => 9.0,
            31..=120 => 6.0,
            121..=1440 => 1.8,
            _ => -5.0,
        };
        let late = (at - onset.at) / 1_000_000_000;
        let at = moment(at);
        let text = if late > 0 {
            format!(
                "it took effect on {} at {at}, {late} s after the estimated onset, which may be that late",
                entity.service
            )
        } else {
            format!("it took effect on {} {minutes} min before the onset, at {at}", entity.service)
        };
        arguments.push(argument("recent", if late > 0 { decibans - LATE } else { decibans }, text));
    }
    for (what, sign, weight) in BY_ITSELF {
        if let Some(seen) = board.look(entity, sign).filter(|seen| seen.strength > CLEARLY) {
            arguments.push(Argument {
                decibans: -weight * seen.strength,
                text: format!("{what}, whatever was changed: {}", seen.text),
                evidence: seen.evidence,
                test: "change:by-itself".to_owned(),
            });
        }
    }
    if let Some((decibans, text)) = healthy_elsewhere(board, suspect, &entity.service) {
        arguments.push(argument("elsewhere", decibans, text));
    }
    arguments.extend(of_growth(entity, suspect, board));
    let change = board.case.changes.get(suspect.candidate.change);
    let has_content = change.is_some_and(|change| !change.patch.is_empty() || !change.files.is_empty());
    let overlap = &suspect.overlap;
    if overlap.score > NOTHING {
        arguments.push(argument(
            "content",
            if overlap.score < LITTLE * board.best_overlap { 0.0 } else { (overlap.score * 4.5).min(13.0) },
            format!("its content speaks of what now fails: {}", overlap.words.join(", ")),
        ));
    } else if has_content && board.best_overlap > TELLING {
        arguments.push(argument(
            "content",
            if board.best_overlap > 2.0 * TELLING { -8.0 } else { -5.0 },
            "its content has nothing in common with what now fails".to_owned(),
        ));
    }
    if suspect.effect.decibans.abs() > f64::EPSILON {
        let because = suspect.effect.because.join("; ");
        arguments.push(argument("effect", suspect.effect.decibans, because));
    }
    arguments
}

/// What grew slowly began long before the page: the change that it began with is suspect, and one that came when it
/// was under way is not.
fn of_growth(entity: &Entity, suspect: &Suspect, board: &Board) -> Option<Argument> {
    let onset = board.observed.onset.since;
    let found = board
        .observed
        .symptoms
        .iter()
        .filter(|found| found.symptom.entity == *entity && found.symptom.direction == Direction::Up)
        .filter(|found| found.symptom.decibans >= GROWTH)
        .find(|found| found.finding.since.is_some_and(|since| since.latest < onset.earliest))?;
    let since = found.finding.since?;
    let of_entity = |rollout: &&Rollout| rollout.service == entity.service || rollout.service.is_empty();
    let at = suspect.candidate.rollouts.iter().filter(of_entity).map(|rollout| rollout.at).max()?;
    let slack = (since.latest - since.earliest).max(300_000_000_000);
    let minutes = (at - since.at).abs() / 60_000_000_000;
    let (decibans, text) = if (at - since.at).abs() <= slack {
        let more = if suspect.effect.grows { 4.0 } else { 0.0 };
        (9.0 + more, format!("{} ever since it took effect", found.finding.summary))
    } else if at > since.at {
        (-9.0, format!("{}, which had begun {minutes} min before it took effect", found.finding.summary))
    } else {
        return None;
    };
    Some(Argument {
        decibans,
        text,
        evidence: vec![found.symptom.evidence],
        test: "change:growth".to_owned(),
    })
}
