//! `<namespace>`, `$NAMESPACE`, `${NS}` and `{{ .Labels.pod }}` in other people's runbooks become variables.

use std::collections::{BTreeMap, BTreeSet};

use super::shell::OPAQUE;
use crate::{
    domain::Language,
    runbook::{Shown, VarSpec, Vars, bind::show_pieces, vars, vars::Piece},
};

/// Text with variables in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable { name: String, spelled: String },
}

impl Template {
    /// As it was written.
    pub fn written(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Variable { spelled, .. } => spelled.as_str(),
            })
            .collect()
    }

    /// With variables as the native format has them.
    pub fn native(&self) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.clone(),
                Part::Variable { name, .. } => format!("${{{name}}}"),
            })
            .collect()
    }

    /// Names of its variables.
    pub fn names(&self) -> BTreeSet<&str> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Variable { name, .. } => Some(name.as_str()),
                Part::Literal(_) => None,
            })
            .collect()
    }

    /// Whether the native format would take something in it for a variable that is none.
    pub(super) fn is_native(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Literal(text) => {
                !vars::pieces(text).iter().any(|piece| matches!(piece, Piece::Variable { .. }))
            }
            Part::Variable { .. } => true,
        })
    }

    /// For a person, with everything filled in, or with nothing where something has no value: half of a command
    /// filled in looks like the whole.
    pub fn show(&self, vars: &Vars, language: Language) -> Shown {
        let full = show_pieces(self.pieces(), vars, language);
        if full.unbound.is_empty() {
            return full;
        }
        let text = show_pieces(self.pieces(), &Vars::new(), language).text;
        Shown { text, unbound: full.unbound }
    }

    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.parts.iter().map(|part| match part {
            Part::Literal(text) => Piece::Literal(text),
            Part::Variable { name, .. } => Piece::Variable { name, offset: 0 },
        })
    }
}

/// Text taken apart.
pub(super) struct Read {
    pub(super) template: Template,
    /// For the classifier: what stands in angle brackets or braces is opaque, the shell's own variables are as written.
    pub(super) line: String,
    /// What looks like a placeholder could be a redirection.
    pub(super) ambiguous: bool,
}

/// Variables of a runbook, as they are met.
#[derive(Default)]
pub(super) struct Variables {
    pub(super) specs: BTreeMap<String, VarSpec>,
    pub(super) spelled: BTreeMap<String, BTreeSet<String>>,
    /// What lines of the runbook itself assign: the value, or the label that it is the value of.
    assigned: BTreeMap<String, Assigned>,
}

#[derive(Clone)]
enum Assigned {
    Value(String),
    Label(String),
}

const MOST: usize = 100;
const LONGEST: usize = 80;

impl Variables {
    /// Remembers `NAME=value`.
    pub(super) fn assign(&mut self, name: &str, value: &str) {
        let value = value.trim().trim_matches(['"', '\'']);
        let label = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).map(of_words);
        let assigned = match label {
            Some(label) if label.1 => Assigned::Label(label.0),
            None if !value.is_empty() && value.len() < 256 && !value.contains(['$', '`', '<']) => {
                Assigned::Value(value.to_owned())
            }
            _ => return,
        };
        if self.assigned.len() < MOST {
            self.assigned.insert(normal(name), assigned);
        }
    }

    fn declare(&mut self, written: &str, spelled: &str) -> Option<String> {
        let (name, _) = of_words(written);
        if !self.specs.contains_key(&name) {
            if self.specs.len() >= MOST || name.len() > LONGEST || !vars::is_name(&name) {
                return None;
            }
            let mut labels: Vec<String> = labels_of(&name).iter().map(|label| (*label).to_owned()).collect();
            if labels.is_empty() {
                labels.push(name.clone());
            }
            let mut default = None;
            match self.assigned.get(&name) {
                Some(Assigned::Label(label)) => labels.insert(0, label.clone()),
                Some(Assigned::Value(value)) => default = Some(value.clone()),
                None => {}
            }
            labels.dedup();
            self.specs.insert(name.clone(), VarSpec { labels, default });
        }
        self.spelled.entry(name.clone()).or_default().insert(spelled.to_owned());
        Some(name)
    }

    pub(super) fn read(&mut self, text: &str, language: Language) -> Read {
        let mut read = Read { template: Template::default(), line: String::new(), ambiguous: false };
        let mut literal = String::new();
        let (mut single, mut double, mut escaped) = (false, false, false);
        let mut before = '\n';
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let found = if std::mem::take(&mut escaped) {
                None
            } else {
                match c {
                    '<' => angle(rest, before, language, double || single),
                    '$' if language != Language::Sh || !single => dollar(rest, language),
                    '{' => braces(rest),
                    _ => None,
                }
            };
            let named = found.and_then(|found| Some((self.declare(found.name, found.spelled)?, found)));
            if let Some((name, found)) = named {
                if !literal.is_empty() {
                    read.template.parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                let spelled = found.spelled.to_owned();
                match c {
                    '$' => read.line.push_str(&spelled),
                    _ => read.line.push(OPAQUE),
                }
                read.ambiguous |= found.ambiguous;
                read.template.parts.push(Part::Variable { name, spelled });
                before = found.spelled.chars().next_back().unwrap_or(c);
                rest = rest.strip_prefix(found.spelled).unwrap_or_default();
                continue;
            }
            match c {
                '\\' if !single => escaped = before != '\\' || !escaped,
                '\'' if !double => single = !single,
                '"' if !single => double = !double,
                _ => {}
            }
            literal.push(c);
            read.line.push(c);
            before = c;
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        if !literal.is_empty() {
            read.template.parts.push(Part::Literal(literal));
        }
        read
    }
}

