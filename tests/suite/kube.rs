//! What Kubernetes says argues: faults that its states and events tell are found with place, class and change, and
//! what was always so, is over, or is somebody else's is not named.

use quell::{
    bundle,
    domain::{EntityKind, FaultClass, Investigation},
};
use serde_json::json;

use super::{
    authored::{FAULT, moment},
    evidence::{answer, hold},
    kube_authored::{Incident, ORDERS, STOCK},
};

pub(super) const F: f64 = FAULT as f64;

pub(super) async fn found(incident: Incident) -> Investigation {
    let folder = tempfile::tempdir().unwrap();
    incident.write(folder.path());
    let (evidence, wrongs) = hold(folder.path()).await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    let bundle = bundle::open(folder.path(), bundle::Options::default()).unwrap();
    let answer = answer(&bundle).await;
    assert_eq!(answer.evidence.len(), evidence.len());
    answer
}

pub(super) fn told(answer: &Investigation) -> String {
    let mut text = format!("{:?}: {}\n", answer.verdict, answer.because);
    for hypothesis in answer.hypotheses.iter().take(6) {
        text.push_str(&format!(
            "{:.2} {:.1} {} {} {:?}\n",
            hypothesis.probability,
            hypothesis.log_odds(),
            hypothesis.entity,
            hypothesis.fault.as_str(),
            hypothesis.change_id
        ));
        for argument in &hypothesis.arguments {
            text.push_str(&format!("    {:5.1} {} {}\n", argument.decibans, argument.test, argument.text));
        }
    }
    for symptom in &answer.symptoms {
        text.push_str(&format!(
            "  {:.1} {} {} {:?}\n",
            symptom.decibans, symptom.entity, symptom.indicator, symptom.kind
        ));
    }
    text
}

/// Whether Kubernetes speaks of a place in any symptom.
pub(super) fn speaks_of(answer: &Investigation, name: &str) -> bool {
    let words = ["kube_", "k8s_", "event ", "container_", "throttled"];
    answer.symptoms.iter().any(|symptom| {
        symptom.entity.name == name && words.iter().any(|word| symptom.indicator.starts_with(word))
    })
}

/// A flag that is exported as 1 while it holds, and not at all otherwise.
pub(super) fn since(from: f64) -> impl Fn(f64) -> Option<f64> {
    move |at| (at >= from).then_some(1.0)
}

pub(super) fn container<'a>(pod: &'a str, name: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("namespace", "shop"), ("pod", pod), ("container", name)]
}

pub(super) fn with<'a>(
    mut labels: Vec<(&'a str, &'a str)>,
    key: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    labels.push((key, value));
    labels
}

pub(super) fn healthy(mut incident: Incident) -> Incident {
    for (pods, name) in [(ORDERS, "orders"), (STOCK, "stock")] {
        for pod in pods {
            incident =
                incident
                    .state("kube_pod_container_status_restarts_total", &container(pod, name), |_| Some(0.0));
        }
    }
    incident
}

