use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decibans, Entity, EvidenceId};

/// Number of a symptom within its investigation, shown as `S3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SymptomId(pub u32);

impl fmt::Display for SymptomId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "S{}", self.0)
    }
}

/// Class of what an indicator measures, whatever its source calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorKind {
    Latency,
    Errors,
    Traffic,
    Cpu,
    Memory,
    Disk,
    /// Bytes or packets over the network, retransmits, drops.
    Network,
    /// Connections or permits in use or waited for.
    Pool,
    Queue,
    Cache,
    Threads,
    FileDescriptors,
    Restarts,
    Certificate,
    Replication,
    Lock,
    Quota,
    Retries,
    /// Pods that there are, or are wanted.
    Replicas,
    /// Containers and pods that cannot start.
    Startup,
    /// The condition of a machine itself.
    Node,
    /// A log template's rate.
    Log,
    /// Time that a service's own code took, callees subtracted.
    SelfTime,
    /// Client span minus server span of an edge.
    NetworkGap,
    /// Child calls per parent operation.
    Structure,
    /// A number that fits no class.
    Other,
}

impl IndicatorKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Traffic => "traffic",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Cache => "cache",
            Self::Threads => "threads",
            Self::FileDescriptors => "file_descriptors",
            Self::Restarts => "restarts",
            Self::Certificate => "certificate",
            Self::Replication => "replication",
            Self::Lock => "lock",
            Self::Quota => "quota",
            Self::Retries => "retries",
            Self::Replicas => "replicas",
            Self::Startup => "startup",
            Self::Node => "node",
            Self::Log => "log",
            Self::SelfTime => "self_time",
            Self::NetworkGap => "network_gap",
            Self::Structure => "structure",
            Self::Other => "other",
        }
    }
}

/// Which way an indicator went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    /// Not there before.
    New,
    /// There before, gone now.
    Vanished,
}

impl Direction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::New => "new",
            Self::Vanished => "vanished",
        }
    }
}

/// When a deviation began, with the interval within which that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Onset {
    pub at: Timestamp,
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

/// A deviation from normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symptom {
    pub id: SymptomId,
    pub entity: Entity,
    /// Name of the indicator as its source has it: metric, operation, log template.
    pub indicator: String,
    pub kind: IndicatorKind,
    pub direction: Direction,
    pub onset: Option<Onset>,
    pub baseline: f64,
    pub observed: f64,
    pub unit: String,
    /// Strength against noise; at least 0, saturated.
    pub decibans: Decibans,
    pub evidence: EvidenceId,
}
