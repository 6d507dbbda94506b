//! From series to what happened and what held.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quell_sdk::signal::{Labels, Point, Series, UnixNanos};

use super::{
    Condition,
    cluster::{Key, Stories, node, service},
    counters::{increments, is_on_near, joined},
    names::{Pair, Tells, Value, tells},
    owners::{Owners, label, namespace_of, pod_of},
    story::{From, Happened, Held},
};
use crate::{
    analysis::{Telemetry, causal::Graph},
    domain::{Entity, SignalKind},
};

/// Series whose sample times say when the exporter answered.
const WATCHES: usize = 200;
/// Coarseness of those times.
const SLOT: UnixNanos = 15_000_000_000;

/// A container's share of throttled periods.
pub(super) struct Throttle {
    pub service: Arc<str>,
    pub pod: Arc<str>,
    pub points: Vec<Point>,
    pub query: String,
}

/// A quota that was used up at some time.
pub(super) struct Full {
    pub namespace: String,
    pub held: Held,
}

/// What the series of one recording say.
#[derive(Default)]
pub(super) struct Gathered {
    pub stories: Stories,
    pub watched: BTreeSet<UnixNanos>,
    pub throttles: Vec<Throttle>,
    pub quotas: Vec<Full>,
    /// All services and nodes that states were told of.
    pub services: BTreeSet<Arc<str>>,
    pub nodes: BTreeSet<String>,
}

/// A container: namespace, pod, container.
type Container = (String, String, String);

fn container_of(labels: &Labels) -> Container {
    let name = label(labels, &["k8s_container_name", "container"]);
    (namespace_of(labels).to_owned(), pod_of(labels).to_owned(), name.to_owned())
}

struct Reader<'a> {
    series: &'a [&'a Series],
    owners: &'a Owners,
    graph: &'a Graph,
    out: Gathered,
    watches: usize,
    /// Counters of a container: one that ends for another reason is another series in OpenTelemetry.
    counters: BTreeMap<(Container, Condition), Vec<usize>>,
    last: BTreeMap<Container, Vec<usize>>,
    pairs: BTreeMap<(Pair, Container), [Option<usize>; 2]>,
}

/// The series of a recording that tell a state, in one order.
pub(super) fn series_of(telemetry: &Telemetry) -> Vec<&Series> {
    let both = telemetry.series.iter().filter(|series| tells(&series.name).is_some());
    telemetry.states.iter().chain(both).collect()
}

/// Reads all states of a recording.
pub(super) fn gather(telemetry: &Telemetry, owners: &Owners, graph: &Graph) -> Gathered {
    let series = &series_of(telemetry);
    let (out, counters, last, pairs) =
        <(Gathered, BTreeMap<_, _>, BTreeMap<_, _>, BTreeMap<_, _>)>::default();
    let mut reader = Reader { series, owners, graph, out, watches: 0, counters, last, pairs };
    for (index, one) in series.iter().copied().enumerate() {
        if let Some(tells) = tells(&one.name) {
            reader.watch(one);
            reader.read(index, one, tells);
        }
    }
    reader.count();
    reader.compare();
    reader.out
}

