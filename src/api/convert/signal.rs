use std::collections::HashMap;

use quell_proto::v1;
use quell_sdk::{
    Completeness,
    signal::{Alert, AlertStatus, CallEdge, Change, ChangeKind, Labels, Window},
};

use super::wire::{Invalid, Wire, clip, optional, optional_time, time, timestamp, word};

/// Most labels, and most annotations, of an alert.
pub const MAX_LABELS: usize = 256;
/// Longest name or value of a label, in bytes.
pub const MAX_VALUE: usize = 16 * 1024;
/// Longest annotation, in bytes.
pub const MAX_ANNOTATION: usize = 64 * 1024;
/// Longest of all other text, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;
const MAX_LIST: usize = 10_000;

impl Wire for Alert {
    type Message = v1::Alert;

    fn to_wire(&self) -> v1::Alert {
        v1::Alert {
            source: self.source.clone(),
            status: match self.status {
                AlertStatus::Firing => "firing",
                AlertStatus::Resolved => "resolved",
            }
            .to_owned(),
            labels: self.labels.clone().into_iter().collect(),
            annotations: self.annotations.clone().into_iter().collect(),
            starts_at: Some(timestamp(self.starts_at)),
            ends_at: self.ends_at.map(timestamp),
            generator_url: self.generator_url.clone().unwrap_or_default(),
            fingerprint: self.fingerprint.clone(),
            group_key: self.group_key.clone().unwrap_or_default(),
        }
    }

    fn from_wire(message: v1::Alert) -> Result<Self, Invalid> {
        Ok(Self {
            source: bounded("source", message.source, MAX_VALUE)?,
            status: word("status", &message.status)?,
            labels: labels("labels", message.labels, MAX_VALUE)?,
            annotations: labels("annotations", message.annotations, MAX_ANNOTATION)?,
            starts_at: time("starts_at", message.starts_at)?,
            ends_at: optional_time("ends_at", message.ends_at)?,
            generator_url: optional(bounded("generator_url", message.generator_url, MAX_ANNOTATION)?),
            fingerprint: bounded("fingerprint", message.fingerprint, MAX_VALUE)?,
            group_key: optional(bounded("group_key", message.group_key, MAX_VALUE)?),
        })
    }
}

/// Labels of a request, within their limits.
pub(in crate::api) fn labels_of(field: &str, pairs: HashMap<String, String>) -> Result<Labels, Invalid> {
    labels(field, pairs, MAX_VALUE)
}

/// Labels within their limits.
fn labels(field: &str, pairs: HashMap<String, String>, longest: usize) -> Result<Labels, Invalid> {
    if pairs.len() > MAX_LABELS {
        return Err(Invalid::new(field, format!("{} entries, at most {MAX_LABELS} are taken", pairs.len())));
    }
    for (name, value) in &pairs {
        let (what, length, most) = if name.len() > MAX_VALUE {
            ("the name", name.len(), MAX_VALUE)
        } else {
            ("the value", value.len(), longest)
        };
        if length > most {
            let field = format!("{field}[{}]", clip(name));
            return Err(Invalid::new(field, format!("{what} has {length} bytes, at most {most} are taken")));
        }
    }
    Ok(pairs.into_iter().collect())
}

fn bounded(field: &str, text: String, longest: usize) -> Result<String, Invalid> {
    if text.len() > longest {
        return Err(Invalid::new(field, format!("{} bytes, at most {longest} are taken", text.len())));
    }
    Ok(text)
}

fn few<T>(field: &str, items: Vec<T>) -> Result<Vec<T>, Invalid> {
    if items.len() > MAX_LIST {
        return Err(Invalid::new(field, format!("{} entries, at most {MAX_LIST} are taken", items.len())));
    }
    Ok(items)
}

impl Wire for Change {
    type Message = v1::Change;

    fn to_wire(&self) -> v1::Change {
        v1::Change {
            kind: self.kind.as_str().to_owned(),
            id: self.id.clone(),
            service: self.service.clone(),
            at: Some(timestamp(self.at)),
            title: self.title.clone(),
            author: self.author.clone(),
            version_from: self.version_from.clone(),
            version_to: self.version_to.clone(),
            commits: self.commits.clone(),
            files: self.files.iter().map(|path| v1::ChangedFile { path: path.clone() }).collect(),
            patch: self.patch.clone(),
            url: self.url.clone(),
        }
    }

    fn from_wire(message: v1::Change) -> Result<Self, Invalid> {
        let kind = ChangeKind::parse(&message.kind).ok_or_else(|| {
            let known = ChangeKind::ALL.map(ChangeKind::as_str).join(", ");
            Invalid::new("kind", format!("`{}` is none of {known}", clip(&message.kind)))
        })?;
        if message.id.is_empty() {
            return Err(Invalid::new("id", "missing; give it what names the change at its source"));
        }
        let path = |file: v1::ChangedFile| bounded("files.path", file.path, MAX_VALUE);
        let commit = |commit| bounded("commits", commit, MAX_VALUE);
        Ok(Self {
            kind,
            id: bounded("id", message.id, MAX_VALUE)?,
            service: bounded("service", message.service, MAX_VALUE)?,
            at: time("at", message.at)?,
            title: bounded("title", message.title, MAX_ANNOTATION)?,
            author: bounded("author", message.author, MAX_VALUE)?,
            version_from: bounded("version_from", message.version_from, MAX_VALUE)?,
            version_to: bounded("version_to", message.version_to, MAX_VALUE)?,
            commits: few("commits", message.commits)?.into_iter().map(commit).collect::<Result<_, _>>()?,
            files: few("files", message.files)?.into_iter().map(path).collect::<Result<_, _>>()?,
            patch: bounded("patch", message.patch, MAX_TEXT)?,
            url: bounded("url", message.url, MAX_VALUE)?,
        })
    }
}

impl Wire for Window {
    type Message = v1::TimeWindow;

    fn to_wire(&self) -> v1::TimeWindow {
        v1::TimeWindow { start: Some(timestamp(self.start)), end: Some(timestamp(self.end)) }
    }

    fn from_wire(message: v1::TimeWindow) -> Result<Self, Invalid> {
        let (start, end) = (time("start", message.start)?, time("end", message.end)?);
        if start > end {
            return Err(Invalid::new("end", "before start"));
        }
        Ok(Self { start, end })
    }
}

impl Wire for CallEdge {
    type Message = v1::CallEdge;

    fn to_wire(&self) -> v1::CallEdge {
        v1::CallEdge { caller: self.caller.to_string(), callee: self.callee.to_string() }
    }

    fn from_wire(message: v1::CallEdge) -> Result<Self, Invalid> {
        Ok(Self { caller: message.caller.into(), callee: message.callee.into() })
    }
}

impl Wire for Completeness {
    type Message = v1::Completeness;

    fn to_wire(&self) -> v1::Completeness {
        let state = match self {
            Self::Full => "full",
            Self::Partial { .. } => "partial",
            Self::Missing { .. } => "missing",
        };
        v1::Completeness { state: state.to_owned(), reason: self.reason().unwrap_or_default().to_owned() }
    }

    fn from_wire(message: v1::Completeness) -> Result<Self, Invalid> {
        match message.state.as_str() {
            "full" => Ok(Self::Full),
            "partial" => Ok(Self::Partial { reason: message.reason }),
            "missing" => Ok(Self::Missing { reason: message.reason }),
            other => {
                Err(Invalid::new("state", format!("`{}` is none of full, partial, missing", clip(other))))
            }
        }
    }
}
