use std::collections::{BTreeMap, BTreeSet};

use super::{Effect, Stated, Template};
use crate::domain::Language;

/// What a plain runbook gave, beside what every runbook has.
#[derive(Clone, Debug)]
pub struct Imported {
    pub format: Format,
    /// Names by which an alert or its `runbook_url` may call it, lower case.
    pub aliases: BTreeSet<String>,
    /// In the order of the file.
    pub sections: Vec<Section>,
    pub checks: Vec<ImportedCheck>,
    pub steps: Vec<ImportedStep>,
    /// Per variable, how the text spells it.
    pub spelled: BTreeMap<String, BTreeSet<String>>,
}

impl Imported {
    /// Whether it helps to find or to end anything.
    pub fn is_useful(&self) -> bool {
        !self.checks.is_empty() || !self.steps.is_empty()
    }
}

/// Where a plain runbook comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Markdown,
    /// A `SKILL.md`: name and description on top.
    Skill,
    /// Listed in a catalogue.
    Catalogue,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Skill => "skill",
            Self::Catalogue => "catalogue",
        }
    }
}

/// What a part of a runbook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SectionKind {
    Meaning,
    Impact,
    Diagnosis,
    Mitigation,
    Escalation,
    /// How to see that it is over.
    Verification,
    Other,
}

impl SectionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Meaning => "meaning",
            Self::Impact => "impact",
            Self::Diagnosis => "diagnosis",
            Self::Mitigation => "mitigation",
            Self::Escalation => "escalation",
            Self::Verification => "verification",
            Self::Other => "other",
        }
    }
}

/// A heading that begins a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub kind: SectionKind,
    pub title: String,
    /// From 1.
    pub line: usize,
}

/// Something to look at. It expects nothing of the answer: it is evidence, and no argument.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedCheck {
    pub id: String,
    /// A query language: quell asks it. `Sh`: a read-only command for a person. `Text`: words.
    pub language: Language,
    /// Empty for words.
    pub query: Template,
    /// What the sentence beside says of the number.
    pub stated: Option<Stated>,
    /// The heading above.
    pub title: String,
    /// The sentence or list item that it stands in.
    pub text: String,
    /// From 1.
    pub line: usize,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedStep {
    pub id: String,
    pub effect: Effect,
    /// `Sh`, or `Text` for words.
    pub language: Language,
    /// Empty for words.
    pub command: Template,
    pub title: String,
    pub text: String,
    /// From 1.
    pub line: usize,
}