impl Reader<'_> {
    fn watch(&mut self, series: &Series) {
        if self.watches < WATCHES {
            self.watches += 1;
            self.out.watched.extend(series.points.iter().map(|point| point.at.div_euclid(SLOT) * SLOT));
        }
    }

    fn read(&mut self, index: usize, series: &Series, tells: Tells) {
        let labels = &series.labels;
        match tells {
            Tells::Belongs => {}
            Tells::Count(condition) => {
                self.counters.entry((container_of(labels), condition)).or_default().push(index);
            }
            Tells::LastReason => self.last.entry(container_of(labels)).or_default().push(index),
            Tells::While(condition, value) => self.hold(index, series, condition, value),
            Tells::Reason(name) => {
                if let Some((condition, value)) = by_reason(series, name) {
                    self.hold(index, series, condition, value);
                }
            }
            Tells::PodReason => self.hold(index, series, Condition::Evicted, Value::Is(1.0)),
            Tells::NodeCondition => {
                if let Some(condition) = node_condition(label(labels, &["condition"])) {
                    let status = labels.get("status").map_or("", String::as_str).to_ascii_lowercase();
                    // Of one condition there is a series for each status; good ones are told by the bad ones.
                    let is_bad = if condition == Condition::NodeNotReady {
                        matches!(status.as_str(), "false" | "unknown")
                    } else {
                        status == "true"
                    };
                    if is_bad {
                        self.hold(index, series, condition, Value::Positive);
                    }
                    self.out.nodes.insert(node_of(labels).to_owned());
                }
            }
            Tells::Part(pair) | Tells::Whole(pair) => {
                let is_whole = match (series.name.as_str(), labels.get("type").map(String::as_str)) {
                    ("kube_resourcequota", Some(kind)) => kind == "hard",
                    ("kube_pod_container_resource_limits", _) => {
                        if label(labels, &["resource"]) != "memory" {
                            return;
                        }
                        true
                    }
                    _ => matches!(tells, Tells::Whole(_)),
                };
                let key = match pair {
                    Pair::Memory | Pair::Throttling => container_of(labels),
                    Pair::Quota => (
                        namespace_of(labels).to_owned(),
                        label(
                            labels,
                            &["resourcequota", "k8s_resource_quota_name", "k8s_resourcequota_name"],
                        )
                        .to_owned(),
                        label(labels, &["resource"]).to_owned(),
                    ),
                    Pair::Replicas | Pair::Autoscaler => {
                        (namespace_of(labels).to_owned(), object(labels).to_owned(), String::new())
                    }
                };
                if let Some(slot) = self.pairs.entry((pair, key)).or_default().get_mut(usize::from(is_whole))
                {
                    slot.get_or_insert(index);
                }
            }
        }
    }

    /// The place that a series is told of.
    fn entity(&mut self, labels: &Labels, condition: Condition) -> Option<Entity> {
        if condition.is_of_node() {
            let name = node_of(labels);
            self.out.nodes.insert(name.to_owned());
            return (!name.is_empty()).then(|| node(name));
        }
        let found = self.owners.of_labels(labels, self.graph)?;
        self.out.services.insert(found.clone());
        Some(service(&found))
    }

    fn hold(&mut self, index: usize, series: &Series, condition: Condition, value: Value) {
        let Some(entity) = self.entity(&series.labels, condition) else { return };
        let points = series.points.iter().filter(|point| point.value.is_finite());
        let on: Vec<(UnixNanos, bool)> = points.map(|point| (point.at, value.holds(point.value))).collect();
        self.keep(
            entity,
            condition,
            &series.labels,
            Held { object: Arc::from(object(&series.labels)), series: index, low: value.is_low(), on },
        );
    }

    fn keep(&mut self, entity: Entity, condition: Condition, labels: &Labels, held: Held) {
        if held.on.iter().any(|(_, on)| *on) {
            let story = self.story(entity, condition, labels);
            story.held.push(held);
        }
    }

    fn story(&mut self, entity: Entity, condition: Condition, labels: &Labels) -> &mut super::story::Story {
        let key = Key { entity, condition, signal: SignalKind::Metrics };
        let story = self.out.stories.entry(key).or_default();
        let namespace = namespace_of(labels);
        if !namespace.is_empty() && !story.namespaces.contains(namespace) {
            story.namespaces.insert(namespace.to_owned());
        }
        story
    }

    /// Counts of restarts, those that were kills for lack of memory told apart by the reason that stands beside.
    fn count(&mut self) {
        let (counters, last) = (std::mem::take(&mut self.counters), std::mem::take(&mut self.last));
        let counted: BTreeSet<Container> = counters.keys().map(|(container, _)| container.clone()).collect();
        for ((container, condition), indexes) in counters {
            let Some(labels) =
                indexes.first().and_then(|index| self.series.get(*index)).map(|one| &one.labels)
            else {
                continue;
            };
            let Some(entity) = self.entity(labels, condition) else { continue };
            let killed: Vec<&Series> = last
                .get(&container)
                .into_iter()
                .flatten()
                .filter_map(|index| self.series.get(*index).copied())
                .filter(|one| label(&one.labels, &["reason"]) == "OOMKilled")
                .collect();
            for (index, at, count) in increments(self.series, &indexes) {
                let is_oom = killed.iter().any(|one| is_on_near(one, at))
                    || self.series.get(index).is_some_and(|one| {
                        label(&one.labels, &["k8s_container_status_last_terminated_reason"]) == "OOMKilled"
                    });
                let condition = if is_oom { Condition::OomKilled } else { condition };
                let happened = Happened {
                    at,
                    count,
                    object: Arc::from(container.1.as_str()),
                    from: From::Series(index),
                };
                self.story(entity.clone(), condition, labels).happened.push(happened);
            }
        }
        for (container, indexes) in last.into_iter().filter(|(container, _)| !counted.contains(container)) {
            for index in indexes {
                let Some(one) = self.series.get(index) else { continue };
                let Some(condition) = Condition::of_reason(label(&one.labels, &["reason"])) else { continue };
                let Some(at) = self.began(one) else { continue };
                let Some(entity) = self.entity(&one.labels, condition) else { continue };
                let happened = Happened {
                    at,
                    count: 1.0,
                    object: Arc::from(container.1.as_str()),
                    from: From::Series(index),
                };
                self.story(entity, condition, &one.labels).happened.push(happened);
            }
        }
    }

    /// When a state that stays once it is there came about, if that was seen.
    fn began(&self, series: &Series) -> Option<UnixNanos> {
        let at = series.points.iter().find(|point| point.value > 0.0)?.at;
        let was_off = series.points.first().is_some_and(|point| point.at < at);
        let appeared = self.out.watched.iter().next().is_some_and(|first| at - first > 4 * SLOT);
        (was_off || appeared).then_some(at)
    }

    fn compare(&mut self) {
        for ((pair, (namespace, ..)), both) in std::mem::take(&mut self.pairs) {
            let [Some(part), Some(whole)] = both else { continue };
            let (Some(part_series), Some(whole)) = (self.series.get(part), self.series.get(whole)) else {
                continue;
            };
            let ratios = joined(&part_series.points, &whole.points);
            let labels = &part_series.labels;
            let pod: Arc<str> = Arc::from(object(labels));
            let Some(condition) = pair.condition() else {
                let Some(service) = self.owners.of_labels(labels, self.graph) else { continue };
                let points = ratios.filter(|(_, _, whole)| *whole > 0.0);
                let points: Vec<Point> =
                    points.map(|(at, part, whole)| Point { at, value: part / whole }).collect();
                self.out.services.insert(service.clone());
                if points.iter().any(|point| point.value > 0.0) {
                    let query = format!("{} / {}", part_series.query, whole.query);
                    self.out.throttles.push(Throttle { service, pod, points, query });
                }
                continue;
            };
            let on: Vec<(UnixNanos, bool)> =
                ratios.map(|(at, part, whole)| (at, pair.holds(part, whole))).collect();
            let held = Held { object: pod, series: part, low: pair == Pair::Replicas, on };
            if pair == Pair::Quota {
                if held.on.iter().any(|(_, on)| *on) && self.owners.is_home(&namespace) {
                    self.out.quotas.push(Full { namespace, held });
                }
                continue;
            }
            let Some(entity) = self.entity(labels, condition) else { continue };
            self.keep(entity, condition, labels, held);
        }
    }
}

