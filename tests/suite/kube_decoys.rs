//! What Kubernetes says that is no argument: what was always so, is over, is somebody else's, or is nonsense.

use std::time::Instant;

use quell::{
    bundle,
    domain::{IndicatorKind, Investigation, Verdict},
};
use serde_json::json;

use super::{
    authored::{FAULT, nanos},
    evidence::answer,
    kube::{F, container, found, healthy, oom_loop, since, speaks_of, told, with},
    kube_authored::{Incident, ORDERS},
};

/// What smells at orders from a moment on, while stock is what fails.
fn smells(from: f64) -> Incident {
    let then = move |at: f64, value: f64| Some(if at >= from { value } else { 0.0 });
    let hpa = [("namespace", "shop"), ("horizontalpodautoscaler", "orders")];
    let mut incident = oom_loop(Incident::new().down("stock"))
        .state("kube_pod_container_status_restarts_total", &container(ORDERS[0], "orders"), |at| {
            Some(((at - from).max(0.0) / 140.0).floor())
        })
        .state("kube_horizontalpodautoscaler_status_current_replicas", &hpa, |at| then(at, 5.0))
        .state("kube_horizontalpodautoscaler_spec_max_replicas", &hpa, |_| Some(5.0))
        .state(
            "kube_pod_container_status_last_terminated_reason",
            &with(container(ORDERS[1], "orders"), "reason", "OOMKilled"),
            since(from),
        )
        .state("container_cpu_cfs_throttled_periods_total", &container(ORDERS[0], "orders"), |at| {
            Some((at - from).max(0.0) * 4.0)
        })
        .state("container_cpu_cfs_periods_total", &container(ORDERS[0], "orders"), |at| Some(at * 10.0))
        .state(
            "kube_deployment_status_replicas_unavailable",
            &[("namespace", "shop"), ("deployment", "orders")],
            |at| then(at, 1.0),
        );
    for number in 0..30 {
        let at = f64::from(number) * 60.0 + 7.0;
        if at >= from {
            let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
            incident = incident.event(at, "Pod", ORDERS[1], "Unhealthy", message);
        }
    }
    incident
}

