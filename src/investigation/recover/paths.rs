//! Puts the paths together: one per action and target, over all hypotheses that it would help.

use std::{collections::BTreeMap, time::Duration};

use super::{
    efficacy::{actions, efficacy},
    from_imported, from_runbook, gates,
    generic::{Fill, generic},
    score::score,
};
use crate::{
    domain::{
        Action, Approval, Direction, Entity, Hypothesis, IndicatorKind, Labels, Language, PathId,
        RecoveryPath, Step, StepKind, Verification,
    },
    investigation::{board::Board, imported::Called},
    runbook::{Runbook, RunbookHypothesis, StepSpec, Vars},
};

/// Hypotheses looked at, generic actions per hypothesis, and paths in all.
const HYPOTHESES: usize = 6;
const ACTIONS: usize = 4;
const MOST: usize = 12;

/// What paths are made from, beside the hypotheses.
pub(crate) struct Context<'a> {
    pub board: &'a Board,
    pub labels: &'a Labels,
    /// Per hypothesis, by id: its runbook, the claim in it, and the variables bound for it.
    pub runbooks: &'a BTreeMap<u32, (std::sync::Arc<Runbook>, RunbookHypothesis, Vars)>,
    /// Plain runbooks that the alerts call.
    pub called: &'a [Called],
    /// How many of the four kinds of signals answered.
    pub signals_seen: usize,
}

type Key = (Action, Entity);

/// Recovery paths in rank order.
pub(crate) fn recovery_paths(hypotheses: &[Hypothesis], context: &Context<'_>) -> Vec<RecoveryPath> {
    let mut paths: BTreeMap<Key, RecoveryPath> = BTreeMap::new();
    for hypothesis in hypotheses.iter().take(HYPOTHESES).filter(|hypothesis| hypothesis.probability >= 0.02) {
        if let Some((runbook, claimed, vars)) = context.runbooks.get(&hypothesis.id.0) {
            for spec in claimed.steps.iter().filter_map(|step| runbook.steps.get(step)) {
                let key = (spec.action, hypothesis.entity.clone());
                paths
                    .entry(key)
                    .or_insert_with_key(|key| of_runbook(key, hypothesis, runbook, spec, vars, context));
            }
        }
        for (action, _) in actions(hypothesis.fault).into_iter().take(ACTIONS) {
            if !gates::has_what_it_undoes(action, hypothesis, context.board) {
                continue;
            }
            let key = (action, hypothesis.entity.clone());
            paths.entry(key).or_insert_with_key(|key| of_table(key, hypothesis, context));
        }
    }
    let (own, others) = from_imported::paths(hypotheses, context);
    for path in own {
        let key = (path.action, path.target.clone());
        // the team's own words go before ours, and not before what was written to be tested
        if paths.get(&key).is_none_or(|known| known.runbook.is_none()) {
            paths.insert(key, path);
        }
    }
    let mut paths: Vec<RecoveryPath> = paths.into_values().collect();
    let impact = impact(context.board);
    for path in &mut paths {
        credit(path, hypotheses);
        score(path, impact);
    }
    paths.retain(|path| path.probability_of_fix >= 0.01);
    gates::rank(&mut paths, hypotheses, context);
    paths.truncate(MOST);
    for mut path in others {
        score(&mut path, impact);
        paths.push(path);
    }
    for (number, path) in (1_u32..).zip(&mut paths) {
        path.id = PathId(number);
    }
    paths
}

/// Chance that a path ends the incident, over all hypotheses about its target, and the evidence for it.
fn credit(path: &mut RecoveryPath, hypotheses: &[Hypothesis]) {
    let mut helps: Vec<(&Hypothesis, f64)> = hypotheses
        .iter()
        .filter(|hypothesis| hypothesis.entity == path.target)
        .filter_map(|hypothesis| {
            let chance = efficacy(path.action, hypothesis.fault)?;
            Some((hypothesis, chance * part(hypothesis, hypotheses)))
        })
        .collect();
    helps.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.id.cmp(&b.0.id)));
    path.probability_of_fix = helps.iter().map(|(_, chance)| chance).sum::<f64>().clamp(0.0, 1.0);
    path.hypotheses = helps.iter().take(4).map(|(hypothesis, _)| hypothesis.id).collect();
    if let Some((first, _)) = helps.first() {
        path.evidence_for = first.evidence_for();
        path.evidence_against = first.evidence_against();
    }
}

/// The chance that it is just this: kinds of fault at one place are nested claims, whose figures overlap, and share
/// the figure of the place here.
fn part(hypothesis: &Hypothesis, hypotheses: &[Hypothesis]) -> f64 {
    let nested = hypotheses
        .iter()
        .filter(|other| other.entity == hypothesis.entity && other.change_id == hypothesis.change_id)
        .map(|other| other.probability);
    let (all, place) = nested.fold((0.0, 0.0_f64), |(all, most), one| (all + one, most.max(one)));
    if all > 0.0 { hypothesis.probability / all * place } else { 0.0 }
}

fn of_runbook(
    (action, target): &Key,
    hypothesis: &Hypothesis,
    runbook: &Runbook,
    spec: &StepSpec,
    vars: &Vars,
    context: &Context<'_>,
) -> RecoveryPath {
    let verification = from_runbook::verification(runbook, spec, vars)
        .or_else(|| verification(context.board, target, spec.eta));
    let title = if spec.title.is_empty() { spec.id.clone() } else { format!("{} ({target})", spec.title) };
    let mut path = RecoveryPath {
        title,
        risk: spec.risk,
        reversible: spec.reversible,
        blast: spec.blast,
        eta: spec.eta,
        approval: spec.approval.unwrap_or(Approval::Human),
        runbook: Some(runbook.id.clone()),
        ..blank(*action, target, hypothesis)
    };
    finish(&mut path, from_runbook::steps(runbook, spec, vars), verification);
    path
}

