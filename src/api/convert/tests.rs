use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use prost::Message as _;
use quell_proto::v1;

use super::{MAX_LABELS, MAX_VALUE, Wire, json};
use crate::domain::{
    Action, Alert, AlertStatus, Approval, Argument, Blast, BlindSpot, Change, ChangeKind, Completeness,
    Coverage, Direction, Entity, EntityKind, Event, Evidence, EvidenceId, Factor, FaultClass, Hop,
    Hypothesis, HypothesisId, Incident, IncidentId, IndicatorKind, Innocent, Investigation, Labels, Language,
    Number, Onset, PathId, Payload, RecoveryPath, Risk, RunbookRef, SignalKind, Step, StepKind, Symptom,
    SymptomId, Timings, Trust, Verdict, Verification, Window,
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> Window {
    Window { start: at("2026-11-05T10:00:00Z"), end: at("2026-11-05T12:00:00Z") }
}

fn database() -> Entity {
    Entity { kind: EntityKind::Database, name: "orders-db".into(), service: "orders".into() }
}

fn evidence() -> Evidence {
    Evidence {
        id: EvidenceId(12),
        signal: SignalKind::Metrics,
        source: "prometheus".into(),
        language: Language::Promql,
        query: "max(db_pool_waiting)".into(),
        window: window(),
        divided_at: Some(at("2026-11-05T11:40:00Z")),
        normal_until: Some(at("2026-11-05T11:39:45Z")),
        completeness: Completeness::partial("2 of 5 shards failed"),
        summary: "38 callers wait for a connection".into(),
        numbers: vec![Number::new("waiting", 38.0, "1")],
        link: Some("http://prometheus/graph".into()),
        trust: Trust::Platform,
    }
}

fn symptom() -> Symptom {
    Symptom {
        id: SymptomId(3),
        entity: database(),
        indicator: "db_pool_waiting".into(),
        kind: IndicatorKind::Pool,
        direction: Direction::Up,
        onset: Some(Onset {
            at: at("2026-11-05T11:40:00Z"),
            earliest: at("2026-11-05T11:39:45Z"),
            latest: at("2026-11-05T11:40:15Z"),
        }),
        baseline: 0.0,
        observed: 38.0,
        unit: "1".into(),
        decibans: 30.0,
        evidence: EvidenceId(12),
    }
}

fn argument(decibans: f64, evidence: u32) -> Argument {
    Argument {
        decibans,
        text: "callers wait".into(),
        evidence: vec![EvidenceId(evidence)],
        test: "check:pool-waiting".into(),
    }
}

fn hypothesis() -> Hypothesis {
    Hypothesis {
        id: HypothesisId(1),
        entity: database(),
        fault: FaultClass::PoolExhaustion,
        change_id: Some("deploy-7".into()),
        runbook: Some(RunbookRef { runbook: "pool".into(), hypothesis: "leak".into() }),
        claim: "the pool of orders-db is exhausted".into(),
        prior: -10.0,
        arguments: vec![argument(20.0, 12), argument(-3.0, 13)],
        probability: 0.91,
        onset: Some(at("2026-11-05T11:40:00Z")),
        propagation: vec![Hop {
            caller: "checkout".into(),
            callee: "orders".into(),
            passed: vec!["edge".into()],
            failed: vec!["onset-order".into()],
        }],
    }
}

fn path() -> RecoveryPath {
    RecoveryPath {
        id: PathId(2),
        action: Action::RollbackCode,
        target: Entity::service("orders"),
        title: "roll orders back to 1.4.2".into(),
        hypotheses: vec![HypothesisId(1)],
        steps: vec![Step {
            kind: StepKind::FollowUp,
            text: "roll back".into(),
            language: Language::Sh,
            command: "kubectl rollout undo deploy/orders".into(),
        }],
        risk: Risk::Low,
        reversible: true,
        blast: Blast::Service,
        eta: Duration::from_millis(90_500),
        probability_of_fix: 0.8,
        score: 1200.5,
        factors: vec![Factor { name: "users".into(), value: 3.0, text: "three of ten".into() }],
        verification: Some(Verification {
            language: Language::Promql,
            query: "max(db_pool_waiting)".into(),
            expect: "< 1".into(),
            hold: Duration::from_secs(60),
            within: Duration::from_secs(300),
        }),
        stop_rule: "no change after 5 minutes".into(),
        approval: Approval::TwoHumans,
        gates: vec!["the first path is reversible".into()],
        evidence_for: vec![EvidenceId(12)],
        evidence_against: vec![EvidenceId(13)],
        runbook: Some("pool".into()),
    }
}

fn coverage() -> Coverage {
    Coverage {
        source: "otlp".into(),
        signal: SignalKind::Traces,
        completeness: Completeness::Full,
        items: 5_000_000_000,
        queries: 3,
        took: Duration::from_millis(1500),
    }
}

fn investigation() -> Investigation {
    Investigation {
        id: "inv_1".into(),
        service: "checkout".into(),
        window: window(),
        verdict: Verdict::CauseFound,
        because: "H1 explains every symptom".into(),
        onset: Some(at("2026-11-05T11:40:00Z")),
        hypotheses: vec![hypothesis()],
        recovery_paths: vec![path()],
        blast_radius: vec!["checkout".into()],
        innocent: vec![Innocent {
            change_id: "deploy-8".into(),
            title: "web 2.0".into(),
            at: at("2026-11-05T11:55:00Z"),
            because: "came after onset".into(),
        }],
        blind_spots: vec![BlindSpot {
            source: "loki".into(),
            signal: SignalKind::Logs,
            because: "did not answer".into(),
        }],
        symptoms: vec![symptom()],
        evidence: vec![evidence()],
        coverage: vec![coverage()],
        next_question: "does a restart help?".into(),
        timings: Timings {
            collect: Duration::from_millis(1500),
            first_ranking: Duration::from_micros(1_600_001),
            total: Duration::from_secs(2),
            deadline_hit: false,
        },
    }
}

fn alert() -> Alert {
    Alert {
        source: "grpc".into(),
        status: AlertStatus::Firing,
        labels: Labels::from([("alertname".to_owned(), "High".to_owned())]),
        annotations: Labels::new(),
        starts_at: at("2026-11-05T11:41:00Z"),
        ends_at: None,
        generator_url: Some("http://prometheus/graph?g0.expr=up".into()),
        fingerprint: "f00d".into(),
        group_key: Some("{}:{}".into()),
    }
}

fn change() -> Change {
    Change {
        kind: ChangeKind::Deploy,
        id: "deploy-7".into(),
        service: "orders".into(),
        at: at("2026-11-05T11:39:00Z"),
        title: "orders 1.4.3".into(),
        author: "ann".into(),
        version_from: "1.4.2".into(),
        version_to: "1.4.3".into(),
        commits: vec!["abc".into()],
        files: vec!["src/pool.rs".into()],
        patch: "-a\n+b".into(),
        url: "https://ci/7".into(),
    }
}

fn payloads() -> Vec<Payload> {
    vec![
        Payload::IncidentOpened {
            number: 7,
            title: "High".into(),
            service: "checkout".into(),
            severity: "critical".into(),
        },
        Payload::AlertsReceived { alerts: vec![alert()] },
        Payload::InvestigationRequested { investigation: "inv_1".into(), budget_seconds: 60 },
        Payload::InvestigationStarted { investigation: "inv_1".into(), attempt: 2 },
        Payload::CoverageReported { coverage: coverage() },
        Payload::EvidenceFound { evidence: evidence() },
        Payload::SymptomFound { symptom: symptom() },
        Payload::HypothesisProposed { hypothesis: Box::new(hypothesis()) },
        Payload::ArgumentMade { hypothesis: HypothesisId(1), argument: argument(3.0, 1) },
        Payload::RankingChanged { hypotheses: vec![hypothesis()], recovery_paths: vec![path()] },
        Payload::InvestigationFinished { investigation: Box::new(investigation()) },
        Payload::ChangeSeen { change: change() },
        Payload::NoteAdded { author: "ann".into(), text: "looking".into() },
        Payload::IncidentResolved { because: "all alerts resolved".into() },
    ]
}

fn journal() -> Vec<Event> {
    let event = |(seq, payload)| Event {
        seq,
        at: at("2026-11-05T11:42:00Z"),
        incident: IncidentId("inc_1".into()),
        payload,
    };
    (1..).zip(payloads()).map(event).collect()
}

#[test]
fn every_event_crosses_the_wire_and_comes_back() {
    for event in journal() {
        let bytes = event.to_wire().encode_to_vec();
        let back = Event::from_wire(v1::Event::decode(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!(back, event);
        let text = json(&event.to_wire()).unwrap();
        assert_eq!(Event::from_wire(serde_json::from_str(&text).unwrap()).unwrap(), event);
    }
}

#[test]
fn an_incident_crosses_the_wire_and_comes_back() {
    let incident = Incident::fold(&journal()).unwrap();
    let wire = incident.to_wire();
    assert_eq!(wire.number, "INC-7");
    assert_eq!(wire.investigation.as_ref().unwrap().incident_id, "inc_1");
    assert_eq!(Incident::from_wire(wire).unwrap(), incident);
}

#[test]
fn an_investigation_is_canonical_json() {
    insta::assert_snapshot!(json(&super::investigation(&investigation(), None)).unwrap());
}

#[test]
fn numbers_that_json_cannot_hold_are_replaced() {
    let mut bad = hypothesis();
    bad.probability = f64::NAN;
    bad.prior = f64::NEG_INFINITY;
    let wire = bad.to_wire();
    assert_eq!((wire.probability, wire.prior), (0.0, f64::MIN));
    assert!(!json(&wire).unwrap().contains("null"));
}

fn refused(alert: v1::Alert) -> String {
    Alert::from_wire(alert).unwrap_err().within("alerts[3]").to_string()
}

#[test]
fn what_is_refused_is_named() {
    let good = alert().to_wire();
    assert_eq!(refused(v1::Alert { starts_at: None, ..good.clone() }), "alerts[3].starts_at: missing");
    let status = refused(v1::Alert { status: "on fire".into(), ..good.clone() });
    assert!(status.starts_with("alerts[3].status: unknown variant `on fire`, expected"), "{status}");
    let many = (0..=MAX_LABELS).map(|index| (index.to_string(), String::new())).collect();
    let many = refused(v1::Alert { labels: many, ..good.clone() });
    assert_eq!(many, "alerts[3].labels: 257 entries, at most 256 are taken");
    let long = [("a".to_owned(), "x".repeat(MAX_VALUE + 1))].into();
    let long = refused(v1::Alert { labels: long, ..good.clone() });
    assert_eq!(long, "alerts[3].labels[a]: the value has 16385 bytes, at most 16384 are taken");
    let name = [("x".repeat(1 << 20), "a".to_owned())].into();
    assert!(refused(v1::Alert { labels: name, ..good.clone() }).len() < 400);
    let never = quell_proto::Timestamp { seconds: i64::MAX, nanos: -5 };
    assert!(refused(v1::Alert { ends_at: Some(never), ..good }).starts_with("alerts[3].ends_at: timestamp"));
    let change = v1::Change { kind: "magic".into(), ..change().to_wire() };
    assert_eq!(
        Change::from_wire(change).unwrap_err().to_string(),
        "kind: `magic` is none of commit, deploy, config, flag, scale, infra, human"
    );
}

#[test]
fn an_unknown_event_is_refused_with_its_name() {
    let event = v1::Event { r#type: "future".into(), ..Default::default() };
    assert!(Event::from_wire(event).unwrap_err().to_string().contains("future"));
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_i64..253_402_200_000, 0..1_000_000_000).prop_map(|(second, nano)| {
        Timestamp::from_nanosecond(i128::from(second) * 1_000_000_000 + i128::from(nano)).unwrap()
    })
}

fn some_labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(".{0,12}", ".{0,24}", 0..6)
}

fn filled() -> impl Strategy<Value = Option<String>> {
    prop::option::of(".{1,20}")
}

prop_compose! {
    fn any_alert()(
        source in ".{0,12}", firing in any::<bool>(), labels in some_labels(), annotations in some_labels(),
        starts_at in moment(), ends_at in prop::option::of(moment()), generator_url in filled(),
        fingerprint in ".{0,16}", group_key in filled(),
    ) -> Alert {
        let status = if firing { AlertStatus::Firing } else { AlertStatus::Resolved };
        Alert { source, status, labels, annotations, starts_at, ends_at, generator_url, fingerprint, group_key }
    }
}

prop_compose! {
    fn any_change()(
        kind in prop::sample::select(&ChangeKind::ALL[..]), id in ".{1,12}", texts in prop::array::uniform7(".{0,20}"),
        at in moment(), commits in prop::collection::vec(".{0,8}", 0..4),
        files in prop::collection::vec(".{0,8}", 0..4),
    ) -> Change {
        let [service, title, author, version_from, version_to, patch, url] = texts;
        Change { kind, id, service, at, title, author, version_from, version_to, commits, files, patch, url }
    }
}

proptest! {
    #[test]
    fn alerts_round_trip(alert in any_alert()) {
        let bytes = alert.to_wire().encode_to_vec();
        prop_assert_eq!(&Alert::from_wire(v1::Alert::decode(bytes.as_slice()).unwrap()).unwrap(), &alert);
        let text = json(&alert.to_wire()).unwrap();
        prop_assert_eq!(Alert::from_wire(serde_json::from_str(&text).unwrap()).unwrap(), alert);
    }

    #[test]
    fn changes_round_trip(change in any_change()) {
        let bytes = change.to_wire().encode_to_vec();
        prop_assert_eq!(&Change::from_wire(v1::Change::decode(bytes.as_slice()).unwrap()).unwrap(), &change);
        let text = json(&change.to_wire()).unwrap();
        prop_assert_eq!(Change::from_wire(serde_json::from_str(&text).unwrap()).unwrap(), change);
    }

    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = v1::Event::decode(bytes.as_slice()) {
            let known = message.payload.is_some();
            prop_assert!(known || Event::from_wire(message).is_err());
        }
    }
}
