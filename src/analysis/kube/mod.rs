//! What Kubernetes says of workloads and nodes: containers that are killed or never start, pods that find no
//! place, nodes that are lost, limits that are reached.
//!
//! It is read from the states that kube-state-metrics, cAdvisor and OpenTelemetry's cluster receiver export, and
//! from the events of the cluster where they arrive as log records. Every state and reason is one [`Condition`];
//! conditions of pods are told of the service that the pods belong to, those of nodes of the node. Only what is
//! so *now* and was not so before counts: counts are held against their own rate in normal times, states against
//! the share of time in which they held, so that what always restarts, or was always at its limit, says nothing.
//!
//! Knows nothing of hypotheses, and of no system's names.

mod apart;
mod cluster;
mod condition;
mod counters;
mod event;
mod evidence;
mod explained;
mod find;
mod names;
mod owners;
mod rollout;
mod states;
mod story;
#[cfg(test)]
mod tests;

pub use apart::apart;
pub use cluster::Cluster;
pub use condition::Condition;
pub use counters::restarts;
