use std::collections::{BTreeMap, BTreeSet};

use super::model::VarSpec;
use crate::domain::Labels;

/// Variables that every runbook may use without declaring them.
pub const BUILT_IN: [&str; 8] =
    ["service", "onset", "new_version", "old_version", "pod", "node", "instance", "namespace"];

/// Values of variables. They come from alert labels and telemetry, so they are hostile text until
/// [`super::bind`] has quoted them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vars {
    values: BTreeMap<String, String>,
}

impl Vars {
    pub fn new() -> Self {
        Self::default()
    }

    /// Values for a runbook's variables. What is `known` comes first (the suspect's service, the onset,
    /// versions of a change), then the labels in the order that the runbook gives, then its default.
    /// Built-in variables that it does not declare take the label of their own name. Empty values do not
    /// count.
    ///
    /// Pass the labels of alerts about this suspect only: the pod of another service is no value here.
    pub fn of(specs: &BTreeMap<String, VarSpec>, labels: &Labels, known: &[(&str, &str)]) -> Self {
        let mut vars = Self::default();
        for (name, spec) in specs {
            let label =
                spec.labels.iter().filter_map(|label| labels.get(label)).find(|value| !value.is_empty());
            if let Some(value) = label.or(spec.default.as_ref()) {
                vars.set(name, value);
            }
        }
        for name in BUILT_IN.iter().filter(|name| !specs.contains_key(**name)) {
            if let Some(value) = labels.get(*name) {
                vars.set(name, value);
            }
        }
        for (name, value) in known {
            vars.set(name, value);
        }
        vars
    }

    /// Sets a value; an empty one changes nothing.
    pub fn set(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.values.insert(name.to_owned(), value.to_owned());
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// Part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Literal(&'a str),
    /// `$name` or `${name}`, and the byte at which it stands.
    Variable {
        name: &'a str,
        offset: usize,
    },
}

/// Takes a template apart. What is not `$` and a lower-case name (`$NF`, `$1`, `${X:-y}`) is literal.
pub(super) fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut literal_from = 0;
    for (offset, _) in template.match_indices('$') {
        let Some((name, length)) = template.get(offset + 1..).and_then(variable) else { continue };
        if let Some(literal) = template.get(literal_from..offset)
            && !literal.is_empty()
        {
            pieces.push(Piece::Literal(literal));
        }
        pieces.push(Piece::Variable { name, offset });
        literal_from = offset + 1 + length;
    }
    if let Some(literal) = template.get(literal_from..)
        && !literal.is_empty()
    {
        pieces.push(Piece::Literal(literal));
    }
    pieces
}

/// The name that `rest`, which follows a `$`, begins with, and how many bytes it takes.
fn variable(rest: &str) -> Option<(&str, usize)> {
    if let Some(braced) = rest.strip_prefix('{') {
        let (name, _) = braced.split_once('}')?;
        return is_name(name).then_some((name, name.len() + 2));
    }
    let end = rest.find(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '_')).unwrap_or(rest.len());
    let name = rest.get(..end)?;
    is_name(name).then_some((name, end))
}

/// Whether a text can be the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
}

/// Names of a template's variables that are neither declared nor built in, each with its first place.
pub(super) fn unknown<'a>(template: &'a str, declared: &BTreeMap<String, VarSpec>) -> Vec<(&'a str, usize)> {
    let mut seen = BTreeSet::new();
    pieces(template)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable { name, offset } => Some((name, offset)),
            Piece::Literal(_) => None,
        })
        .filter(|(name, _)| !declared.contains_key(*name) && !BUILT_IN.contains(name) && seen.insert(*name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_variables_and_leaves_the_rest() {
        use Piece::{Literal, Variable};
        assert_eq!(
            pieces("a $pod ${node}b $NF $1 ${X:-y} $"),
            [
                Literal("a "),
                Variable { name: "pod", offset: 2 },
                Literal(" "),
                Variable { name: "node", offset: 7 },
                Literal("b $NF $1 ${X:-y} $"),
            ]
        );
        assert_eq!(pieces(""), []);
        assert_eq!(pieces("$$pod"), [Literal("$"), Variable { name: "pod", offset: 1 }]);
    }

    #[test]
    fn values_come_from_what_is_known_then_labels_in_order_then_the_default() {
        let spec = |labels: &[&str], default: Option<&str>| VarSpec {
            labels: labels.iter().map(ToString::to_string).collect(),
            default: default.map(str::to_owned),
        };
        let specs = BTreeMap::from([
            ("service".to_owned(), spec(&["service", "app", "job"], None)),
            ("namespace".to_owned(), spec(&["namespace"], Some("default"))),
            ("queue".to_owned(), spec(&["queue"], None)),
        ]);
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = Labels::from([
            label("app", "cart"),
            label("job", "j"),
            label("service", ""),
            label("pod", "p-1"),
        ]);
        let vars = Vars::of(&specs, &labels, &[("onset", "12:00"), ("new_version", "")]);
        assert_eq!(vars.get("service"), Some("cart"));
        assert_eq!(vars.get("namespace"), Some("default"));
        assert_eq!(vars.get("pod"), Some("p-1"));
        assert_eq!(vars.get("onset"), Some("12:00"));
        assert_eq!((vars.get("queue"), vars.get("new_version")), (None, None));
        assert_eq!(Vars::of(&specs, &labels, &[("service", "db")]).get("service"), Some("db"));
    }
}
