//! Which service a pod, a workload or an autoscaler belongs to, and which node a pod runs on.
//!
//! Best told by the telemetry of the pod itself, then by the names of its owners, then by the pattern that
//! Kubernetes makes names of pods by. A namespace in which nothing of the services at hand lives is another
//! system's, whatever its workloads are called.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use quell_sdk::signal::{Labels, Series};

use crate::analysis::{case::Case, causal::Graph};

/// Labels that name the workload of a pod, the most telling first.
const WORKLOAD: [&str; 16] = [
    "label_app_kubernetes_io_name",
    "app_kubernetes_io_name",
    "label_app",
    "app",
    "k8s_deployment_name",
    "deployment",
    "k8s_statefulset_name",
    "statefulset",
    "k8s_daemonset_name",
    "daemonset",
    "k8s_cronjob_name",
    "k8s_hpa_name",
    "horizontalpodautoscaler",
    "k8s_replicaset_name",
    "replicaset",
    "created_by_name",
];
/// Most pods that are known.
const PODS: usize = 100_000;

/// A label's value under its own name or, where a scraper's label stood in the way, its second one. Exporters of
/// states tell of other pods than their own.
pub(super) fn label<'a>(labels: &'a Labels, names: &[&str]) -> &'a str {
    let get = |name: &str| labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
    names.iter().find_map(|name| get(&format!("exported_{name}")).or_else(|| get(name))).unwrap_or_default()
}

pub(super) fn namespace_of(labels: &Labels) -> &str {
    label(labels, &["k8s_namespace_name", "namespace", "kubernetes_namespace"])
}

pub(super) fn pod_of(labels: &Labels) -> &str {
    label(labels, &["k8s_pod_name", "pod", "pod_name"])
}

/// What is known of who belongs to whom.
#[derive(Default)]
pub(super) struct Owners {
    /// Service of a pod, as the pod's own telemetry says.
    pods: HashMap<String, Arc<str>>,
    /// Workload of a pod, by namespace and name, as its owner says.
    owned: HashMap<(String, String), String>,
    nodes: HashMap<String, String>,
    services: BTreeSet<Arc<str>>,
    /// Namespaces of services, as far as known, and of all of them.
    namespaces: BTreeMap<Arc<str>, BTreeSet<String>>,
    home: BTreeSet<String>,
}

impl Owners {
    pub(super) fn new(case: &Case) -> Self {
        let mut owners = Self::default();
        owners.of_telemetry(case);
        for series in case.now.states.iter().chain(&case.reference.states) {
            owners.of_owner(series);
        }
        let called = case.edges.iter().flat_map(|edge| [&*edge.caller, &*edge.callee]);
        let changed = case.changes.iter().map(|change| change.service.as_str());
        let named = called.chain(changed).chain([case.service.as_str()]);
        owners.services.extend(named.filter(|name| !name.is_empty()).map(Arc::from));
        if !case.namespace.is_empty() {
            owners.home.insert(case.namespace.clone());
            let service = Arc::from(case.service.as_str());
            owners.namespaces.entry(service).or_default().insert(case.namespace.clone());
        }
        owners
    }

    /// Pods, namespaces and nodes of the services that report something of themselves.
    fn of_telemetry(&mut self, case: &Case) {
        let mut seen: HashSet<(Arc<str>, Arc<str>)> = HashSet::new();
        let both = [&case.now, &case.reference];
        let spans =
            both.iter().flat_map(|of| &of.spans).map(|span| (&span.service, &span.pod, &span.attributes));
        let logs = both.iter().flat_map(|of| &of.logs).map(|log| (&log.service, &log.pod, &log.attributes));
        for (service, pod, attributes) in spans.chain(logs) {
            if service.is_empty() || seen.len() >= PODS || !seen.insert((service.clone(), pod.clone())) {
                continue;
            }
            let get = |name: &str| {
                attributes.iter().find(|(key, _)| &**key == name).map_or("", |(_, value)| &**value)
            };
            self.note(service, pod, get("k8s.namespace.name"), get("k8s.node.name"));
        }
        for series in both.iter().flat_map(|of| &of.series) {
            if !series.service().is_empty() && !is_of_exporter(series) {
                let node = series.labels.get("node").map_or("", String::as_str);
                let pod = series.labels.get("pod").map_or("", String::as_str);
                self.note(&Arc::from(series.service()), pod, namespace_of(&series.labels), node);
            }
        }
    }

