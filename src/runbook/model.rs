use std::{collections::BTreeMap, sync::Arc, time::Duration};

use regex::Regex;

use super::{Expect, import::Imported};
use crate::domain::{Action, Approval, Blast, FaultClass, Language, Risk};

/// A runbook that lint has found usable: every name in it resolves, every query parses.
#[derive(Clone, Debug)]
pub struct Runbook {
    pub id: String,
    pub title: String,
    pub owners: Vec<String>,
    /// Date (`2026-03-01`) on which somebody last read it with care.
    pub reviewed: Option<String>,
    /// Where it comes from, e.g. a URL.
    pub source: Option<String>,
    pub match_rules: MatchRules,
    pub vars: BTreeMap<String, VarSpec>,
    /// In the order of the file.
    pub hypotheses: Vec<RunbookHypothesis>,
    pub steps: BTreeMap<String, StepSpec>,
    pub checks: BTreeMap<String, Check>,
    pub verifications: BTreeMap<String, Verify>,
    /// Prose of the section Meaning.
    pub meaning: String,
    /// Prose of the section Impact.
    pub impact: String,
    /// All prose, for the full-text index.
    pub body: String,
    pub file: String,
    /// What it gave when it is a plain file and not of the native format; it then has no hypotheses.
    pub imported: Option<Arc<Imported>>,
}

impl Runbook {
    /// `native`, `markdown`, `skill` or `catalogue`.
    pub fn format(&self) -> &'static str {
        self.imported.as_ref().map_or("native", |imported| imported.format.as_str())
    }

    /// The hypotheses of that fault class.
    pub fn hypotheses_of(&self, fault: FaultClass) -> impl Iterator<Item = &RunbookHypothesis> {
        self.hypotheses.iter().filter(move |hypothesis| hypothesis.fault == Some(fault))
    }
}

/// When a runbook applies. Any rule that holds is a reason; together they weigh more.
#[derive(Clone, Debug, Default)]
pub struct MatchRules {
    pub alerts: Vec<Pattern>,
    /// All of these labels have to hold.
    pub labels: BTreeMap<String, Pattern>,
    pub services: Vec<Pattern>,
    /// PromQL with variables: a series in the answer is a reason.
    pub metrics: Vec<String>,
    /// Regular expressions over log bodies.
    pub logs: Vec<String>,
    /// TraceQL with variables: a span in the answer is a reason.
    pub traces: Vec<String>,
}

/// A text or, written `/like this/`, a regular expression over the whole of it.
#[derive(Clone, Debug)]
pub enum Pattern {
    Exact(String),
    Regex(Regex),
}

impl Pattern {
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    /// As it was written, without anchors.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(exact) => exact,
            Self::Regex(regex) => {
                let text = regex.as_str();
                text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(text)
            }
        }
    }

    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VarSpec {
    /// Labels of the alert, in the order in which they are tried.
    pub labels: Vec<String>,
    pub default: Option<String>,
}

/// One of the rival explanations in a runbook.
#[derive(Clone, Debug, PartialEq)]
pub struct RunbookHypothesis {
    pub key: String,
    /// May hold variables.
    pub claim: String,
    /// 0 to 1: the share of such alerts that it explains, as the author has it.
    pub prior: Option<f64>,
    /// The key as a fault class, where it is one.
    pub fault: Option<FaultClass>,
    /// Id of a check and the answer that speaks for this.
    pub expects: Vec<(String, bool)>,
    /// Ids of the steps that help if it is true, best first.
    pub steps: Vec<String>,
}

/// One thing to do, with what to know before doing it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpec {
    pub id: String,
    pub action: Action,
    pub risk: Risk,
    pub reversible: bool,
    /// Id of the step that takes it back.
    pub undo: Option<String>,
    pub blast: Blast,
    /// From deciding to seeing that it took effect.
    pub eta: Duration,
    /// Id of the verification that shows that it worked.
    pub verify: Option<String>,
    /// When the verification should hold at the latest.
    pub within: Option<Duration>,
    /// Preconditions and access that it needs, in words.
    pub needs: Vec<String>,
    pub approval: Option<Approval>,
    /// The heading that it stands under.
    pub title: String,
    /// The prose before its block.
    pub text: String,
    pub language: Language,
    /// With variables in it.
    pub command: String,
}

/// The moment that a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Now,
    Onset,
}

impl At {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Onset => "onset",
        }
    }
}

/// A question that a source can answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub id: String,
    pub language: Language,
    /// With variables in it.
    pub query: String,
    pub expect: Expect,
    pub at: At,
    /// The heading that it stands under, usually the question in words.
    pub title: String,
    /// The prose before its block.
    pub text: String,
}

/// What has to hold once a step has worked.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    pub id: String,
    pub language: Language,
    /// With variables in it.
    pub query: String,
    pub expect: Expect,
    /// How long it has to hold.
    pub hold: Duration,
    pub text: String,
}
