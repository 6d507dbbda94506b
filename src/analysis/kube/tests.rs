//! What is wrong by any measure, what is not, and input that nobody means well with.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use quell_sdk::signal::{Labels, LogRecord, MetricKind, Point, Series, Severity, UnixNanos};

use super::{Cluster, apart, event::read, restarts};
use crate::{
    analysis::{Case, Finding, Periods, Telemetry, causal::Graph},
    domain::{EntityKind, IndicatorKind},
};

const SECOND: UnixNanos = 1_000_000_000;
const PERIODS: Periods = Periods { start: 0, onset: 1_200 * SECOND, end: 1_800 * SECOND, guard: 30 * SECOND };

fn series(name: &str, labels: &[(&str, &str)], values: impl Fn(i64) -> f64) -> Series {
    let labels: Labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let points = (0..60).map(|step| Point { at: step * 30 * SECOND, value: values(step * 30) }).collect();
    let query = format!("{name}{{}}");
    Series { name: name.to_owned(), labels, kind: MetricKind::Gauge, unit: String::new(), points, query }
}

fn event(at: i64, attributes: &[(&str, &str)], body: &str) -> LogRecord {
    LogRecord {
        at: at * SECOND,
        service: "".into(),
        pod: "".into(),
        severity: Severity::Warn,
        body: body.into(),
        trace_id: None,
        span_id: None,
        attributes: attributes.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect(),
    }
}

fn of_pod(pod: &str, reason: &str, at: i64, body: &str) -> LogRecord {
    let attributes = [("k8s.object.kind", "Pod"), ("k8s.object.name", pod), ("k8s.event.reason", reason)];
    event(at, &attributes, body)
}

fn find(series: Vec<Series>, logs: Vec<LogRecord>) -> Vec<Finding> {
    let now = apart(Telemetry { series, logs, ..Telemetry::default() });
    let case = Case { now, service: "web".to_owned(), ..Case::default() };
    Cluster::new(&case, &Graph::default()).find(&case, &PERIODS)
}

fn restarting(pod: &str, from: i64, every: i64) -> Series {
    series("k8s_container_restarts", &[("k8s_pod_name", pod), ("k8s_container_name", "c")], move |at| {
        ((at - from).max(0) / every) as f64
    })
}

#[test]
fn restarts_count_by_what_is_usual() {
    let decibans =
        |series: Series| find(vec![series], Vec::new()).first().map_or(0.0, |found| found.decibans);
    assert!(decibans(restarting("cart-0", 1_200, 60)) > 13.0);
    assert!(decibans(restarting("cart-0", 0, 60)) < 1.0, "as often as ever");
    assert!(decibans(restarting("cart-0", 0, 3_000)) < 1.0, "never");
    assert!(decibans(restarting("cart-0", 1_200, 500)) < 10.0, "one restart is no proof");
}

#[test]
fn what_is_seen_in_the_healthy_recording_is_usual() {
    let loops = |from: i64| {
        (0..20).map(|step| of_pod("cart-0", "BackOff", from + step * 30, "back-off restarting")).collect()
    };
    let now = apart(Telemetry { logs: loops(1_200), ..Telemetry::default() });
    let mut case = Case { now, service: "web".to_owned(), ..Case::default() };
    let strength = |case: &Case| {
        let found = Cluster::new(case, &Graph::default()).find(case, &PERIODS);
        found.first().map_or(0.0, |finding| finding.decibans)
    };
    assert!(strength(&case) > 15.0);
    case.reference = apart(Telemetry { logs: loops(500_000), ..Telemetry::default() });
    assert!(strength(&case) < 3.0, "{}", strength(&case));
}

#[test]
fn the_count_of_an_event_is_spread_over_its_time() {
    let aggregated = |count: u32, first: &str| {
        let body = format!(
            "{{\"reason\":\"BackOff\",\"message\":\"Back-off restarting\",\"count\":{count},\"firstTimestamp\":\"{first}\",\
             \"lastTimestamp\":\"1970-01-01T00:29:00Z\",\"involvedObject\":{{\"kind\":\"Pod\",\"name\":\"cart-0\"}}}}"
        );
        find(Vec::new(), vec![event(1_745, &[], &body)]).first().map_or(0.0, |found| found.decibans)
    };
    assert!(aggregated(30, "1970-01-01T00:20:10Z") > 15.0, "all since the onset");
    assert!(aggregated(30, "1970-01-01T00:00:10Z") < 2.0, "over the whole recording");
}