struct Found<'a> {
    name: &'a str,
    spelled: &'a str,
    ambiguous: bool,
}

/// `<pod-name>`, also `<value of instance label from alert>`.
fn angle(rest: &str, before: char, language: Language, quoted: bool) -> Option<Found<'_>> {
    let end = rest.char_indices().take(LONGEST).find(|(_, c)| *c == '>')?.0;
    let (spelled, after) = rest.split_at_checked(end + 1)?;
    let name = spelled.strip_prefix('<')?.strip_suffix('>')?;
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/' | '.');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !name.ends_with(|c: char| c.is_ascii_alphanumeric())
        || !name.chars().all(inside)
    {
        return None;
    }
    let is_known = !labels_of(&of_words(name).0).is_empty();
    if language == Language::Promql && !quoted && !is_known {
        return None;
    }
    // `cat <in> out` reads one file and writes the other
    let plain =
        !is_known && !name.contains(['-', '_', ' ']) && !name.contains(|c: char| c.is_ascii_uppercase());
    let next = after.chars().next();
    let stands_free =
        next.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | ';' | '|' | '`'));
    let could_begin = before.is_whitespace() || matches!(before, '\n' | ';' | '|' | '&' | '(');
    Some(Found { name, spelled, ambiguous: !quoted && could_begin && (plain || !stands_free) })
}

/// `$NAMESPACE` and `${NAMESPACE}`; of lower-case names only such as are known, since shells have their own.
fn dollar(rest: &str, language: Language) -> Option<Found<'_>> {
    const SHELLS: &[&str] = &[
        "HOME", "PATH", "USER", "PWD", "OLDPWD", "SHELL", "NF", "NR", "FS", "OFS", "RS", "ORS", "RANDOM",
        "SECONDS", "LINENO", "UID", "EUID", "PPID", "IFS", "HOSTNAME", "FILENAME", "EDITOR",
    ];
    let after = rest.strip_prefix('$')?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, length) = if let Some(braced) = after.strip_prefix('{') {
        let name = braced.split_once('}')?.0;
        (name, name.len() + 3)
    } else {
        let name = after.split(|c: char| !is_part(c)).next()?;
        (name, name.len() + 1)
    };
    let fits = name.chars().all(is_part) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_upper = !name.chars().any(|c| c.is_ascii_lowercase()) && name.len() > 1;
    let is_meant = match language {
        Language::Sh => (is_upper && !SHELLS.contains(&name)) || !labels_of(&of_words(name).0).is_empty(),
        _ => true,
    };
    (fits && is_meant).then_some(())?;
    Some(Found { name, spelled: rest.get(..length)?, ambiguous: false })
}

