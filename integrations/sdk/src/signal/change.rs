use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of change it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    Commit,
    Deploy,
    Config,
    Flag,
    Scale,
    Infra,
    Human,
}

impl ChangeKind {
    pub const ALL: [Self; 7] =
        [Self::Commit, Self::Deploy, Self::Config, Self::Flag, Self::Scale, Self::Infra, Self::Human];

    /// The word for it in bundles and over the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Deploy => "deploy",
            Self::Config => "config",
            Self::Flag => "flag",
            Self::Scale => "scale",
            Self::Infra => "infra",
            Self::Human => "human",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Something that somebody, or something, did to the system on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub kind: ChangeKind,
    pub id: String,
    /// Empty when the change names no service, e.g. a commit in a shared repository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version_from: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version_to: String,
    /// Commits that a deploy ships, newest first where the sender says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<String>,
    /// Paths that it touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Unified diff, possibly cut by its source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub patch: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}
