use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Service,
    Pod,
    Node,
    Host,
    Database,
    Cache,
    Queue,
    /// Something that we do not run: a payment provider, a cloud API.
    External,
}

impl EntityKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Pod => "pod",
            Self::Node => "node",
            Self::Host => "host",
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Queue => "queue",
            Self::External => "external",
        }
    }
}

/// A thing that can be at fault. Every entity names its service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    pub kind: EntityKind,
    pub name: String,
    pub service: String,
}

impl Entity {
    pub fn service(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind: EntityKind::Service, service: name.clone(), name }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == EntityKind::Service {
            formatter.write_str(&self.name)
        } else {
            write!(formatter, "{} {}", self.kind.as_str(), self.name)
        }
    }
}
