//! All that Kubernetes says of a case.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quell_sdk::signal::UnixNanos;

use super::{
    Condition,
    event::Event,
    owners::Owners,
    rollout,
    states::{self, Throttle},
    story::{Held, Story, Usual, bin_width},
};
use crate::{
    analysis::{
        case::{Case, Periods},
        causal::Graph,
    },
    domain::{Entity, EntityKind, SignalKind},
};

/// One condition at one place, as one signal shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub entity: Entity,
    pub condition: Condition,
    pub signal: SignalKind,
}

pub(super) type Stories = BTreeMap<Key, Story>;

pub(super) fn service(name: &Arc<str>) -> Entity {
    Entity::service(&**name)
}

/// A node is no service's: several have pods on it.
pub(super) fn node(name: &str) -> Entity {
    Entity { kind: EntityKind::Node, name: name.to_owned(), service: name.to_owned() }
}

/// What Kubernetes says, by condition and place.
pub struct Cluster {
    pub(super) stories: Stories,
    /// The same in the healthy recording.
    usual: Stories,
    usual_watched: BTreeSet<UnixNanos>,
    usual_seconds: f64,
    pub(super) watched: BTreeSet<UnixNanos>,
    pub(super) throttles: Vec<Throttle>,
    pub(super) usual_throttles: Vec<Throttle>,
    pub(super) events: BTreeMap<usize, Event>,
    /// Services and nodes that anything is known of.
    pub(super) services: BTreeSet<Arc<str>>,
    pub(super) nodes: BTreeSet<String>,
    /// Nodes that pods of a service run on.
    hosts: BTreeMap<Arc<str>, BTreeSet<String>>,
    pub(super) owners: Owners,
}

impl Cluster {
    /// Reads all states and events. `graph` says what the services call.
    pub fn new(case: &Case, graph: &Graph) -> Self {
        if case.now.states.is_empty() && case.now.events.is_empty() {
            return Self::empty();
        }
        let mut owners = Owners::new(case);
        let (now, reference) =
            (rollout::read_all(&case.now.events), rollout::read_all(&case.reference.events));
        for (_, event) in now.iter().chain(&reference).filter(|(_, event)| event.kind == "Pod") {
            owners.place(&event.name, &event.node);
        }
        let mut states = states::gather(&case.now, &owners, graph);
        rollout::gather(&now, &owners, graph, &mut states.stories);
        let mut usual = states::gather(&case.reference, &owners, graph);
        rollout::gather(&reference, &owners, graph, &mut usual.stories);
        let mut hosts: BTreeMap<Arc<str>, BTreeSet<String>> = BTreeMap::new();
        for (pod, on) in owners.pods_by_node() {
            if let Some(found) = owners.of_object("Pod", "", pod, graph) {
                hosts.entry(found).or_default().insert(on.to_owned());
            }
        }
        let mut cluster = Self {
            usual_seconds: seconds_of(case),
            stories: states.stories,
            usual: usual.stories,
            usual_watched: usual.watched,
            watched: states.watched,
            throttles: states.throttles,
            usual_throttles: usual.throttles,
            events: now.into_iter().collect(),
            services: states.services,
            nodes: states.nodes,
            hosts,
            owners,
        };
        cluster.settle(states.quotas);
        cluster
    }

    fn empty() -> Self {
        Self {
            stories: Stories::new(),
            usual: Stories::new(),
            usual_watched: BTreeSet::new(),
            usual_seconds: 0.0,
            watched: BTreeSet::new(),
            throttles: Vec::new(),
            usual_throttles: Vec::new(),
            events: BTreeMap::new(),
            services: BTreeSet::new(),
            nodes: BTreeSet::new(),
            hosts: BTreeMap::new(),
            owners: Owners::default(),
        }
    }

    /// Counts the places, and gives a quota that is used up to those whom it may keep from having pods: on its own
    /// it harms nobody.
    fn settle(&mut self, quotas: Vec<states::Full>) {
        for key in self.stories.keys() {
            match key.entity.kind {
                EntityKind::Node => self.nodes.insert(key.entity.name.clone()),
                _ => self.services.insert(Arc::from(key.entity.name.as_str())),
            };
        }
        self.services.extend(self.hosts.keys().cloned());
        self.nodes.extend(self.hosts.values().flatten().cloned());
        let harmed = |condition| {
            matches!(
                condition,
                Condition::QuotaExceeded
                    | Condition::Refused
                    | Condition::Unavailable
                    | Condition::RolloutStuck
            )
        };
        for quota in quotas {
            let of: BTreeSet<Entity> = self
                .stories
                .iter()
                .filter(|(key, story)| harmed(key.condition) && story.namespaces.contains(&quota.namespace))
                .map(|(key, _)| key.entity.clone())
                .collect();
            for entity in of {
                let key = Key { entity, condition: Condition::QuotaFull, signal: SignalKind::Metrics };
                let story = self.stories.entry(key).or_default();
                story.namespaces.insert(quota.namespace.clone());
                story.held.push(Held { ..quota.held.clone() });
            }
        }
    }

    /// What the healthy recording shows of the same.
    pub(super) fn usual_of(&self, key: &Key, periods: &Periods) -> Usual {
        let width = bin_width(periods);
        let nothing = Story::default();
        self.usual.get(key).unwrap_or(&nothing).as_usual(&self.usual_watched, width, self.usual_seconds)
    }

    /// Whether any state or event was told of a service.
    pub fn watches(&self, service: &str) -> bool {
        self.services.contains(service)
    }

    /// Services with a node that pods of theirs run on.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.hosts.iter().flat_map(|(service, nodes)| nodes.iter().map(|node| (&**service, node.as_str())))
    }

    /// How often anything was wrong with each service or node, over time: bins of that width from `start` on.
    pub fn troubles(
        &self,
        (start, until): (UnixNanos, UnixNanos),
        width: UnixNanos,
    ) -> Vec<(&str, Vec<f64>)> {
        let count = usize::try_from((until - start) / width.max(1)).unwrap_or(0).min(10_000) + 1;
        let mut rows: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (key, story) in &self.stories {
            let row = rows.entry(&key.entity.name).or_insert_with(|| vec![0.0; count]);
            let mut add = |at: UnixNanos, much: f64| {
                let slot =
                    usize::try_from((at - start) / width.max(1)).ok().filter(|_| at >= start && at <= until);
                if let Some(bin) = slot.and_then(|slot| row.get_mut(slot)) {
                    *bin += much;
                }
            };
            for happened in &story.happened {
                add(happened.at, happened.count.min(10.0));
            }
            for held in &story.held {
                // As many as fit in a bin are one: a state is there or is not.
                let mut last = None;
                for (at, _) in held.on.iter().filter(|(_, on)| *on) {
                    let bin = (at - start).div_euclid(width.max(1));
                    if last.replace(bin) != Some(bin) {
                        add(*at, 1.0);
                    }
                }
            }
        }
        rows.into_iter().collect()
    }
}

/// Seconds of the healthy recording.
fn seconds_of(case: &Case) -> f64 {
    let of = &case.reference;
    let states = of.states.iter().flat_map(|series| {
        [series.points.first(), series.points.last()].into_iter().flatten().map(|point| point.at)
    });
    let times: Vec<UnixNanos> = states.chain(of.events.iter().map(|event| event.at)).collect();
    match (times.iter().min(), times.iter().max()) {
        (Some(first), Some(last)) => (last - first) as f64 / 1e9,
        _ => 0.0,
    }
}