    fn note(&mut self, service: &Arc<str>, pod: &str, namespace: &str, node: &str) {
        if !pod.is_empty() && self.pods.len() < PODS {
            self.pods.entry(pod.to_owned()).or_insert_with(|| service.clone());
            if !node.is_empty() {
                self.nodes.entry(pod.to_owned()).or_insert_with(|| node.to_owned());
            }
        }
        if !namespace.is_empty() {
            self.home.insert(namespace.to_owned());
            self.namespaces.entry(service.clone()).or_default().insert(namespace.to_owned());
        }
        self.services.insert(service.clone());
    }

    /// Owners and nodes of pods, as series about them say.
    fn of_owner(&mut self, series: &Series) {
        let labels = &series.labels;
        let (namespace, pod) = (namespace_of(labels), pod_of(labels));
        if pod.is_empty() || self.owned.len() >= PODS {
            return;
        }
        let node = label(labels, &["k8s_node_name", "node"]);
        if !node.is_empty() && !self.nodes.contains_key(pod) {
            self.nodes.insert(pod.to_owned(), node.to_owned());
        }
        let owner = label(labels, &WORKLOAD);
        let owner = if owner.is_empty() && series.name == "kube_pod_owner" {
            label(labels, &["owner_name"])
        } else {
            owner
        };
        if !owner.is_empty() {
            let key = (namespace.to_owned(), pod.to_owned());
            self.owned.entry(key).or_insert_with(|| workload(owner).to_owned());
        }
    }

    /// Says on which node a pod runs.
    pub(super) fn place(&mut self, pod: &str, node: &str) {
        if !pod.is_empty() && !node.is_empty() && self.nodes.len() < PODS {
            self.nodes.entry(pod.to_owned()).or_insert_with(|| node.to_owned());
        }
    }

    pub(super) fn node_of(&self, pod: &str) -> Option<&str> {
        self.nodes.get(pod).map(String::as_str)
    }

    /// The services known to have pods on a node.
    pub(super) fn pods_by_node(&self) -> impl Iterator<Item = (&str, &str)> {
        self.nodes.iter().map(|(pod, node)| (pod.as_str(), node.as_str()))
    }

    /// The service that what stands in these labels belongs to; `None` for what is another system's.
    pub(super) fn of_labels(&self, labels: &Labels, graph: &Graph) -> Option<Arc<str>> {
        let namespace = namespace_of(labels);
        let pod = pod_of(labels);
        if let Some(service) = self.of_known_pod(namespace, pod) {
            return Some(service);
        }
        let stated = label(labels, &WORKLOAD);
        let container = label(labels, &["container", "k8s_container_name"]);
        let service = labels.get("service").map_or("", String::as_str);
        let known = |name: &str| self.services.get(name).cloned();
        let owner = self.owner(namespace, pod, stated);
        let found = known(&owner)
            .or_else(|| known(container).filter(|_| !pod.is_empty()))
            .or_else(|| owner.is_empty().then(|| known(service)).flatten())
            .or_else(|| (!owner.is_empty()).then(|| Arc::from(owner.as_str())))?;
        self.is_ours(&found, namespace, graph).then_some(found)
    }

    /// The service that an object belongs to; `None` for what is another system's.
    pub(super) fn of_object(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        graph: &Graph,
    ) -> Option<Arc<str>> {
        let owner = match kind {
            "Pod" => match self.of_known_pod(namespace, name) {
                Some(service) => return Some(service),
                None => self.owner(namespace, name, ""),
            },
            _ => workload(name).to_owned(),
        };
        let found = self.services.get(owner.as_str()).cloned();
        let found = found.or_else(|| (!owner.is_empty()).then(|| Arc::from(owner.as_str())))?;
        self.is_ours(&found, namespace, graph).then_some(found)
    }