fn of_table((action, target): &Key, hypothesis: &Hypothesis, context: &Context<'_>) -> RecoveryPath {
    let change = hypothesis.change_id.as_ref().and_then(|id| {
        context.board.case.changes.iter().find(|change| change.id == *id).map(|change| {
            if change.title.is_empty() { change.id.clone() } else { format!("\"{}\"", change.title) }
        })
    });
    let namespace = context
        .labels
        .get("namespace")
        .map(String::as_str)
        .or_else(|| context.board.namespace(&target.service))
        .unwrap_or("default");
    let generic = generic(*action, &Fill { entity: target, namespace, change: change.as_deref() });
    let mut path = RecoveryPath {
        title: generic.title,
        risk: generic.risk,
        reversible: generic.reversible,
        blast: generic.blast,
        eta: generic.eta,
        approval: generic.approval,
        ..blank(*action, target, hypothesis)
    };
    let verification = verification(context.board, target, path.eta);
    finish(&mut path, generic.steps, verification);
    path
}

pub(super) fn blank(action: Action, target: &Entity, hypothesis: &Hypothesis) -> RecoveryPath {
    RecoveryPath {
        id: PathId(0),
        action,
        target: target.clone(),
        title: String::new(),
        hypotheses: vec![hypothesis.id],
        steps: Vec::new(),
        risk: crate::domain::Risk::Unknown,
        reversible: false,
        blast: crate::domain::Blast::Service,
        eta: Duration::from_secs(300),
        probability_of_fix: 0.0,
        score: 0.0,
        factors: Vec::new(),
        verification: None,
        stop_rule: String::new(),
        approval: Approval::Human,
        gates: Vec::new(),
        evidence_for: Vec::new(),
        evidence_against: Vec::new(),
        runbook: None,
    }
}

/// A path is a sequence: capture, check, act small, verify, widen or undo; with a rule when to stop.
pub(super) fn finish(path: &mut RecoveryPath, steps: Vec<Step>, verification: Option<Verification>) {
    let order = |kind: StepKind| match kind {
        StepKind::Capture => 0,
        StepKind::Check => 1,
        StepKind::Act => 2,
        StepKind::Verify => 3,
        StepKind::Widen => 4,
        StepKind::Undo => 5,
        StepKind::FollowUp => 6,
    };
    path.steps = steps;
    if let Some(verification) = &verification {
        path.steps.push(Step {
            kind: StepKind::Verify,
            text: format!(
                "It worked when this is {} for {}",
                verification.expect,
                humantime::format_duration(verification.hold)
            ),
            language: verification.language,
            command: verification.query.clone(),
        });
        path.stop_rule = format!(
            "if it is not {} within {}, undo and take the next path",
            verification.expect,
            humantime::format_duration(verification.within)
        );
    } else {
        path.stop_rule = format!(
            "if nothing changed after {}, undo and take the next path",
            humantime::format_duration(path.eta * 2)
        );
    }
    path.steps.sort_by_key(|step| order(step.kind));
    path.verification = verification;
}

/// Without a runbook's word for it: the alerted service's strongest symptom is back to normal.
pub(super) fn verification(board: &Board, target: &Entity, eta: Duration) -> Option<Verification> {
    let telling = |kind: IndicatorKind| {
        matches!(kind, IndicatorKind::Errors | IndicatorKind::Latency | IndicatorKind::SelfTime)
    };
    let found = board
        .observed
        .symptoms
        .iter()
        .filter(|found| telling(found.symptom.kind) && found.symptom.direction != Direction::Vanished)
        .max_by(|a, b| {
            let rank = |found: &crate::investigation::symptoms::Observed| {
                let alerted = found.symptom.entity.name == board.case.service;
                // What else deviates may have reasons of its own, and says nothing of whether this helped.
                let related = alerted || found.symptom.entity == *target;
                let metric = found.finding.language == Language::Promql;
                let rank = u8::from(related) * 4 + u8::from(metric) * 2 + u8::from(alerted);
                (rank, found.symptom.decibans)
            };
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then_with(|| a.1.total_cmp(&b.1))
        })?;
    let symptom = &found.symptom;
    let middle = symptom.baseline + 0.3 * (symptom.observed - symptom.baseline);
    let expect = match found.finding.language {
        Language::Promql if symptom.observed < symptom.baseline => format!("> {}", short(middle)),
        Language::Promql => format!("< {}", short(middle)),
        _ if symptom.kind == IndicatorKind::Errors => "absent".to_owned(),
        _ => format!("p95 < {}s", short(middle)),
    };
    Some(Verification {
        language: found.finding.language,
        query: found.finding.query.clone(),
        expect,
        hold: Duration::from_secs(120),
        within: eta * 2 + Duration::from_secs(120),
    })
}

/// Three significant digits, in plain notation.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = (2 - value.abs().log10().floor() as i32).clamp(0, 9);
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Share of the alerted service's requests that suffer, as far as the signals tell.
fn impact(board: &Board) -> f64 {
    board
        .observed
        .symptoms
        .iter()
        .filter(|found| found.symptom.entity.name == board.case.service)
        .filter_map(|found| match (found.symptom.kind, found.symptom.direction) {
            (IndicatorKind::Errors, Direction::Up | Direction::New) if found.symptom.observed <= 1.0 => {
                Some(found.symptom.observed)
            }
            (IndicatorKind::Errors, Direction::Down) if found.symptom.observed <= 100.0 => {
                Some(1.0 - found.symptom.observed / 100.0)
            }
            (IndicatorKind::Latency | IndicatorKind::SelfTime, Direction::Up) => Some(0.2),
            _ => None,
        })
        .fold(0.1, f64::max)
}
