use std::{collections::BTreeMap, time::Duration};

use super::{
    finding::{Findings, Place, Placed, hint},
    model::Pattern,
    node::{Node, Value},
};

/// Longest time that a step or a verification may name; more is a slip of the pen.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The pairs of a map, each name once; none when there is no map.
pub(super) fn entries<'a>(
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
pub(super) fn pattern(text: &Placed<String>, findings: &mut Findings) -> Option<Pattern> {
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
pub(super) struct Fields<'n, 'f> {
    what: String,
    at: Place,
    pairs: Vec<(Placed<String>, &'n Node)>,
    asked: Vec<&'static str>,
    pub(super) findings: &'f mut Findings,
}

impl<'n, 'f> Fields<'n, 'f> {
    pub(super) fn of(node: &'n Node, what: &str, findings: &'f mut Findings) -> Self {
        let pairs = entries(Some(node), what, findings);
        Self { what: what.to_owned(), at: node.at, pairs, asked: Vec::new(), findings }
    }

    pub(super) fn empty(what: &str, findings: &'f mut Findings) -> Self {
        let (pairs, asked) = (Vec::new(), Vec::new());
        Self { what: what.to_owned(), at: Place::default(), pairs, asked, findings }
    }

    pub(super) fn node(&self, key: &str) -> Option<&'n Node> {
        self.pairs.iter().find(|(name, _)| name.value == key).map(|(_, node)| *node)
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.node(key)
    }

    pub(super) fn required(&mut self, key: &'static str) -> Option<&'n Node> {
        let node = self.take(key);
        if node.is_none() {
            self.findings.error("RB006", self.at, format!("{} has no `{key}`", self.what));
        }
        node
    }

    pub(super) fn wrong(&mut self, node: &Node, wanted: &str) {
        let kind = node.value.kind();
        self.findings.error("RB005", node.at, format!("{}: wanted {wanted}, this is {kind}", self.what));
    }

    pub(super) fn text(&mut self, node: &Node) -> Option<Placed<String>> {
        match &node.value {
            Value::Text(text) => Some(Placed::new(text.clone(), node.at)),
            _ => {
                self.wrong(node, "text (put it in quotes)");
                None
            }
        }
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<Placed<String>> {
        self.take(key).and_then(|node| self.text(node))
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Placed<String>> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong(node, &format!("a list for `{key}`"));
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item)).collect()
    }

    pub(super) fn patterns(&mut self, key: &'static str) -> Vec<Pattern> {
        let texts = self.texts(key);
        texts.iter().filter_map(|text| pattern(text, self.findings)).collect()
    }

    pub(super) fn word<T, W: Iterator<Item = &'static str>>(
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

    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
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

    pub(super) fn finish(self) {
        for (name, _) in &self.pairs {
            if !self.asked.contains(&name.value.as_str()) {
                let hint = hint(&name.value, self.asked.iter().copied());
                let message = format!("{} knows no key `{}`{hint}", self.what, name.value);
                self.findings.error("RB003", name.at, message);
            }
        }
    }
}