    fn of_known_pod(&self, namespace: &str, pod: &str) -> Option<Arc<str>> {
        let service = self.pods.get(pod)?;
        // Names of pods of stateful sets are the same in every namespace.
        let known = self.namespaces.get(service);
        let is_there = namespace.is_empty() || known.is_none_or(|known| known.contains(namespace));
        is_there.then(|| service.clone())
    }

    fn owner(&self, namespace: &str, pod: &str, stated: &str) -> String {
        if !stated.is_empty() {
            return workload(stated).to_owned();
        }
        if let Some(owner) = self.owned.get(&(namespace.to_owned(), pod.to_owned())) {
            return owner.clone();
        }
        let owner = workload(pod);
        if owner.len() < pod.len() {
            return owner.to_owned();
        }
        // No pattern that Kubernetes makes: the longest known name that it begins with.
        let ends = pod.rmatch_indices('-').map(|(end, _)| end);
        let mut beginnings = std::iter::once(pod.len()).chain(ends).filter_map(|end| pod.get(..end));
        let known = beginnings.find(|beginning| self.services.contains(*beginning));
        known.unwrap_or(pod).to_owned()
    }

    fn is_ours(&self, service: &Arc<str>, namespace: &str, graph: &Graph) -> bool {
        if namespace.is_empty() || self.home.is_empty() {
            return true;
        }
        match self.namespaces.get(service) {
            Some(known) => known.contains(namespace),
            // Shared things live elsewhere, and are called.
            None => self.home.contains(namespace) || graph.contains(service),
        }
    }

    /// Whether a namespace is one in which the services at hand live, as far as anybody knows.
    pub(super) fn is_home(&self, namespace: &str) -> bool {
        self.home.is_empty() || self.home.contains(namespace)
    }
}

/// Whether a series is an exporter's word about other pods, or about machines.
fn is_of_exporter(series: &Series) -> bool {
    series.name == "up"
        || ["container_", "node_", "kubelet_", "machine_", "scrape_"]
            .iter()
            .any(|start| series.name.starts_with(start))
        || series.labels.keys().any(|name| name.starts_with("exported_pod") || name == "exported_namespace")
}

/// The workload of a pod, a replica set or a job, by the pattern of its name.
pub(super) fn workload(name: &str) -> &str {
    let Some((rest, last)) = name.rsplit_once('-') else { return name };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if rest.is_empty() {
        return name;
    }
    if is_random(last, 5..=5) {
        return match rest.rsplit_once('-') {
            Some((owner, hash))
                if !owner.is_empty() && (is_random(hash, 6..=10) || (digits(hash) && hash.len() >= 6)) =>
            {
                owner
            }
            _ => rest,
        };
    }
    if is_random(last, 8..=10) && last.bytes().any(|byte| byte.is_ascii_digit()) {
        return rest;
    }
    if digits(last) { rest } else { name }
}

/// Whether a part of a name was drawn by Kubernetes, which leaves out vowels and what looks like them, so as to
/// spell no words.
fn is_random(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    length.contains(&text.len()) && text.bytes().all(|byte| SAFE.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_told_from_names_of_their_pods() {
        for (pod, owner) in [
            ("cart-7d9f8b6c5d-x2x4z", "cart"),
            ("cart-7d9f8b6c5d", "cart"),
            ("ts-order-service-6f7d8b9c4-kvw8q", "ts-order-service"),
            ("node-agent-x7k2p", "node-agent"),
            ("postgres-0", "postgres"),
            ("redis-cart-12", "redis-cart"),
            ("backup-28391230-zx8kd", "backup"),
            ("cart", "cart"),
            ("shopping-cart", "shopping-cart"),
            ("", ""),
            ("-", "-"),
            ("-x2x4z", "-x2x4z"),
        ] {
            assert_eq!(workload(pod), owner, "{pod}");
        }
    }
}