/// The condition that a label's value names.
fn by_reason(series: &Series, name: &str) -> Option<(Condition, Value)> {
    let reason = label(&series.labels, &[name]);
    match (series.name.as_str(), reason) {
        ("kube_deployment_status_condition", "Progressing") => {
            (series.labels.get("status").map(String::as_str) == Some("false"))
                .then_some((Condition::RolloutStuck, Value::Positive))
        }
        ("kube_deployment_status_condition", _) => None,
        ("k8s_node_condition", "Ready") => Some((Condition::NodeNotReady, Value::NotOne)),
        ("k8s_node_condition", other) => Some((node_condition(other)?, Value::Is(1.0))),
        (_, reason) => Some((Condition::of_reason(reason)?, Value::Positive)),
    }
}

fn node_condition(name: &str) -> Option<Condition> {
    Some(match name {
        "Ready" => Condition::NodeNotReady,
        "MemoryPressure" => Condition::MemoryPressure,
        "DiskPressure" => Condition::DiskPressure,
        "PIDPressure" => Condition::PidPressure,
        "NetworkUnavailable" => Condition::NetworkUnavailable,
        _ => return None,
    })
}

fn node_of(labels: &Labels) -> &str {
    label(labels, &["k8s_node_name", "node"])
}

/// The name of the object that labels are about.
fn object(labels: &Labels) -> &str {
    let of_workload = label(
        labels,
        &[
            "k8s_hpa_name",
            "horizontalpodautoscaler",
            "k8s_deployment_name",
            "deployment",
            "k8s_statefulset_name",
            "statefulset",
            "k8s_daemonset_name",
            "daemonset",
            "resourcequota",
            "k8s_resource_quota_name",
        ],
    );
    let pod = pod_of(labels);
    match (labels.contains_key("k8s_pod_name") || labels.contains_key("container"), of_workload, pod) {
        (true, _, pod) if !pod.is_empty() => pod,
        (_, "", "") => node_of(labels),
        (_, "", pod) => pod,
        (_, workload, _) => workload,
    }
}
