//! Recovery paths from a plain runbook that the alert calls: its commands as they stand, with the risk that their verbs
//! have.

use super::{
    efficacy::efficacy,
    from_runbook::step_of,
    gates,
    paths::{Context, blank, finish, verification},
};
use crate::{
    domain::{Entity, Hypothesis, Language, RecoveryPath, Risk, StepKind},
    investigation::imported::Called,
    runbook::import::ImportedStep,
};

/// Steps of which nobody knows what they do against the cause: shown last, and no more than these.
const MOST_OTHERS: usize = 5;

/// Paths to be ranked with the others, and such as come after all of them: of unknown effect, or with a variable that has
/// no value here.
pub(super) fn paths(
    hypotheses: &[Hypothesis],
    context: &Context<'_>,
) -> (Vec<RecoveryPath>, Vec<RecoveryPath>) {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for called in context.called {
        let steps = called.runbook.imported.iter().flat_map(|imported| &imported.steps);
        let mut steps: Vec<&ImportedStep> = steps.collect();
        // commands before words
        steps.sort_by_key(|step| step.language == Language::Text);
        for step in steps {
            match path(called, step, hypotheses, context) {
                Some((path, true)) => own.push(path),
                Some((path, false)) if others.len() < MOST_OTHERS => others.push(path),
                _ => {}
            }
        }
    }
    (own, others)
}

/// The path, and whether it can be ranked.
fn path(
    called: &Called,
    step: &ImportedStep,
    hypotheses: &[Hypothesis],
    context: &Context<'_>,
) -> Option<(RecoveryPath, bool)> {
    let effect = step.effect;
    let service = &context.board.case.service;
    let helps = hypotheses.iter().find(|hypothesis| {
        hypothesis.entity.service == *service
            && efficacy(effect.action, hypothesis.fault).is_some()
            && gates::has_what_it_undoes(effect.action, hypothesis, context.board)
    });
    let shown = step.command.show(&called.vars, step.language);
    let is_ranked = helps.is_some() && shown.unbound.is_empty() && effect.risk != Risk::Unknown;
    let hypothesis = helps.or_else(|| hypotheses.first())?;
    let target = Entity::service(service.as_str());
    let target = if is_ranked { hypothesis.entity.clone() } else { target };
    let words = if step.text.is_empty() { &step.title } else { &step.text };
    let mut path = RecoveryPath {
        title: format!("{} (runbook {})", short(words), called.runbook.id),
        risk: effect.risk,
        reversible: effect.reversible,
        blast: effect.blast,
        eta: effect.eta,
        runbook: Some(called.runbook.id.clone()),
        ..blank(effect.action, &target, hypothesis)
    };
    if !is_ranked {
        path.hypotheses.clear();
        let why = if shown.unbound.is_empty() {
            "what it does against this is not known: it is what the runbook of this alert says"
        } else {
            "a variable of it has no value here: it is shown as it was written"
        };
        path.gates.push(why.to_owned());
    }
    let verification = verification(context.board, &target, path.eta);
    finish(&mut path, vec![step_of(StepKind::Act, words, step.language, &shown)], verification);
    Some((path, is_ranked))
}

/// The beginning of a sentence.
fn short(words: &str) -> String {
    const LONGEST: usize = 80;
    let first = words.split(". ").next().unwrap_or_default().trim_end_matches(['.', ':']);
    if first.chars().nth(LONGEST).is_none() {
        return first.to_owned();
    }
    first.chars().take(LONGEST).chain(['…']).collect()
}
