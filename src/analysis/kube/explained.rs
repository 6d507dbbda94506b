//! What of the conditions is only the effect of another one.
//!
//! Pods on a node that is lost are evicted and unready; a container that is killed for failing its liveness probe
//! restarts, and what it failed for may be anything that it waits for.

use std::collections::BTreeMap;

use super::{Cluster, Condition, find::Found};
use crate::domain::{Decibans, EntityKind};

/// Strength from which on a node's condition explains what its pods show.
const CLEARLY: Decibans = 5.0;
/// Part of a condition that remains when something else explains it.
const EXPLAINED: f64 = 0.3;
/// Part of the objects at which it is seen that have to be on the node.
const MOSTLY: f64 = 0.8;

pub(super) fn explain(cluster: &Cluster, found: &mut [Found<'_>]) {
    let nodes: BTreeMap<String, Condition> = found
        .iter()
        .filter(|found| found.key.entity.kind == EntityKind::Node && found.measured.decibans >= CLEARLY)
        .map(|found| (found.key.entity.name.clone(), found.key.condition))
        .collect();
    let probed: Vec<String> = found
        .iter()
        .filter(|found| found.is_of(Condition::LivenessKilled) && found.measured.decibans > 0.0)
        .map(|found| found.key.entity.name.clone())
        .collect();
    let killed: Vec<String> = found
        .iter()
        .filter(|found| found.is_of(Condition::OomKilled))
        .map(|found| found.key.entity.name.clone())
        .collect();
    for one in found.iter_mut().filter(|one| one.key.entity.kind != EntityKind::Node) {
        let (condition, service) = (one.key.condition, &one.key.entity.name);
        if condition.is_done_by_nodes()
            && let Some((node, why)) = host(cluster, one, &nodes)
        {
            one.measured.decibans *= EXPLAINED;
            one.explained = Some(format!("{node}, which they run on, {}", why.phrase()));
        }
        let by_probe = matches!(condition, Condition::Restarted | Condition::CrashLoop);
        if by_probe && probed.contains(service) && !killed.contains(service) {
            one.measured.decibans = one.measured.decibans.min(Condition::LivenessKilled.most());
            one.explained = Some("they are killed for failing their liveness probe".to_owned());
        }
    }
}

/// The faulty node that most of the objects are on.
fn host<'a>(
    cluster: &Cluster,
    found: &Found<'_>,
    nodes: &'a BTreeMap<String, Condition>,
) -> Option<(&'a str, Condition)> {
    let objects = &found.measured.objects;
    nodes.iter().find_map(|(node, why)| {
        let known: Vec<bool> =
            objects.iter().filter_map(|object| cluster.owners.node_of(object)).map(|on| on == node).collect();
        let there = known.iter().filter(|on| **on).count();
        // A workload is told of without its pods: then it is enough that it has pods there.
        let is_workload = known.is_empty()
            && cluster.hosts().any(|(service, on)| service == found.key.entity.name && on == node);
        ((there > 0 && there as f64 >= MOSTLY * known.len() as f64) || is_workload)
            .then_some((node.as_str(), *why))
    })
}