/// `{{ .Labels.pod }}` and `{{ $labels.pod }}`.
fn braces(rest: &str) -> Option<Found<'_>> {
    let inner = rest.strip_prefix("{{")?;
    let end = inner.char_indices().take(LONGEST).find(|(_, c)| *c == '}')?.0;
    let name = inner.get(..end)?.trim();
    let name = [".Labels.", "$labels.", ".CommonLabels.", ".GroupLabels."]
        .iter()
        .find_map(|p| name.strip_prefix(p))?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let spelled = rest.get(..end + 4).filter(|spelled| is_name && spelled.ends_with("}}"))?;
    Some(Found { name, spelled, ambiguous: false })
}

/// Lower case, with `_` between words.
fn normal(written: &str) -> String {
    let mut name = String::new();
    let mut before_lower = false;
    for c in written.chars().take(LONGEST) {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && before_lower {
                name.push('_');
            }
            before_lower = c.is_ascii_lowercase();
            name.push(c.to_ascii_lowercase());
        } else {
            before_lower = false;
            if !name.ends_with('_') {
                name.push('_');
            }
        }
    }
    let name = name.trim_matches('_');
    let mut name = name;
    for prefix in
        ["name_of_the_", "name_of_", "my_", "your_", "the_", "affected_", "failing_", "target_", "alert_"]
    {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    let short = name.strip_suffix("_name").or_else(|| name.strip_suffix("name")).unwrap_or(name);
    let short = short.trim_end_matches('_');
    for candidate in [name, short] {
        if let Some((name, ..)) =
            KNOWN.iter().find(|(name, others, _)| *name == candidate || others.contains(&candidate))
        {
            return (*name).to_owned();
        }
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("v_{name}") } else { name.to_owned() }
}

/// The name, and whether the words say that it is a label of the alert.
fn of_words(written: &str) -> (String, bool) {
    let lower = written.trim().to_ascii_lowercase();
    let rest = lower.strip_prefix("value of ").unwrap_or(&lower);
    let rest = rest.strip_prefix("the ").unwrap_or(rest);
    match rest.split_once(" label") {
        Some((label, _)) => (normal(label), true),
        None => (normal(written), false),
    }
}

/// Name, other spellings, labels in the order in which they are tried.
const KNOWN: &[(&str, &[&str], &[&str])] = &[
    (
        "namespace",
        &["ns", "kube_namespace", "k8s_namespace"],
        &["namespace", "exported_namespace", "kubernetes_namespace"],
    ),
    ("pod", &["pod_id"], &["pod", "pod_name", "exported_pod"]),
    ("node", &["nodename", "worker_node", "node_ip"], &["node", "instance", "host", "hostname"]),
    ("host", &["hostname"], &["host", "hostname", "node", "instance"]),
    ("instance", &[], &["instance"]),
    ("name", &[], &["name"]),
    ("pvc", &["persistentvolumeclaim", "persistent_volume_claim"], &["persistentvolumeclaim", "pvc"]),
    ("pv", &["persistentvolume", "persistent_volume", "volume"], &["persistentvolume", "volume"]),
    ("container", &[], &["container", "container_name"]),
    ("job", &["jobname"], &["job_name", "job"]),
    ("cronjob", &["cron_job"], &["cronjob"]),
    ("deployment", &["deploy"], &["deployment"]),
    ("statefulset", &["sts", "stateful_set"], &["statefulset"]),
    ("daemonset", &["ds", "daemon_set"], &["daemonset"]),
    ("replicaset", &["rs", "replica_set"], &["replicaset"]),
    ("service", &["svc"], &["service", "service_name", "app"]),
    ("hpa", &["horizontalpodautoscaler"], &["horizontalpodautoscaler", "hpa"]),
    ("ingress", &[], &["ingress"]),
    ("cluster", &[], &["cluster"]),
    ("mountpoint", &["mount_point", "mount"], &["mountpoint"]),
    ("device", &["disk"], &["device"]),
    ("database", &["db"], &["datname", "database"]),
    ("topic", &[], &["topic"]),
    ("queue", &[], &["queue"]),
    ("range", &["rate_interval", "interval"], &["range"]),
    ("version", &[], &["version"]),
    ("release", &["helm_release"], &["release"]),
];

fn labels_of(name: &str) -> &'static [&'static str] {
    KNOWN.iter().find(|(known, ..)| *known == name).map_or(&[], |(_, _, labels)| labels)
}

#[cfg(test)]
#[path = "placeholders_tests.rs"]
mod tests;