pub(super) fn oom_loop(incident: Incident) -> Incident {
    let kills = |at: f64| Some(if at < F { 0.0 } else { 1.0 + ((at - F) / 50.0).floor() });
    STOCK.iter().fold(incident, |incident, pod| {
        incident
            .state("kube_pod_container_status_restarts_total", &container(pod, "stock"), kills)
            .state(
                "kube_pod_container_status_last_terminated_reason",
                &with(container(pod, "stock"), "reason", "OOMKilled"),
                since(F),
            )
            .state(
                "kube_pod_container_status_waiting_reason",
                &with(container(pod, "stock"), "reason", "CrashLoopBackOff"),
                |at| (at >= F + 60.0).then_some(if (at as u64) % 120 < 90 { 1.0 } else { 0.0 }),
            )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_kills_for_memory_is_found_with_service_and_class() {
    for without_traces in [false, true] {
        let mut incident = oom_loop(Incident::new().down("stock"));
        if without_traces {
            incident = incident.without_traces().label("service", "stock");
        }
        let answer = found(incident).await;
        let first = &answer.hypotheses[0];
        assert_eq!(
            (first.entity.name.as_str(), first.fault),
            ("stock", FaultClass::OomKill),
            "{}",
            told(&answer)
        );
        assert!(first.probability > 0.6, "{}", told(&answer));
        assert!(first.arguments.iter().any(|argument| argument.text.contains("killed for lack of memory")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_after_a_release_names_the_change() {
    let mut incident = Incident::new().down("orders").deploy("deploy-41", "web", 300).deploy(
        "deploy-42",
        "orders",
        FAULT - 20,
    );
    for pod in ["orders-66f8b5d7c9-v2b4n", "orders-66f8b5d7c9-x8x6z"] {
        let of = [
            ("k8s.namespace.name", "shop"),
            ("k8s.pod.name", pod),
            ("k8s.container.name", "orders"),
            ("k8s.deployment.name", "orders"),
        ];
        incident = incident.receiver("k8s.container.restarts", &of, |at| {
            (at >= F - 15.0).then_some(((at - F) / 60.0).floor().max(0.0))
        });
        for number in 0..10 {
            incident = incident.event(
                F + 20.0 + f64::from(number) * 55.0,
                "Pod",
                pod,
                "BackOff",
                "Back-off restarting failed container orders in pod",
            );
        }
    }
    // How every rollout goes.
    for pod in ORDERS {
        incident = incident.event(F - 10.0, "Pod", pod, "Killing", "Stopping container orders");
    }
    incident = incident.event(
        F - 20.0,
        "Deployment",
        "orders",
        "ScalingReplicaSet",
        "Scaled up replica set orders-66f8b5d7c9 to 2",
    );
    let answer = found(incident).await;
    let first = &answer.hypotheses[0];
    assert_eq!(
        (first.entity.name.as_str(), first.change_id.as_deref()),
        ("orders", Some("deploy-42")),
        "{}",
        told(&answer)
    );
    assert!(
        answer
            .hypotheses
            .iter()
            .any(|other| other.entity == first.entity && other.fault == FaultClass::CrashLoop)
    );
}

fn node(incident: Incident, name: &str, lost: bool) -> Incident {
    ["true", "false", "unknown"].iter().fold(incident, |incident, status| {
        incident.state(
            "kube_node_status_condition",
            &[("node", name), ("condition", "Ready"), ("status", status)],
            move |at| {
                let now = if lost && at >= F - 10.0 { "unknown" } else { "true" };
                Some(f64::from(u8::from(now == *status)))
            },
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_lost_with_pods_of_several_services_is_named() {
    let mut incident = Incident::new().down("orders").down("stock");
    for name in ["node-1", "node-2", "node-3"] {
        incident = node(incident, name, name == "node-3");
    }
    for (pods, name) in [(ORDERS, "orders"), (STOCK, "stock")] {
        for (pod, on) in pods.iter().zip(["node-3", "node-1"]) {
            incident = incident.state(
                "kube_pod_info",
                &[("namespace", "shop"), ("pod", pod), ("node", on), ("created_by_name", name)],
                |_| Some(1.0),
            );
            let is_lost = on == "node-3";
            incident = incident.state("kube_pod_container_status_ready", &container(pod, name), move |at| {
                Some(f64::from(u8::from(!(is_lost && at >= F))))
            });
        }
        incident = incident.event(
            F + 40.0,
            "Pod",
            pods[0],
            "TaintManagerEviction",
            "Marking for deletion Pod shop/x",
        );
    }
    let answer = found(incident).await;
    let first = &answer.hypotheses[0];
    assert_eq!(
        (first.entity.kind, first.entity.name.as_str()),
        (EntityKind::Node, "node-3"),
        "{}",
        told(&answer)
    );
    assert_eq!(first.fault, FaultClass::NodeLoss, "{}", told(&answer));
    assert!(
        answer.recovery_paths.iter().any(|path| path.target.name == "node-3"),
        "{:?}",
        answer.recovery_paths
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_fit_on_no_node_are_a_lack_of_room() {
    let mut incident = Incident::new().down("stock");
    for number in 0..8 {
        incident = incident.event(
            F + 5.0 + f64::from(number) * 60.0,
            "Pod",
            "stock-7b9c6d5f48-n6m2x",
            "FailedScheduling",
            "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available",
        );
    }
    incident = incident.state(
        "kube_deployment_status_replicas_unavailable",
        &[("namespace", "shop"), ("deployment", "stock")],
        |at| Some(if at < F { 0.0 } else { 1.0 }),
    );
    let answer = found(incident).await;
    let first = &answer.hypotheses[0];
    assert_eq!(
        (first.entity.name.as_str(), first.fault),
        ("stock", FaultClass::Capacity),
        "{}",
        told(&answer)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_forbids_pods_is_a_quota() {
    let mut incident = Incident::new().down("stock");
    for number in 0..8 {
        incident = incident.event(F + 5.0 + f64::from(number) * 60.0, "ReplicaSet", "stock-7b9c6d5f48", "FailedCreate",
            "Error creating: pods \"stock-7b9c6d5f48-\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=10, limited: pods=10");
    }
    for (kind, value) in [("hard", 10.0), ("used", 10.0)] {
        incident = incident.state(
            "kube_resourcequota",
            &[("namespace", "shop"), ("resourcequota", "compute"), ("resource", "pods"), ("type", kind)],
            move |at| Some(if kind == "used" && at < F - 30.0 { 8.0 } else { value }),
        );
    }
    let answer = found(incident).await;
    let first = &answer.hypotheses[0];
    assert_eq!((first.entity.name.as_str(), first.fault), ("stock", FaultClass::Quota), "{}", told(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled_after_a_deploy_names_the_deploy() {
    let mut incident = Incident::new().down("orders").deploy("deploy-7", "orders", FAULT - 30).deploy(
        "deploy-8",
        "stock",
        FAULT - 300,
    );
    for number in 0..9_u32 {
        let at = F + f64::from(number) * 60.0;
        let last = moment(at as u64);
        incident = incident.object(
            at + 2.0,
            &json!({"type": "MODIFIED", "object": {
                "kind": "Event", "reason": "Failed", "type": "Warning", "count": number + 1,
                "message": "Failed to pull image \"registry/orders:1.5.0\": manifest unknown",
                "firstTimestamp": moment(FAULT), "lastTimestamp": last,
                "metadata": {"name": "orders.17f", "namespace": "shop", "uid": "e-1"},
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "orders-66f8b5d7c9-v2b4n"},
            }}),
        );
    }
    let answer = found(incident).await;
    let first = &answer.hypotheses[0];
    assert_eq!(
        (first.entity.name.as_str(), first.change_id.as_deref()),
        ("orders", Some("deploy-7")),
        "{}",
        told(&answer)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_configuration_is_a_faulty_configuration() {
    let mut incident = Incident::new().down("stock");
    for pod in STOCK {
        incident = incident
            .state(
                "kube_pod_container_status_waiting_reason",
                &with(container(pod, "stock"), "reason", "CreateContainerConfigError"),
                since(F),
            )
            .event(F + 10.0, "Pod", pod, "Failed", "Error: secret \"stock-db\" not found");
    }
    let answer = found(healthy(incident)).await;
    let first = &answer.hypotheses[0];
    assert_eq!(
        (first.entity.name.as_str(), first.fault),
        ("stock", FaultClass::BadConfig),
        "{}",
        told(&answer)
    );
}
