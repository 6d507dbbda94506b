use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::{
    Dataset,
    dataset::LABELS,
    error::{Error, Result},
};

/// What is true of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Label {
    /// Nothing is wrong: the right answer names no cause.
    #[serde(deserialize_with = "flag")]
    pub healthy: bool,
    /// Names under which the service at fault may be given; one is enough.
    #[serde(deserialize_with = "one_or_many")]
    pub service: Vec<String>,
    pub fault_type: Option<String>,
    /// The commit at fault, or `none` when no change is.
    pub commit: Option<String>,
    /// Commits that look guilty and are not.
    pub decoys: Vec<String>,
    /// Services that suffer, the one at fault not among them.
    pub blast_radius: Vec<String>,
    /// Class of the right remedy.
    pub remediation: Option<String>,
}

impl Label {
    /// What the case is counted under.
    pub fn kind(&self) -> &str {
        match &self.fault_type {
            _ if self.healthy => "healthy",
            Some(kind) => kind,
            None => "unnamed",
        }
    }

    /// Cases alike in cause: what is fitted on one of them knows the others.
    pub fn group(&self) -> String {
        format!("{} {}", self.service.join("|"), self.kind())
    }
}

/// Labels by case.
pub type Labels = BTreeMap<String, Label>;

impl Dataset {
    /// Reads the labels. Called once all answers are there.
    pub(super) fn labels(&self) -> Result<Labels> {
        let path = self.path.join(LABELS);
        let bytes = std::fs::read(&path).map_err(|source| Error::io(&path, source))?;
        let labels: Labels = serde_json::from_slice(&bytes)
            .map_err(|error| Error::content(&path, format!("{error}; see docs/accuracy.md for the form")))?;
        let nameless = labels.iter().find(|(_, label)| !label.healthy && label.service.is_empty());
        if let Some((case, _)) = nameless {
            let message = format!("{case}: no `service`; name the one at fault, or say \"healthy\": true");
            return Err(Error::content(&path, message));
        }
        Ok(labels)
    }
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or_default())
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Option::<Names>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Names::One(name)) => vec![name],
        Some(Names::Many(names)) => names,
    })
}
