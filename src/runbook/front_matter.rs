use std::{collections::BTreeMap, time::Duration};

use super::{
    finding::{Findings, Place, Placed, hint},
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

/// Longest time that a step or a verification may name; more is a slip of the pen.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

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

/// The pairs of a map, each name once; none when there is no map.
fn entries<'a>(
    node: Option<&'a Node>,
    what: &str,
    findings: &mut Findings,
) -> Vec<(Placed<String>, &'a Node)> {
    let Some(node) = node else { return Vec::new() };
    let Value::Map(pairs) = &node.value else {
        let message = format!("{what} must be a map, this is {}", node.value.kind());
        findings.error("RB005", node.at, message);
        return Vec::new();
    };
    let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
    let mut kept = Vec::new();
    for (key, value) in pairs {
        if let Some(first) = seen.get(key.value.as_str()) {
            let message = format!("`{}` stands twice in {what}, first in line {}", key.value, first.line);
            findings.error("RB004", key.at, message);
        } else {
            seen.insert(&key.value, key.at);
            kept.push((key.clone(), value));
        }
    }
    kept
}

/// `/regex/` or exact text.
fn pattern(text: &Placed<String>, findings: &mut Findings) -> Option<Pattern> {
    let regex = text.value.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let Some(regex) = regex else {
        return Some(Pattern::Exact(text.value.clone()));
    };
    match super::lint::regex(&format!("^(?:{regex})$")) {
        Ok(regex) => Some(Pattern::Regex(regex)),
        Err(error) => {
            findings.error(
                "RB013",
                text.at,
                format!("`{}` is not a regular expression: {error}", text.value),
            );
            None
        }
    }
}

/// A map whose keys are known: what is asked for is taken, what is left over is reported.
struct Fields<'n, 'f> {
    what: String,
    at: Place,
    pairs: Vec<(Placed<String>, &'n Node)>,
    asked: Vec<&'static str>,
    findings: &'f mut Findings,
}

impl<'n, 'f> Fields<'n, 'f> {
    fn of(node: &'n Node, what: &str, findings: &'f mut Findings) -> Self {
        let pairs = entries(Some(node), what, findings);
        Self { what: what.to_owned(), at: node.at, pairs, asked: Vec::new(), findings }
    }

    fn empty(what: &str, findings: &'f mut Findings) -> Self {
        let (pairs, asked) = (Vec::new(), Vec::new());
        Self { what: what.to_owned(), at: Place::default(), pairs, asked, findings }
    }

    fn node(&self, key: &str) -> Option<&'n Node> {
        self.pairs.iter().find(|(name, _)| name.value == key).map(|(_, node)| *node)
    }

    fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.node(key)
    }

    fn required(&mut self, key: &'static str) -> Option<&'n Node> {
        let node = self.take(key);
        if node.is_none() {
            self.findings.error("RB006", self.at, format!("{} has no `{key}`", self.what));
        }
        node
    }

    fn wrong(&mut self, node: &Node, wanted: &str) {
        let kind = node.value.kind();
        self.findings.error("RB005", node.at, format!("{}: wanted {wanted}, this is {kind}", self.what));
    }

    fn text(&mut self, node: &Node) -> Option<Placed<String>> {
        match &node.value {
            Value::Text(text) => Some(Placed::new(text.clone(), node.at)),
            _ => {
                self.wrong(node, "text (put it in quotes)");
                None
            }
        }
    }

    fn optional_text(&mut self, key: &'static str) -> Option<Placed<String>> {
        self.take(key).and_then(|node| self.text(node))
    }

    fn texts(&mut self, key: &'static str) -> Vec<Placed<String>> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong(node, &format!("a list for `{key}`"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item)).collect()
    }

    fn patterns(&mut self, key: &'static str) -> Vec<Pattern> {
        let texts = self.texts(key);
        texts.iter().filter_map(|text| pattern(text, self.findings)).collect()
    }

    fn word<T, W: Iterator<Item = &'static str>>(
        &mut self,
        key: &'static str,
        required: bool,
        parse: impl Fn(&str) -> Option<T>,
        words: impl Fn() -> W,
    ) -> Option<Placed<T>> {
        let node = if required { self.required(key) } else { self.take(key) };
        let word = node.and_then(|node| self.text(node))?;
        let value = parse(&word.value);
        if value.is_none() {
            let hint = hint(&word.value, words());
            let known = words().collect::<Vec<_>>().join(", ");
            let message = format!("{key} `{}` is not known{hint} (known: {known})", word.value);
            self.findings.error("RB008", word.at, message);
        }
        value.map(|value| Placed::new(value, word.at))
    }

    fn duration(&mut self, node: &Node) -> Option<Duration> {
        if let Value::Number(number) = node.value {
            self.findings.error(
                "RB009",
                node.at,
                format!("`{number}` has no unit: write {number}s or {number}m"),
            );
            return None;
        }
        let text = self.text(node)?;
        match humantime::parse_duration(&text.value) {
            Ok(duration) if duration <= LONGEST => Some(duration),
            Ok(_) => {
                self.findings.error("RB009", text.at, format!("`{}` is longer than 30 days", text.value));
                None
            }
            Err(error) => {
                let message = format!("`{}` is not a duration like 30s, 4m or 1h30m: {error}", text.value);
                self.findings.error("RB009", text.at, message);
                None
            }
        }
    }

    fn finish(self) {
        for (name, _) in &self.pairs {
            if !self.asked.contains(&name.value.as_str()) {
                let hint = hint(&name.value, self.asked.iter().copied());
                let message = format!("{} knows no key `{}`{hint}", self.what, name.value);
                self.findings.error("RB003", name.at, message);
            }
        }
    }
}
