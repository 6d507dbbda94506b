use std::collections::{BTreeMap, BTreeSet};

use quell_sdk::local::{logql, promql, traceql};
use regex::{Regex, RegexBuilder};

use super::{
    At, BindError, Vars, balance,
    bind::show,
    blocks::Document,
    finding::{Findings, Place, hint},
    front_matter::{FrontMatter, Hypothesis, Step},
    lint_blocks::{Linked, Role},
    vars,
};
use crate::domain::{Action, FaultClass, Language, Risk};

/// A regular expression of bounded cost, or why not, in one line.
pub(super) fn regex(text: &str) -> Result<Regex, String> {
    const LONGEST: usize = 1_000;
    if text.len() > LONGEST {
        return Err(format!("longer than {LONGEST} characters"));
    }
    RegexBuilder::new(text).size_limit(1 << 20).dfa_size_limit(1 << 20).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it grows too big".to_owned(),
        error => {
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// Lints the front matter against the blocks of the text.
pub(super) fn check(
    matter: &FrontMatter,
    document: &Document,
    linked: &[Linked<'_>],
    findings: &mut Findings,
) {
    let ids = Ids::of(matter, linked);
    if matter.hypotheses.is_empty() {
        findings.warn("RB031", TOP, "it has no hypotheses, so there is nothing to test");
    }
    for hypothesis in &matter.hypotheses {
        check_hypothesis(hypothesis, matter, &ids, findings);
    }
    let sum: f64 = matter.hypotheses.iter().filter_map(|h| h.prior.as_ref()).map(|prior| prior.value).sum();
    if sum > 1.0 + 1e-9
        && let Some(last) = matter.hypotheses.iter().rev().find_map(|h| h.prior.as_ref())
    {
        findings.warn("RB011", last.at, format!("the priors of rival hypotheses sum to {sum:.2}, above 1"));
    }
    for step in &matter.steps {
        check_step(step, &ids, findings);
    }
    check_rules(matter, findings);
    check_use(matter, linked, findings);
    for title in ["Meaning", "Impact", "Diagnosis", "Mitigation"] {
        if document.section(title).is_none() {
            findings.warn("RB027", TOP, format!("it has no section `## {title}`"));
        }
    }
}

/// The first line of the front matter, for what is missing as a whole.
const TOP: Place = Place { line: 1, column: 1 };

/// Ids that the file defines.
struct Ids<'a> {
    checks: BTreeSet<&'a str>,
    step_blocks: BTreeSet<&'a str>,
    verifications: BTreeSet<&'a str>,
    steps: BTreeSet<&'a str>,
}

impl<'a> Ids<'a> {
    fn of(matter: &'a FrontMatter, linked: &'a [Linked<'a>]) -> Self {
        let of = |role| linked.iter().filter(|l| l.role == role).map(|l| l.id.as_str()).collect();
        Self {
            checks: of(Role::Check),
            step_blocks: of(Role::Step),
            verifications: of(Role::Verify),
            steps: matter.steps.iter().map(|step| step.id.value.as_str()).collect(),
        }
    }
}

fn check_hypothesis(hypothesis: &Hypothesis, matter: &FrontMatter, ids: &Ids<'_>, findings: &mut Findings) {
    let key = &hypothesis.key;
    if FaultClass::parse(&key.value).is_none() {
        let words: Vec<String> =
            FaultClass::ALL.iter().map(|fault| fault.as_str().replace('_', "-")).collect();
        let hint = hint(&key.value, words.iter().map(String::as_str));
        let message =
            format!("hypothesis `{}` is no fault class, so it cannot be joined with others{hint}", key.value);
        findings.warn("RB029", key.at, message);
    }
    for (name, _) in vars::unknown(&hypothesis.claim.value, &matter.vars) {
        unknown_variable(name, hypothesis.claim.at, matter, findings);
    }
    for (check, _) in &hypothesis.expects {
        if !ids.checks.contains(check.value.as_str()) {
            let hint = hint(&check.value, ids.checks.iter().copied());
            let message =
                format!("hypothesis `{}`: no block has the check `{}`{hint}", key.value, check.value);
            findings.error("RB020", check.at, message);
        }
    }
    for step in &hypothesis.steps {
        if !ids.steps.contains(step.value.as_str()) {
            let hint = hint(&step.value, ids.steps.iter().copied());
            let message =
                format!("hypothesis `{}`: `steps` does not describe `{}`{hint}", key.value, step.value);
            findings.error("RB021", step.at, message);
        }
    }
}

fn check_step(step: &Step, ids: &Ids<'_>, findings: &mut Findings) {
    let id = &step.id;
    if !ids.step_blocks.contains(id.value.as_str()) {
        let message = format!("step `{}` has no block {{\"step\":\"{}\"}} in the text", id.value, id.value);
        findings.error("RB022", id.at, message);
    }
    if let Some(undo) = &step.undo
        && !(ids.step_blocks.contains(undo.value.as_str()) && ids.steps.contains(undo.value.as_str()))
    {
        let hint = hint(&undo.value, ids.steps.iter().copied());
        findings.error(
            "RB024",
            undo.at,
            format!("step `{}`: no step `{}` to undo it{hint}", id.value, undo.value),
        );
    }
    let needs_no_undo = matches!(
        step.action,
        Action::Restart | Action::RollForward | Action::Wait | Action::Escalate | Action::ThrottleLoadShed
    );
    if step.reversible && step.undo.is_none() && !needs_no_undo {
        findings.warn("RB024", id.at, format!("step `{}` is reversible but names no undo step", id.value));
    }
    if !step.reversible && matches!(step.risk.value, Risk::None | Risk::Low) {
        let message = format!(
            "step `{}` cannot be taken back, so its risk is not {}",
            id.value,
            step.risk.value.as_str()
        );
        findings.error("RB025", step.risk.at, message);
    }
    match &step.verify {
        Some(verify) if !ids.verifications.contains(verify.value.as_str()) => {
            let hint = hint(&verify.value, ids.verifications.iter().copied());
            let message =
                format!("step `{}`: no block has the verification `{}`{hint}", id.value, verify.value);
            findings.error("RB026", verify.at, message);
        }
        None if !matches!(step.action, Action::RollForward | Action::Escalate | Action::Wait) => {
            findings.warn("RB026", id.at, format!("step `{}` has no verification", id.value));
        }
        _ => {}
    }
}

fn check_rules(matter: &FrontMatter, findings: &mut Findings) {
    let rules = &matter.rules;
    if rules.alerts.is_empty() && rules.labels.is_empty() && rules.services.is_empty() {
        findings.warn("RB030", TOP, "`match` names no alerts, labels or services: only its text can find it");
    }
    for (queries, language) in [(&rules.metrics, Language::Promql), (&rules.traces, Language::Traceql)] {
        for query in queries {
            for (name, _) in vars::unknown(&query.value, &matter.vars) {
                unknown_variable(name, query.at, matter, findings);
            }
            match parses(&query.value, language, matter) {
                Ok(None) => {}
                Ok(Some(more)) => findings.warn("RB034", query.at, own_sources(language, &more)),
                Err((_, error)) => {
                    let message = format!("this {} does not parse: {error}", language.as_str());
                    findings.error("RB018", query.at, message);
                }
            }
        }
    }
    for log in &rules.logs {
        if let Err(error) = regex(&log.value) {
            findings.error("RB013", log.at, format!("`{}` is not a regular expression: {error}", log.value));
        }
    }
}

/// What is defined and never used.
fn check_use(matter: &FrontMatter, linked: &[Linked<'_>], findings: &mut Findings) {
    let expected: BTreeSet<_> =
        matter.hypotheses.iter().flat_map(|h| &h.expects).map(|(check, _)| check.value.as_str()).collect();
    let verified: BTreeSet<_> =
        matter.steps.iter().filter_map(|step| step.verify.as_ref()).map(|v| v.value.as_str()).collect();
    let undone = matter.steps.iter().filter_map(|step| step.undo.as_ref()).map(|undo| undo.value.as_str());
    let taken: BTreeSet<_> = matter
        .hypotheses
        .iter()
        .flat_map(|h| &h.steps)
        .map(|step| step.value.as_str())
        .chain(undone)
        .collect();
    for block in linked {
        let (what, used) = match block.role {
            Role::Check => ("no hypothesis expects the check", expected.contains(block.id.as_str())),
            Role::Verify => ("no step uses the verification", verified.contains(block.id.as_str())),
            Role::Step => continue,
        };
        if !used {
            findings.warn("RB028", block.at, format!("{what} `{}`", block.id));
        }
    }
    for step in &matter.steps {
        if !taken.contains(step.id.value.as_str()) {
            findings.warn("RB028", step.id.at, format!("no hypothesis takes the step `{}`", step.id.value));
        }
    }
}

pub(super) fn unknown_variable(name: &str, at: Place, matter: &FrontMatter, findings: &mut Findings) {
    let known = matter.vars.keys().map(String::as_str).chain(vars::BUILT_IN);
    let message = format!("variable ${name} is neither built in nor declared in `vars`{}", hint(name, known));
    findings.error("RB017", at, message);
}

/// Whether a query parses with stand-ins for its variables; the byte is of the query as written. What is
/// well formed but more than quell itself can evaluate is said too.
pub(super) fn parses(
    query: &str,
    language: Language,
    matter: &FrontMatter,
) -> Result<Option<String>, (usize, String)> {
    balance::check(query)?;
    if query.trim().is_empty() {
        return Err((0, "it is empty".to_owned()));
    }
    let mut stand_ins = Vars::new();
    let declared = matter.vars.iter().map(|(name, spec)| (name.as_str(), spec.default.as_deref()));
    for (name, default) in vars::BUILT_IN.iter().map(|name| (*name, None)).chain(declared) {
        stand_ins.set(name, default.unwrap_or("x"));
    }
    let shown = show(query, &stand_ins, language);
    if let Some(error) = shown.unbound.into_iter().find(|error| matches!(error, BindError::Unfit { .. })) {
        return Err((0, error.to_string()));
    }
    let evaluated = match language {
        Language::Promql => {
            return promql::check(&shown.text).map(|()| None).map_err(|error| (0, error.message));
        }
        Language::Logql | Language::Traceql if !query.contains('{') => {
            return Err((0, "it has no selector in braces".to_owned()));
        }
        Language::Logql => logql::check(&shown.text),
        Language::Traceql => traceql::check(&shown.text),
        _ => return Ok(None),
    };
    Ok(evaluated.err().map(|error| error.message))
}

/// A server may understand a query that quell's own sources do not.
pub(super) fn own_sources(language: Language, why: &str) -> String {
    format!("bundles and the OTLP window cannot answer this {}: {why}", language.as_str())
}

/// Words for `at`, in one place for lint and parse.
pub(super) fn at(word: &str) -> Option<At> {
    match word {
        "now" => Some(At::Now),
        "onset" => Some(At::Onset),
        _ => None,
    }
}

/// Groups linked blocks by role and id, to find ids that stand twice.
pub(super) fn repeats<'a>(linked: &'a [Linked<'a>]) -> Vec<(&'a Linked<'a>, &'a Linked<'a>)> {
    let mut first: BTreeMap<(Role, &str), &Linked<'_>> = BTreeMap::new();
    let mut repeats = Vec::new();
    for block in linked {
        if let Some(earlier) = first.get(&(block.role, block.id.as_str())) {
            repeats.push((block, *earlier));
        } else {
            first.insert((block.role, &block.id), block);
        }
    }
    repeats
}
