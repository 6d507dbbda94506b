use std::fmt;

use jiff::Timestamp;
use quell_sdk::{Completeness, signal::Window};
use serde::{Deserialize, Serialize};

/// Number of a piece of evidence within its investigation, shown as `E12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(pub u32);

impl fmt::Display for EvidenceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "E{}", self.0)
    }
}

/// What a source delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    Metrics,
    Logs,
    Traces,
    Changes,
    Topology,
    Alert,
}

impl SignalKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Changes => "changes",
            Self::Topology => "topology",
            Self::Alert => "alert",
        }
    }
}

/// Language of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    Promql,
    Logql,
    Traceql,
    /// A change: the query is its id.
    Change,
    /// Shell text for a person; quell never runs it.
    Sh,
    /// A manual action in words.
    Text,
    None,
}

impl Language {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promql => "promql",
            Self::Logql => "logql",
            Self::Traceql => "traceql",
            Self::Change => "change",
            Self::Sh => "sh",
            Self::Text => "text",
            Self::None => "none",
        }
    }
}

/// Who could have written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Measured by the platform.
    Platform,
    /// Said by the service itself.
    Service,
    /// Text that an outsider could have written, e.g. a logged request.
    Outsider,
}

impl Trust {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Service => "service",
            Self::Outsider => "outsider",
        }
    }
}

/// A number computed from evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

impl Number {
    pub fn new(name: &str, value: f64, unit: &str) -> Self {
        Self { name: name.to_owned(), value, unit: unit.to_owned() }
    }
}

/// One fact with its provenance: whoever doubts it runs `query` against `source`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub id: EvidenceId,
    pub signal: SignalKind,
    pub source: String,
    pub language: Language,
    pub query: String,
    pub window: Window,
    /// Where before and after are divided: what is said of the incident is from this moment on. `None` where nothing is
    /// compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divided_at: Option<Timestamp>,
    /// Where before ends: a little ahead of `divided_at`, which is an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal_until: Option<Timestamp>,
    pub completeness: Completeness,
    /// The fact in words.
    pub summary: String,
    pub numbers: Vec<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    pub trust: Trust,
}
