use std::{collections::BTreeMap, time::Duration};

use super::{
    fields::{Fields, LONGEST, entries, pattern},
    finding::{Findings, Placed},
    model::{Pattern, VarSpec},
    node::{Node, Value},
};
use crate::domain::{Action, Approval, Blast, Risk};

/// What the YAML on top of a runbook says, with the places that lint points at.
#[derive(Default)]
pub(super) struct FrontMatter {
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) owners: Vec<String>,
    pub(super) reviewed: Option<String>,
    pub(super) source: Option<String>,
    pub(super) rules: Rules,
    pub(super) vars: BTreeMap<String, VarSpec>,
    pub(super) hypotheses: Vec<Hypothesis>,
    pub(super) steps: Vec<Step>,
}

#[derive(Default)]
pub(super) struct Rules {
    pub(super) alerts: Vec<Pattern>,
    pub(super) labels: BTreeMap<String, Pattern>,
    pub(super) services: Vec<Pattern>,
    pub(super) metrics: Vec<Placed<String>>,
    pub(super) logs: Vec<Placed<String>>,
    pub(super) traces: Vec<Placed<String>>,
}

pub(super) struct Hypothesis {
    pub(super) key: Placed<String>,
    pub(super) claim: Placed<String>,
    pub(super) prior: Option<Placed<f64>>,
    pub(super) expects: Vec<(Placed<String>, bool)>,
    pub(super) steps: Vec<Placed<String>>,
}

pub(super) struct Step {
    pub(super) id: Placed<String>,
    pub(super) action: Action,
    pub(super) risk: Placed<Risk>,
    pub(super) reversible: bool,
    pub(super) undo: Option<Placed<String>>,
    pub(super) blast: Blast,
    pub(super) eta: Duration,
    pub(super) verify: Option<Placed<String>>,
    pub(super) within: Option<Duration>,
    pub(super) needs: Vec<String>,
    pub(super) approval: Option<Approval>,
}

/// Reads the front matter, reporting all that is wrong with it.
pub(super) fn read(root: &Node, findings: &mut Findings) -> FrontMatter {
    let mut fields = Fields::of(root, "the front matter", findings);
    fields.take("quell");
    let id = fields.required("id").and_then(|node| fields.text(node));
    let mut matter = FrontMatter {
        id: id.map_or_else(String::new, |id| id.value),
        title: fields.optional_text("title").map(|title| title.value),
        owners: fields.texts("owners").into_iter().map(|owner| owner.value).collect(),
        source: fields.optional_text("source").map(|source| source.value),
        ..FrontMatter::default()
    };
    if let Some(node) = fields.node("id")
        && !matter.id.is_empty()
        && !is_id(&matter.id)
    {
        let message =
            format!("id `{}` must be 2 to 64 of a-z, 0-9 and -, beginning with a letter or digit", matter.id);
        fields.findings.error("RB007", node.at, message);
    }
    if let Some(reviewed) = fields.optional_text("reviewed") {
        if reviewed.value.parse::<jiff::civil::Date>().is_err() {
            let message = format!("reviewed `{}` is not a date like 2026-03-01", reviewed.value);
            fields.findings.error("RB005", reviewed.at, message);
        }
        matter.reviewed = Some(reviewed.value);
    }
    let (rules, vars) = (fields.take("match"), fields.take("vars"));
    let (hypotheses, steps) = (fields.take("hypotheses"), fields.take("steps"));
    fields.finish();
    if let Some(node) = rules {
        matter.rules = read_rules(node, findings);
    }
    for (name, node) in entries(vars, "vars", findings) {
        let mut fields = Fields::of(node, &format!("variable `{}`", name.value), findings);
        let labels = fields.texts("labels").into_iter().map(|label| label.value).collect();
        let default = fields.optional_text("default").map(|default| default.value);
        fields.finish();
        if !super::vars::is_name(&name.value) {
            let message = format!("variable `{}` must be lower-case letters, digits and _", name.value);
            findings.error("RB007", name.at, message);
        }
        matter.vars.insert(name.value, VarSpec { labels, default });
    }
    for (key, node) in entries(hypotheses, "hypotheses", findings) {
        matter.hypotheses.push(read_hypothesis(key, node, findings));
    }
    for (id, node) in entries(steps, "steps", findings) {
        matter.steps.push(read_step(id, node, findings));
    }
    matter
}