#[test]
fn pods_of_a_lost_node_are_the_nodes_doing() {
    let ready = |node: &str, lost: bool| {
        let labels = [("k8s_node_name", node)];
        series("k8s_node_condition_ready", &labels, move |at| if lost && at >= 1_190 { -1.0 } else { 1.0 })
    };
    let evicted = |at: i64, pod: &str| of_pod(pod, "Evicted", at, "The node was low on resource");
    let info = |pod: &str, node: &str| series("kube_pod_info", &[("pod", pod), ("node", node)], |_| 1.0);
    let pods = ["cart-0", "stock-0", "web-0"];
    let all = |lost: bool| {
        let mut all = vec![ready("n1", lost), ready("n2", false)];
        all.extend(pods.map(|pod| info(pod, "n1")));
        find(all, pods.iter().flat_map(|pod| (0..3).map(|step| evicted(1_210 + step * 20, pod))).collect())
    };
    let strongest = |found: &[Finding], kind: EntityKind| {
        found
            .iter()
            .filter(|finding| finding.entity.kind == kind)
            .map(|finding| finding.decibans)
            .fold(0.0, f64::max)
    };
    let (lost, fine) = (all(true), all(false));
    assert!(strongest(&lost, EntityKind::Node) > 15.0, "{lost:?}");
    assert!(strongest(&lost, EntityKind::Service) < 6.0, "{lost:?}");
    assert!(strongest(&fine, EntityKind::Service) > 12.0, "{fine:?}");
}

#[test]
fn a_kill_for_its_probe_weighs_less_than_one_of_its_own() {
    let killed = (0..6).map(|step| {
        of_pod("cart-0", "Killing", 1_210 + step * 60, "Container c failed liveness probe, will be restarted")
    });
    let found = find(vec![restarting("cart-0", 1_200, 60)], killed.collect());
    assert!(!found.is_empty() && found.iter().all(|finding| finding.decibans <= 9.0), "{found:?}");
}

#[test]
fn what_is_not_known_is_left_alone() {
    let found = find(
        vec![
            series(
                "kube_pod_container_status_waiting_reason",
                &[("reason", "Pondering"), ("pod", "a")],
                |at| (at / 600) as f64,
            ),
            series("kube_node_status_condition", &[("condition", "Ready"), ("status", "false")], |at| {
                (at / 600) as f64
            }),
            series("kube_something_new", &[("pod", "a")], |at| at as f64),
        ],
        vec![of_pod("a", "Pondered", 1_300, "deeply"), of_pod("", "BackOff", 1_300, "")],
    );
    assert!(found.is_empty(), "{found:?}");
}

proptest! {
    #[test]
    fn any_samples_give_bounded_strengths(
        values in prop::collection::vec(prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(0.0), Just(1.0), -1e9..1e12_f64, 0.0..5.0_f64,
        ], 60),
        name in prop::sample::select(vec![
            "k8s_container_restarts", "kube_pod_container_status_restarts_total", "k8s_node_condition_ready",
            "kube_pod_status_unschedulable", "container_oom_events_total", "k8s_pod_phase",
        ]),
        labelled in any::<bool>(),
    ) {
        let labels: BTreeMap<&str, &str> =
            if labelled { [("pod", "cart-0"), ("node", "n1")].into() } else { BTreeMap::new() };
        let labels: Vec<(&str, &str)> = labels.into_iter().collect();
        let of = |at: i64| values.get(usize::try_from(at / 30).unwrap_or(0)).copied().unwrap_or(0.0);
        let one = series(name, &labels, of);
        prop_assert!(restarts(&one.query, &one.points, PERIODS.onset, PERIODS.end) >= 0.0);
        for finding in find(vec![one], Vec::new()) {
            prop_assert!((0.0..=20.0).contains(&finding.decibans), "{finding:?}");
            prop_assert!(finding.baseline.is_finite() && finding.observed.is_finite());
            prop_assert!(finding.kind != IndicatorKind::Other);
        }
    }

    #[test]
    fn any_text_is_read_or_left_alone(
        body in ".{0,200}",
        reason in "[A-Za-z\"{}|\\\\]{0,20}",
        count in ".{0,8}",
        name in ".{0,20}",
        at in 0_i64..2_000,
    ) {
        let wrapped = format!("{{\"reason\":\"BackOff\",\"involvedObject\":{{\"kind\":\"Pod\",\"name\":{body:?}}},\"count\":{count:?}}}");
        let records = [
            event(at, &[("k8s.event.reason", &reason), ("k8s.event.count", &count), ("k8s.object.name", &name)], &body),
            of_pod(&name, "BackOff", at, &body),
            event(at, &[], &wrapped),
        ];
        for record in &records {
            prop_assert!(read(record).is_none_or(|event| (1.0..=10_000.0).contains(&event.count)));
        }
        for finding in find(Vec::new(), records.to_vec()) {
            prop_assert!((0.0..=20.0).contains(&finding.decibans));
            prop_assert!(quell_sdk::local::logql::check(&finding.query).is_ok(), "{}", finding.query);
        }
    }
}
