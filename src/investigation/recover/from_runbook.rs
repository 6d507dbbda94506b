//! Recovery paths that a runbook's author wrote down.

use crate::{
    domain::{Language, Step, StepKind, Verification},
    runbook::{Runbook, Shown, StepSpec, Vars, show},
};

/// The steps of a path: checks of the runbook by hand where they are commands, the act, its undo.
pub(super) fn steps(runbook: &Runbook, spec: &StepSpec, vars: &Vars) -> Vec<Step> {
    let mut steps = Vec::new();
    if !spec.needs.is_empty() {
        steps.push(Step {
            kind: StepKind::Check,
            text: format!("Needs: {}", spec.needs.join("; ")),
            language: Language::Text,
            command: String::new(),
        });
    }
    steps.push(step(StepKind::Act, spec, vars));
    if let Some(undo) = spec.undo.as_ref().and_then(|undo| runbook.steps.get(undo)) {
        steps.push(step(StepKind::Undo, undo, vars));
    }
    steps
}

fn step(kind: StepKind, spec: &StepSpec, vars: &Vars) -> Step {
    let mut shown = show(&spec.command, vars, spec.language);
    if !shown.unbound.is_empty() {
        // half of a command filled in looks like the whole
        shown.text = show(&spec.command, &Vars::new(), spec.language).text;
    }
    let text = if spec.text.is_empty() { &spec.title } else { &spec.text };
    step_of(kind, text, spec.language, &shown)
}

/// A step as it is shown, with what is to be filled in by hand.
pub(super) fn step_of(kind: StepKind, text: &str, language: Language, shown: &Shown) -> Step {
    let mut text = text.to_owned();
    if !shown.unbound.is_empty() {
        let names: Vec<String> = shown.unbound.iter().map(ToString::to_string).collect();
        text.push_str(&format!(" (fill in: {})", names.join(", ")));
    }
    Step { kind, text, language, command: shown.text.trim().to_owned() }
}

/// How the author would see that a step worked.
pub(super) fn verification(runbook: &Runbook, spec: &StepSpec, vars: &Vars) -> Option<Verification> {
    let verify = runbook.verifications.get(spec.verify.as_ref()?)?;
    let query = crate::runbook::bind(&verify.query, vars, verify.language).ok()?;
    Some(Verification {
        language: verify.language,
        query: query.trim().to_owned(),
        expect: verify.expect.to_string(),
        hold: verify.hold,
        within: spec.within.unwrap_or(spec.eta * 2),
    })
}