fn is_id(id: &str) -> bool {
    (2..=64).contains(&id.len())
        && !id.starts_with('-')
        && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn read_rules(node: &Node, findings: &mut Findings) -> Rules {
    let mut fields = Fields::of(node, "match", findings);
    let rules = Rules {
        alerts: fields.patterns("alerts"),
        services: fields.patterns("services"),
        metrics: fields.texts("metrics"),
        logs: fields.texts("logs"),
        traces: fields.texts("traces"),
        labels: BTreeMap::new(),
    };
    let labels = fields.take("labels");
    fields.finish();
    let mut labels_read = BTreeMap::new();
    for (name, node) in entries(labels, "match.labels", findings) {
        let mut fields = Fields::empty("match.labels", findings);
        if let Some(pattern) = fields.text(node).and_then(|text| pattern(&text, fields.findings)) {
            labels_read.insert(name.value, pattern);
        }
    }
    Rules { labels: labels_read, ..rules }
}

fn read_hypothesis(key: Placed<String>, node: &Node, findings: &mut Findings) -> Hypothesis {
    let mut fields = Fields::of(node, &format!("hypothesis `{}`", key.value), findings);
    let claim = fields.required("claim").and_then(|node| fields.text(node));
    let prior = fields.take("prior").and_then(|node| match node.value {
        Value::Number(prior) => Some(Placed::new(prior, node.at)),
        _ => {
            fields.wrong(node, "a number from 0 to 1");
            None
        }
    });
    if let Some(prior) = &prior
        && !(0.0..=1.0).contains(&prior.value)
    {
        fields.findings.error("RB010", prior.at, format!("prior {} is not within 0 and 1", prior.value));
    }
    let expects = fields.take("expects");
    let steps = if fields.required("steps").is_some() { fields.texts("steps") } else { Vec::new() };
    fields.finish();
    let mut expects_read = Vec::new();
    for (check, node) in entries(expects, "expects", findings) {
        match node.value {
            Value::Bool(expected) => expects_read.push((check, expected)),
            _ => findings.error("RB005", node.at, format!("`{}` expects true or false", check.value)),
        }
    }
    let claim = claim.unwrap_or_else(|| Placed::new(String::new(), key.at));
    Hypothesis { key, claim, prior, expects: expects_read, steps }
}

fn read_step(id: Placed<String>, node: &Node, findings: &mut Findings) -> Step {
    let mut fields = Fields::of(node, &format!("step `{}`", id.value), findings);
    let action = fields.word("action", true, Action::parse, || Action::ALL.iter().map(|a| a.as_str()));
    let risk = fields.word("risk", true, Risk::parse, || Risk::ALL.iter().map(|risk| risk.as_str()));
    let blast = fields.word("blast", true, Blast::parse, || Blast::ALL.iter().map(|blast| blast.as_str()));
    let approval =
        fields.word("approval", false, Approval::parse, || Approval::ALL.iter().map(|a| a.as_str()));
    let reversible = fields.required("reversible").and_then(|node| match node.value {
        Value::Bool(reversible) => Some(reversible),
        _ => {
            fields.wrong(node, "true or false");
            None
        }
    });
    let eta = fields.required("eta").and_then(|node| fields.duration(node));
    let within = fields.take("within").and_then(|node| fields.duration(node));
    let undo = fields.optional_text("undo");
    let verify = fields.optional_text("verify");
    let needs = fields.texts("needs").into_iter().map(|need| need.value).collect();
    fields.finish();
    // where a value is missing or wrong an error has been found, so none of these stand-ins is ever used
    Step {
        action: action.map_or(Action::Manual, |action| action.value),
        risk: risk.unwrap_or_else(|| Placed::new(Risk::Unknown, id.at)),
        reversible: reversible.unwrap_or(true),
        blast: blast.map_or(Blast::Global, |blast| blast.value),
        eta: eta.unwrap_or(LONGEST),
        approval: approval.map(|approval| approval.value),
        id,
        undo,
        verify,
        within,
        needs,
    }
}