/// Kinds of what Kubernetes says of orders.
fn kinds(answer: &Investigation) -> Vec<IndicatorKind> {
    let of_orders = answer.symptoms.iter().filter(|symptom| symptom.entity.name == "orders");
    let mut kinds: Vec<IndicatorKind> = of_orders.map(|symptom| symptom.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_always_so_is_no_argument() {
    let answer = found(smells(0.0)).await;
    assert!(!speaks_of(&answer, "orders"), "{}", told(&answer));
    assert_eq!(answer.hypotheses[0].entity.name, "stock", "{}", told(&answer));
    // The very same, but new, is heard.
    let answer = found(smells(F)).await;
    let kinds = kinds(&answer);
    for kind in [IndicatorKind::Restarts, IndicatorKind::Replicas, IndicatorKind::Cpu] {
        assert!(kinds.contains(&kind), "{kind:?}: {}", told(&answer));
    }
    for word in ["Restarted", "OOMKilled", "ScalingLimited", "ReplicasMissing", "Unhealthy", "throttled"] {
        assert!(
            answer.symptoms.iter().any(|symptom| symptom.indicator.contains(word)),
            "{word}: {}",
            told(&answer)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_no_argument() {
    let old = |number: u32| {
        json!({
            "kind": "Event", "reason": "BackOff", "count": 40, "message": "Back-off restarting failed container",
            "firstTimestamp": "2026-02-28T10:00:00Z", "lastTimestamp": "2026-02-28T12:00:00Z",
            "metadata": {"uid": format!("old-{number}")},
            "regarding": {"kind": "Pod", "namespace": "shop", "name": ORDERS[0]},
        })
    };
    let mut incident = oom_loop(Incident::new().down("stock"));
    // Listed anew every minute, of yesterday.
    for number in 0..30 {
        incident = incident.object(f64::from(number) * 60.0, &old(0));
    }
    // Waited for a node for half a minute, as pods of a rollout do.
    incident = incident
        .object(F + 30.0, &old(1))
        .event(F + 10.0, "Pod", ORDERS[1], "FailedScheduling", "0/3 nodes are available")
        .event(F + 40.0, "Pod", ORDERS[1], "Scheduled", "Successfully assigned")
        .event(F + 45.0, "Pod", ORDERS[1], "Started", "Started container")
        .event(F + 50.0, "Pod", ORDERS[1], "Unhealthy", "Readiness probe failed")
        .event(F + 60.0, "Pod", ORDERS[0], "Killing", "Stopping container orders");
    let answer = found(incident).await;
    assert!(!speaks_of(&answer, "orders"), "{}", told(&answer));
    assert_eq!(answer.hypotheses[0].entity.name, "stock", "{}", told(&answer));
}

/// Crash loops in a namespace, while stock is what fails in its own.
fn loops_in(namespace: &str) -> Incident {
    let mut incident = oom_loop(Incident::new().down("stock"));
    for number in 0..20 {
        let at = F + f64::from(number) * 25.0;
        for object in ["report-7b9c6d5f48-h4n8v", "orders-5c8d7f9b64-b5b5b", "web-6d4b8c7f95-p8s6r"] {
            let message = "Back-off restarting failed container";
            incident = incident.event_in(namespace, at, ("Pod", object), "BackOff", message);
        }
    }
    incident
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_in_another_namespace_is_somebody_elses() {
    let answer = found(loops_in("staging")).await;
    for name in ["report", "orders", "web"] {
        assert!(!speaks_of(&answer, name), "{}", told(&answer));
    }
    assert_eq!(answer.hypotheses[0].entity.name, "stock", "{}", told(&answer));
    let answer = found(loops_in("shop")).await;
    for name in ["report", "orders", "web"] {
        assert!(speaks_of(&answer, name), "{}", told(&answer));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_rollout_is_no_fault() {
    let mut incident = healthy(Incident::new()).deploy("deploy-9", "orders", FAULT - 10);
    for (old, new) in ORDERS.iter().zip(["orders-66f8b5d7c9-v2b4n", "orders-66f8b5d7c9-x8x6z"]) {
        incident = incident
            .event(F, "Pod", new, "Scheduled", "Successfully assigned")
            .event(F + 2.0, "Pod", new, "Pulled", "Successfully pulled image")
            .event(F + 3.0, "Pod", new, "Started", "Started container orders")
            .event(F + 6.0, "Pod", new, "Unhealthy", "Readiness probe failed: connection refused")
            .event(F + 12.0, "Pod", old, "Killing", "Stopping container orders")
            .event(F + 15.0, "Pod", old, "Unhealthy", "Readiness probe failed: connection refused")
            .state(
                "kube_pod_status_phase",
                &[("namespace", "shop"), ("pod", new), ("phase", "Pending")],
                |at| (at >= F).then_some(f64::from(u8::from(at < F + 20.0))),
            );
    }
    incident = incident.event(
        F,
        "Deployment",
        "orders",
        "ScalingReplicaSet",
        "Scaled up replica set orders-66f8b5d7c9 to 2",
    );
    let answer = found(incident).await;
    assert!(!speaks_of(&answer, "orders"), "{}", told(&answer));
    assert_ne!(answer.verdict, Verdict::CauseFound, "{}", told(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_weakens_and_is_survived() {
    let mut incident = oom_loop(Incident::new().down("stock"))
        .state("kube_pod_container_status_restarts_total", &[], |at| Some(at.sin() * 1e300))
        .state("kube_pod_container_status_restarts_total", &[("pod", "-"), ("container", "")], |at| Some(-at))
        .state("kube_node_status_condition", &[("condition", "Ready")], |_| Some(0.0))
        .state(
            "kube_node_status_condition",
            &[("node", "n"), ("condition", "Weird"), ("status", "maybe")],
            |_| Some(1.0),
        )
        .state("kube_resourcequota", &[("type", "used")], |_| Some(1.0))
        .state(
            "kube_pod_container_status_waiting_reason",
            &[("reason", "NeverHeardOf"), ("pod", "x")],
            |_| Some(1.0),
        );
    let oddities = [
        json!({"body": {"stringValue": "{\"reason\": 7, \"involvedObject\": []}"}}),
        json!({"body": {"stringValue": "{\"reason\": \"BackOff\", \"involvedObject\": {\"kind\": \"Pod\", \"name\": \"x\"}, \"count\": -3}"}}),
        json!({"body": {"stringValue": "{\"reason\": \"BackOff\", \"involvedObject\": {\"kind\": \"Pod\"}, \"count\": 1e308}"}}),
        json!({"body": {"stringValue": "{\"reason\":\"BackOff\",\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"web-6d4b8c7f95-p8s6r\"},\"lastTimestamp\":\"soon\""}}),
        json!({"attributes": [{"key": "k8s.event.reason", "value": {"stringValue": "FooBarBaz"}}]}),
        json!({"attributes": [{"key": "k8s.event.reason", "value": {"stringValue": "BackOff"}}, {"key": "k8s.event.count", "value": {"stringValue": "NaN"}}]}),
        json!({"attributes": [{"key": "k8s.event.reason", "value": {"stringValue": "Failed\"}) or ("}}, {"key": "k8s.object.name", "value": {"stringValue": "a\"b|c(\\d"}}]}),
    ];
    for (number, record) in (0_u32..).zip(&oddities) {
        let mut record = record.clone();
        record["timeUnixNano"] = json!(nanos(F + f64::from(number)));
        incident = incident.record(&record);
    }
    let answer = found(incident).await;
    assert_eq!(answer.hypotheses[0].entity.name, "stock", "{}", told(&answer));
    assert!(answer.hypotheses.iter().all(|hypothesis| (0.0..=1.0).contains(&hypothesis.probability)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_pods_are_read_in_time() {
    let mut incident = Incident::new().down("stock");
    for number in 0..10_000_u32 {
        let pod = format!("w{}-{}", number % 2_000, number / 2_000);
        let of =
            [("k8s.namespace.name", "shop"), ("k8s.pod.name", pod.as_str()), ("k8s.container.name", "w")];
        let from = if number % 7 == 0 { F } else { 1e9 };
        incident = incident.receiver("k8s.container.restarts", &of, |at| {
            ((at as u64) % 300 < 15).then_some(((at - from).max(0.0) / 90.0).floor())
        });
        if number % 5 == 0 {
            incident =
                incident.event(F + f64::from(number % 400), "Pod", &pod, "BackOff", "Back-off restarting");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    incident.write(folder.path());
    let bundle = bundle::open(folder.path(), bundle::Options::default()).unwrap();
    let begun = Instant::now();
    let answer = answer(&bundle).await;
    // Without optimisation and on a busy machine; what is quadratic takes many minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    assert!(
        answer.symptoms.iter().any(|symptom| symptom.kind == IndicatorKind::Restarts),
        "{}",
        told(&answer)
    );
}
