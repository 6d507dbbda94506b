//! Alertmanager's alerts inside `custom_details`, in both of the forms that it has sent: as text,
//!
//! ```text
//! Labels:
//!  - alertname = KubePodCrashLooping
//! Annotations:
//!  - summary = Pod is crash looping.
//! Source: http://prom:9090/graph?g0.expr=...
//! ```
//!
//! and, since 0.34, as a JSON list.

use quell_sdk::{
    receiver::{
        limits::{Limiter, MAX_TEXT_BYTES},
        raw::{Around, RawAlert},
    },
    signal::{Alert, AlertStatus},
};
use serde::Deserialize;
use serde_json::Value;

use crate::json::Object;

/// Alerts found, and whether each of them came with a start of its own.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) alerts: Vec<Alert>,
    pub(crate) undated: bool,
}

/// Reads the alerts under `firing` and `resolved`. Details of another make give none.
pub(crate) fn read(
    details: &Object,
    around: Around<'_>,
    wanted: &[AlertStatus],
    limiter: &mut Limiter,
) -> Found {
    let mut found = Found::default();
    for status in wanted {
        let name = match status {
            AlertStatus::Firing => "firing",
            AlertStatus::Resolved => "resolved",
        };
        let around = Around { status: *status, ..around };
        match details.get(name) {
            Some(Value::Array(list)) => from_json(list.clone(), around, limiter, &mut found),
            Some(Value::String(text)) => match serde_json::from_str(text.trim()) {
                Ok(Value::Array(list)) => from_json(list, around, limiter, &mut found),
                _ => from_text(text, around, limiter, &mut found),
            },
            _ => {}
        }
    }
    limiter.alerts(&mut found.alerts);
    found
}

fn from_json(list: Vec<Value>, around: Around<'_>, limiter: &mut Limiter, found: &mut Found) {
    for value in list {
        let Ok(mut raw) = RawAlert::deserialize(value) else {
            limiter.count("alerts: not of an alert's shape", 1);
            continue;
        };
        // The list that it stands in says more than a word inside it.
        raw.status = None;
        let (alert, dated) = raw.into_alert(around, limiter);
        if alert.labels.is_empty() {
            limiter.count("alerts: without labels", 1);
            continue;
        }
        found.undated |= !dated;
        found.alerts.push(alert);
    }
}

#[derive(Default)]
struct Block {
    labels: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
    source: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Section {
    Outside,
    Labels,
    Annotations,
}

fn from_text(text: &str, around: Around<'_>, limiter: &mut Limiter, found: &mut Found) {
    for block in blocks(text) {
        let labels = limiter.labels(block.labels);
        if labels.is_empty() {
            continue;
        }
        found.undated = true;
        found.alerts.push(Alert {
            source: around.source.to_owned(),
            status: around.status,
            labels,
            annotations: limiter.annotations(block.annotations),
            starts_at: around.at,
            ends_at: (around.status == AlertStatus::Resolved).then_some(around.at),
            generator_url: block.source.map(|url| limiter.text(url, MAX_TEXT_BYTES)),
            fingerprint: String::new(),
            group_key: around.group_key.map(str::to_owned),
        });
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = Section::Outside;
    for line in text.lines() {
        let bare = line.trim_end();
        if bare == "Labels:" {
            blocks.push(Block::default());
            section = Section::Labels;
            continue;
        }
        let Some(block) = blocks.last_mut() else { continue };
        if bare == "Annotations:" {
            section = Section::Annotations;
            continue;
        }
        if section != Section::Outside
            && let Some(source) = bare.strip_prefix("Source:")
        {
            block.source = Some(source.trim().to_owned()).filter(|source| !source.is_empty());
            section = Section::Outside;
            continue;
        }
        let pairs = match section {
            Section::Outside => continue,
            Section::Labels => &mut block.labels,
            Section::Annotations => &mut block.annotations,
        };
        match pair(line) {
            Some(pair) => pairs.push(pair),
            // Values may have several lines.
            None => {
                if let Some((_, value)) = pairs.last_mut() {
                    value.push('\n');
                    value.push_str(bare);
                }
            }
        }
    }
    blocks
}

/// `` - name = value``; the value may be empty.
fn pair(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix(" - ")?;
    let (name, value) = rest.split_once(" = ").or_else(|| Some((rest.strip_suffix(" =")?, "")))?;
    let plain = |c: char| c.is_alphanumeric() || "_:.-/".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
#[path = "details_tests.rs"]
mod tests;
