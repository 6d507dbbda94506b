//! Asks a metrics server for the states of Kubernetes around the alert.
//!
//! Exporters of states name pods, deployments and nodes rather than services, so that what is asked for by service
//! leaves most of them out. What is held in memory comes whole anyway.

use futures::future::join;
use quell_sdk::{
    Answer, Completeness, MetricsSource, Result,
    local::plan::{matchers, quoted, selector},
    signal::{Labels, Series, Window},
};

use super::collect::step;

/// States of what lives in a namespace.
const OF_PODS: &str = "kube_pod_container_status_(restarts_total|waiting_reason|last_terminated_reason|ready)|\
    kube_pod_init_container_status_(restarts_total|waiting_reason)|kube_pod_status_(unschedulable|reason)|kube_pod_info|\
    kube_deployment_(spec_replicas|status_replicas_available|status_condition)|kube_statefulset_(replicas|status_replicas_ready)|\
    kube_daemonset_status_number_unavailable|kube_resourcequota|\
    kube_horizontalpodautoscaler_(status_current|spec_max)_replicas";
/// Conditions of nodes, by what is bad of each.
const OF_NODES: &str = "kube_node_status_condition{condition=\"Ready\",status=~\"false|unknown\"} or \
    kube_node_status_condition{condition=~\".*Pressure|NetworkUnavailable\",status=\"true\"}";

/// Labels that exporters of states themselves give to a series: its query names these, and none that a scrape or a
/// source adds.
const OWN: [&str; 14] = [
    "namespace",
    "container",
    "reason",
    "condition",
    "status",
    "node",
    "deployment",
    "statefulset",
    "daemonset",
    "resourcequota",
    "resource",
    "type",
    "horizontalpodautoscaler",
    "uid",
];

/// Adds the states of a namespace, and of all nodes, to what a source found. Without a namespace, states of pods
/// are left out: those of a whole cluster are too many.
pub(super) async fn with_states(
    source: &dyn MetricsSource,
    found: impl Future<Output = Result<Answer<Vec<Series>>>>,
    namespace: &str,
    window: Window,
) -> Result<Answer<Vec<Series>>> {
    let (found, states) = join(found, states(source, namespace, window)).await;
    let mut found = found?;
    for answer in states {
        found.queries = found.queries.saturating_add(1);
        match answer {
            Ok(answer) => {
                found.data.extend(answer.data.into_iter().map(with_own_query));
                found.completeness = found.completeness.and(answer.completeness);
            }
            Err(error) => {
                let lacks = format!("states of Kubernetes: {}", error.message);
                found.completeness = found.completeness.and(Completeness::partial(lacks));
            }
        }
    }
    Ok(found)
}

async fn states(
    source: &dyn MetricsSource,
    namespace: &str,
    window: Window,
) -> Vec<Result<Answer<Vec<Series>>>> {
    let of_nodes = source.query_range(OF_NODES, window, step(window));
    if namespace.is_empty() {
        return vec![of_nodes.await];
    }
    // Where the exporter's own labels win, those of the pods are moved aside.
    let named = |label: &str| format!("{{__name__=~{},{label}={}}}", quoted(OF_PODS), quoted(namespace));
    let of_pods = format!("{} or {}", named("namespace"), named("exported_namespace"));
    let (of_pods, of_nodes) = join(source.query_range(&of_pods, window, step(window)), of_nodes).await;
    vec![of_pods, of_nodes]
}

/// A series with the query that gives it alone.
fn with_own_query(mut series: Series) -> Series {
    let is_of_pod = series.name.starts_with("kube_pod_");
    let own: Labels = series
        .labels
        .iter()
        .filter(|(name, _)| {
            let name = name.strip_prefix("exported_").unwrap_or(name);
            OWN.contains(&name) || (name == "pod" && is_of_pod)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    series.query = selector(&series.name, &matchers(&own));
    series
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use async_trait::async_trait;
    use jiff::Timestamp;
    use quell_sdk::{
        Error, ErrorKind,
        signal::{MetricKind, Point},
        source::Discover,
    };

    use super::*;

    #[derive(Default)]
    struct Server {
        asked: Mutex<Vec<String>>,
        refuses: bool,
    }

    #[async_trait]
    impl MetricsSource for Server {
        fn name(&self) -> &'static str {
            "server"
        }

        async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>> {
            Ok(Answer::full(Vec::new(), "discover", request.window))
        }

        async fn query_range(&self, expr: &str, window: Window, _: Duration) -> Result<Answer<Vec<Series>>> {
            self.asked.lock().unwrap().push(expr.to_owned());
            if self.refuses {
                return Err(Error::new(ErrorKind::Unavailable, "server", "out of memory"));
            }
            let labels = [
                ("condition", "Ready"),
                ("status", "unknown"),
                ("node", "n1"),
                ("pod", "10.0.0.1:80"),
                ("job", "ksm"),
            ];
            let series = Series {
                name: "kube_node_status_condition".to_owned(),
                labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                kind: MetricKind::Gauge,
                unit: String::new(),
                points: vec![Point { at: 0, value: 1.0 }],
                query: expr.to_owned(),
            };
            Ok(Answer::full(vec![series], expr, window))
        }
    }

    async fn ask(server: &Server, namespace: &str) -> Answer<Vec<Series>> {
        let window = Window::ending_at(Timestamp::UNIX_EPOCH, Duration::from_secs(1_800));
        let found = async { Ok(Answer::full(Vec::new(), "discover", window)) };
        with_states(server, found, namespace, window).await.unwrap()
    }

    #[tokio::test]
    async fn states_come_with_a_query_of_their_own_labels() {
        let server = Server::default();
        let answer = ask(&server, "").await;
        assert_eq!(answer.queries, 2);
        let query = "kube_node_status_condition{condition=\"Ready\",node=\"n1\",status=\"unknown\"}";
        assert_eq!(answer.data.iter().map(|series| series.query.as_str()).collect::<Vec<_>>(), [query]);
    }

    #[tokio::test]
    async fn pods_are_asked_for_where_the_namespace_is_known_and_every_query_parses() {
        let server = Server::default();
        ask(&server, "sh\"op").await;
        let asked = server.asked.lock().unwrap();
        assert_eq!(asked.len(), 2);
        for query in asked.iter() {
            assert!(quell_sdk::local::promql::check(query).is_ok(), "{query}");
        }
        assert!(asked.iter().any(|query| query.contains("restarts_total") && query.contains("namespace")));
    }

    #[tokio::test]
    async fn a_server_that_refuses_is_said_and_keeps_nothing_else_from_coming() {
        let answer = ask(&Server { refuses: true, ..Server::default() }, "shop").await;
        assert!(answer.completeness.reason().is_some_and(|reason| reason.contains("states of Kubernetes")));
    }
}
