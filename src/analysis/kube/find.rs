//! From stories to findings.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Cluster, Condition,
    cluster::Key,
    evidence::{of_story, of_throttle},
    explained::explain,
    story::{Ground, Measured},
};
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::Finding,
        series::shift,
        significance::decibans_of_z,
    },
    domain::{EntityKind, SignalKind},
};

/// Least strength that is told.
const LEAST: f64 = 1.0;
/// Part of throttled periods that matters.
const THROTTLED: f64 = 0.1;

/// A condition that is new, with how unlikely it is.
pub(super) struct Found<'a> {
    pub key: &'a Key,
    pub measured: Measured,
    /// What explains it, as the end of a sentence.
    pub explained: Option<String>,
}

impl Cluster {
    /// Finds what is so now and was not so before.
    pub fn find(&self, case: &Case, periods: &Periods) -> Vec<Finding> {
        let loud = self.loud(periods);
        let near: BTreeSet<&str> = self.hosts().map(|(_, node)| node).collect();
        let mut found: Vec<Found<'_>> = self
            .stories
            .iter()
            .filter_map(|(key, story)| {
                let is_node = key.entity.kind == EntityKind::Node;
                // A node that no service of ours runs on, where it is known what does, is somebody else's.
                if is_node && !near.is_empty() && !near.contains(key.entity.name.as_str()) {
                    return None;
                }
                let places = if is_node { self.nodes.len() } else { self.services.len() };
                let quiet = places - places.min(loud.get(&(key.condition, key.signal)).copied().unwrap_or(0));
                let ground = Ground {
                    periods,
                    watched: &self.watched,
                    places,
                    quiet,
                    usual: self.usual_of(key, periods),
                };
                let measured = story.measure(key.condition, &ground)?;
                Some(Found { key, measured, explained: None })
            })
            .collect();
        explain(self, &mut found);
        found.retain(|found| found.measured.decibans >= LEAST);
        let mut findings: Vec<Finding> =
            found.iter().filter_map(|found| of_story(self, case, periods, found)).collect();
        findings.extend(self.throttled(periods));
        findings
    }

    /// How many places showed each condition in normal times already, by signal.
    fn loud(&self, periods: &Periods) -> BTreeMap<(Condition, SignalKind), usize> {
        let mut loud = BTreeMap::new();
        for (key, _) in self.stories.iter().filter(|(_, story)| story.is_known_before(periods)) {
            *loud.entry((key.condition, key.signal)).or_default() += 1;
        }
        loud
    }

    /// The most newly throttled container of each service.
    fn throttled(&self, periods: &Periods) -> Vec<Finding> {
        let mut best: BTreeMap<&str, (f64, Finding)> = BTreeMap::new();
        for throttle in &self.throttles {
            let values = |keep: &dyn Fn(i64) -> bool| -> Vec<f64> {
                throttle.points.iter().filter(|point| keep(point.at)).map(|point| point.value).collect()
            };
            let before = values(&|at| periods.is_before(at));
            let during = values(&|at| periods.is_during(at));
            let Some(found) = shift(&before, &during, THROTTLED) else { continue };
            let healthy: Vec<f64> = self
                .usual_throttles
                .iter()
                .filter(|usual| usual.service == throttle.service)
                .flat_map(|usual| usual.points.iter().map(|point| point.value))
                .collect();
            let far = shift(&healthy, &during, THROTTLED).map_or(found.z, |far| far.z);
            let strength =
                decibans_of_z(found.z.min(far), self.services.len()).min(Condition::Throttled.most());
            let is_much = found.observed >= THROTTLED && found.observed - found.baseline >= THROTTLED;
            if found.z <= 0.0 || !is_much || strength < LEAST {
                continue;
            }
            let known = best.get(&*throttle.service).map_or(0.0, |(known, _)| *known);
            if strength > known {
                best.insert(&throttle.service, (strength, of_throttle(throttle, &found, strength, periods)));
            }
        }
        best.into_values().map(|(_, finding)| finding).collect()
    }
}

impl Found<'_> {
    pub(super) fn is_of(&self, condition: Condition) -> bool {
        self.key.condition == condition
    }
}
