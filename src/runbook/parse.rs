use super::{
    blocks::{self, Document},
    finding::{Finding, Findings, Lines, Place, Severity},
    front_matter::{self, FrontMatter, Step},
    lint as rules,
    lint_blocks::{self, Linked, Role},
    model::{Check, MatchRules, Runbook, RunbookHypothesis, StepSpec, Verify},
    node::{self, Node, Value},
};
use crate::domain::FaultClass;

/// Largest file, in bytes.
pub(super) const LARGEST: usize = 1_048_576;
const LARGEST_FRONT_MATTER: usize = 262_144;

/// Reads a runbook in the native format. `None` when anything is an error; the findings then say what.
pub fn parse(file: &str, text: &str) -> (Option<Runbook>, Vec<Finding>) {
    if text.len() > LARGEST {
        let message = format!("it has {} bytes, more than {LARGEST}; split it", text.len());
        return (None, vec![Finding::of_file(Severity::Error, "RB012", file, message)]);
    }
    let mut findings = Findings::new(file);
    let runbook = read(file, text, &mut findings);
    let runbook = if findings.has_errors() { None } else { runbook };
    (runbook, findings.into_vec())
}

/// What is wrong with a runbook, in the order of the file.
pub fn lint(file: &str, text: &str) -> Vec<Finding> {
    parse(file, text).1
}

fn read(file: &str, text: &str, findings: &mut Findings) -> Option<Runbook> {
    let parts = split(text, findings)?;
    let root = node::read(parts.yaml, 2, findings)?;
    if !is_native(&root, findings) {
        return None;
    }
    let lines = Lines::new(text);
    let matter = front_matter::read(&root, findings);
    let document = blocks::read(parts.markdown, parts.markdown_offset, &lines, findings);
    let linked = lint_blocks::link(&document, &matter, &lines, findings);
    for block in linked.iter().filter(|block| block.role == Role::Step) {
        if !matter.steps.iter().any(|step| step.id.value == block.id) {
            let message = format!("`steps` in the front matter does not describe the step `{}`", block.id);
            findings.error("RB023", block.at, message);
        }
    }
    rules::check(&matter, &document, &linked, findings);
    if findings.has_errors() { None } else { Some(assemble(file, matter, &document, &linked)) }
}

struct Parts<'a> {
    yaml: &'a str,
    markdown: &'a str,
    markdown_offset: usize,
}

/// Cuts the front matter from the text.
fn split<'a>(text: &'a str, findings: &mut Findings) -> Option<Parts<'a>> {
    let top = Place { line: 1, column: 1 };
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut offset = text.len() - body.len();
    let mut yaml_start = None;
    for line in body.split_inclusive('\n') {
        let end = offset + line.len();
        match (yaml_start, line.trim_end()) {
            (None, "---") => yaml_start = Some(end),
            (None, _) => {
                findings.error("RB001", top, PLAIN);
                return None;
            }
            (Some(start), "---" | "...") => {
                let yaml = text.get(start..offset)?;
                if yaml.len() > LARGEST_FRONT_MATTER {
                    let message = format!("the front matter has more than {LARGEST_FRONT_MATTER} bytes");
                    findings.error("RB012", top, message);
                    return None;
                }
                return Some(Parts { yaml, markdown: text.get(end..)?, markdown_offset: end });
            }
            _ => {}
        }
        offset = end;
    }
    match yaml_start {
        Some(_) => findings.error("RB002", top, "the front matter never ends: a line `---` is missing"),
        None => findings.error("RB001", top, PLAIN),
    }
    None
}

const PLAIN: &str = "a plain file: it has no front matter that says `quell: 1`, so that quell shows it and tests nothing by it; `quell runbook import FILE --out DIR` makes one of this format";

fn is_native(root: &Node, findings: &mut Findings) -> bool {
    let version = match &root.value {
        Value::Map(pairs) => pairs.iter().find(|(key, _)| key.value == "quell").map(|(_, node)| node),
        _ => None,
    };
    match version.map(|node| (&node.value, node.at)) {
        None => findings.error("RB001", Place { line: 1, column: 1 }, PLAIN),
        Some((Value::Number(number), _)) if *number == 1.0 => return true,
        Some((_, at)) => {
            findings.error("RB001", at, "this version of the format is not known; it must be `quell: 1`");
        }
    }
    false
}

fn assemble(file: &str, matter: FrontMatter, document: &Document, linked: &[Linked<'_>]) -> Runbook {
    let of = |role| linked.iter().filter(move |block| block.role == role);
    let prose = |title| document.section(title).map_or_else(String::new, |section| section.prose.clone());
    let body = document.sections.iter().flat_map(|section| [section.title.as_str(), &section.prose]);
    let checks = of(Role::Check).filter_map(|linked| {
        let check = Check {
            id: linked.id.clone(),
            language: linked.language,
            query: linked.block.body.trim().to_owned(),
            expect: linked.expect.clone()?,
            at: linked.when,
            title: linked.block.title.clone(),
            text: linked.block.text.clone(),
        };
        Some((linked.id.clone(), check))
    });
    let verifications = of(Role::Verify).filter_map(|linked| {
        let verify = Verify {
            id: linked.id.clone(),
            language: linked.language,
            query: linked.block.body.trim().to_owned(),
            expect: linked.expect.clone()?,
            hold: linked.hold,
            text: linked.block.text.clone(),
        };
        Some((linked.id.clone(), verify))
    });
    let checks = checks.collect();
    let verifications = verifications.collect();
    let steps = matter.steps.into_iter().filter_map(|step| {
        let block = of(Role::Step).find(|block| block.id == step.id.value)?;
        Some((step.id.value.clone(), assemble_step(step, block)))
    });
    let steps = steps.collect();
    let title = matter.title.or_else(|| document.heading.clone()).unwrap_or_else(|| matter.id.clone());
    let rules = matter.rules;
    let values = |placed: Vec<super::finding::Placed<String>>| placed.into_iter().map(|p| p.value).collect();
    Runbook {
        title,
        body: body.collect::<Vec<_>>().join(" "),
        id: matter.id,
        owners: matter.owners,
        reviewed: matter.reviewed,
        source: matter.source,
        match_rules: MatchRules {
            alerts: rules.alerts,
            labels: rules.labels,
            services: rules.services,
            metrics: values(rules.metrics),
            logs: values(rules.logs),
            traces: values(rules.traces),
        },
        vars: matter.vars,
        hypotheses: matter
            .hypotheses
            .into_iter()
            .map(|hypothesis| RunbookHypothesis {
                fault: FaultClass::parse(&hypothesis.key.value),
                key: hypothesis.key.value,
                claim: hypothesis.claim.value,
                prior: hypothesis.prior.map(|prior| prior.value),
                expects: hypothesis.expects.into_iter().map(|(check, truth)| (check.value, truth)).collect(),
                steps: values(hypothesis.steps),
            })
            .collect(),
        steps,
        checks,
        verifications,
        meaning: prose("Meaning"),
        impact: prose("Impact"),
        file: file.to_owned(),
        imported: None,
    }
}

fn assemble_step(step: Step, linked: &Linked<'_>) -> StepSpec {
    StepSpec {
        id: step.id.value,
        action: step.action,
        risk: step.risk.value,
        reversible: step.reversible,
        undo: step.undo.map(|undo| undo.value),
        blast: step.blast,
        eta: step.eta,
        verify: step.verify.map(|verify| verify.value),
        within: step.within,
        needs: step.needs,
        approval: step.approval,
        title: linked.block.title.clone(),
        text: linked.block.text.clone(),
        language: linked.language,
        command: linked.block.body.trim_end().to_owned(),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
