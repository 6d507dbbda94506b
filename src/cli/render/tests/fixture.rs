//! Answers, events and lists to be shown.

use std::collections::HashMap;

use quell_proto::{
    Timestamp,
    v1::{self, event::Payload, investigation::Verdict},
};
use quell_sdk::Health;

/// Clears the screen, sets the title, forges a verdict on a line of its own, and turns the text around.
pub(super) const HOSTILE: &str =
    "evil\u{1b}[2J\u{1b}]0;owned\u{7}\r\nCAUSE FOUND  all is well\u{202e}txt.exe\u{200b}\u{9b}31m";
/// A name that no terminal is wide enough for.
pub(super) const LONG: &str = "checkout-service-with-a-name-that-somebody-generated-from-a-path-of-seven-folders-and-a-hash-9f8e7d6c5b4a39281706";

fn at(second: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_772_359_200 + second, nanos: 0 })
}

fn length(millis: i64) -> Option<pbjson_types::Duration> {
    let (seconds, rest) = (millis / 1000, millis % 1000);
    Some(pbjson_types::Duration { seconds, nanos: i32::try_from(rest).unwrap() * 1_000_000 })
}

fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn entity(kind: &str, name: &str, service: &str) -> Option<v1::Entity> {
    Some(v1::Entity { kind: kind.into(), name: name.into(), service: service.into() })
}

fn argument(decibans: f64, told: &str, evidence: &[&str], test: &str) -> v1::Argument {
    v1::Argument { decibans, text: told.into(), evidence: text(evidence), test: test.into() }
}

fn completeness(state: &str, reason: &str) -> Option<v1::Completeness> {
    Some(v1::Completeness { state: state.into(), reason: reason.into() })
}

fn window() -> Option<v1::TimeWindow> {
    Some(v1::TimeWindow { start: at(0), end: at(3_600) })
}

fn number(name: &str, value: f64, unit: &str) -> v1::Number {
    v1::Number { name: name.into(), value, unit: unit.into() }
}

fn evidence(id: &str, language: &str, query: &str, summary: &str, numbers: Vec<v1::Number>) -> v1::Evidence {
    v1::Evidence {
        id: id.into(),
        signal: "metrics".into(),
        source: "otlp".into(),
        language: language.into(),
        query: query.into(),
        window: window(),
        completeness: completeness("full", ""),
        summary: summary.into(),
        numbers,
        link: String::new(),
        trust: "platform".into(),
    }
}

fn step(kind: &str, told: &str, language: &str, command: &str) -> v1::Step {
    v1::Step { kind: kind.into(), text: told.into(), language: language.into(), command: command.into() }
}

fn roll_back() -> v1::RecoveryPath {
    v1::RecoveryPath {
        id: "P1".into(),
        action: "rollback".into(),
        target: "orders".into(),
        title: "Roll orders back from 1.5.0 to 1.4.0".into(),
        probability_of_fix: 0.82,
        score: 310.0,
        steps: vec![
            step(
                "capture",
                "Keep a thread dump of one pod before it goes",
                "sh",
                "kubectl -n shop exec deploy/orders -- jcmd 1 Thread.print",
            ),
            step("act", "Roll back", "sh", "kubectl -n shop rollout undo deploy/orders --to-revision=14"),
            step(
                "verify",
                "Callers no longer wait",
                "promql",
                "max(db_client_connections_pending_requests{service=\"orders\"})",
            ),
            step("follow_up", "Find who keeps connections open in 1.5.0", "text", ""),
        ],
        risk: "low".into(),
        reversible: true,
        blast: "service".into(),
        eta: length(240_000),
        verification: None,
        stop_rule: "if nothing changed after 8m, undo and take the next path".into(),
        evidence: text(&["E1", "E2"]),
        gates: text(&["a schema migration came with 1.5.0: check that 1.4.0 can read the table"]),
        hypotheses: text(&["H1"]),
        runbook: "pool-exhaustion".into(),
        approval: "human".into(),
        ..v1::RecoveryPath::default()
    }
}

fn fail_over() -> v1::RecoveryPath {
    v1::RecoveryPath {
        id: "P2".into(),
        action: "failover".into(),
        target: "database orders-db".into(),
        title: "Fail orders-db over to its replica".into(),
        probability_of_fix: 0.11,
        steps: vec![step("act", "Fail over", "sh", "patronictl failover orders-db --candidate orders-db-1")],
        risk: "high".into(),
        reversible: false,
        blast: "data".into(),
        eta: length(90_000),
        ..v1::RecoveryPath::default()
    }
}

pub(super) fn cause_found() -> v1::Investigation {
    let mut found = v1::Investigation {
        id: "inv_1".into(),
        because: "orders leaks database connections since 1.5.0".into(),
        hypotheses: vec![
            v1::Hypothesis {
                id: "H1".into(),
                entity: entity("service", "orders", "orders"),
                fault: "pool_exhaustion".into(),
                change_id: "deploy-42".into(),
                probability: 0.87,
                onset: at(1_200),
                claim: "connections of orders to orders-db are used up, since deploy-42 (1.4.0 to 1.5.0)"
                    .into(),
                evidence: text(&["E1", "E2", "E3"]),
                arguments: vec![
                    argument(
                        14.2,
                        "callers of orders wait for a connection: 0 to 13 pending",
                        &["E1"],
                        "says-pool",
                    ),
                    argument(
                        9.0,
                        "orders spent 612.4 s more than normal of its own, 94 % of all excess time; most in POST /orders: 297 of 300 calls took 911 ms instead of 26 ms",
                        &["E2"],
                        "self-time",
                    ),
                    argument(
                        6.5,
                        "deploy-42 (1.4.0 to 1.5.0) of orders came 20 s before the onset",
                        &[],
                        "change",
                    ),
                    argument(
                        5.0,
                        "pool timeouts logged yes, as expected: lines 12/min; expected > 1: true",
                        &["E3"],
                        "check:pool-timeouts-logged",
                    ),
                    argument(2.0, "no other service deviates earlier", &[], "first"),
                    argument(-1.5, "memory of orders did not rise", &[], "memory"),
                ],
                prior: -3.0,
                propagation: vec![v1::Hop {
                    caller: "web".into(),
                    callee: "orders".into(),
                    passed: text(&["edge"]),
                    failed: vec![],
                }],
                runbook: "pool-exhaustion/leak".into(),
                ..v1::Hypothesis::default()
            },
            v1::Hypothesis {
                id: "H2".into(),
                probability: 0.08,
                claim: "orders-db is slow by itself".into(),
                arguments: vec![argument(
                    -7.0,
                    "orders-db answers each query in 3 ms, as before",
                    &["E4"],
                    "self-time",
                )],
                ..v1::Hypothesis::default()
            },
            v1::Hypothesis {
                id: "H3".into(),
                probability: 0.02,
                claim: "web gets more requests than it can serve".into(),
                ..v1::Hypothesis::default()
            },
        ],
        recovery_paths: vec![roll_back(), fail_over()],
        blast_radius: text(&["web", "mobile-gateway"]),
        innocent: vec![v1::InnocentChange {
            change_id: "deploy-41".into(),
            because: "it came 15 min before the onset, and web spends no more time of its own".into(),
            title: "new header (web 2.0.0 to 2.1.0)".into(),
            at: at(300),
        }],
        blind_spots: vec![v1::BlindSpot {
            source: "prometheus".into(),
            signal: "metrics".into(),
            because: "no answer within the investigation's budget".into(),
        }],
        evidence: vec![
            evidence(
                "E1",
                "promql",
                r#"db_client_connections_pending_requests{service="orders"}"#,
                "orders db_client_connections_pending_requests went up from 0.00 to 13.0",
                vec![number("baseline", 0.0, "1"), number("observed", 13.0, "1")],
            ),
            evidence(
                "E2",
                "traceql",
                r#"{ resource.service.name = "orders" && name = "POST /orders" }"#,
                "orders spent 612.4 s more than normal of its own, 94 % of all excess time; most in POST /orders: 297 of 300 calls took 911 ms instead of 26 ms",
                vec![number("calls", 300.0, "1")],
            ),
            evidence(
                "E3",
                "logql",
                r#"{service="orders"} |~ "(?i)(timed? ?out.{0,40}(waiting for|acquir|obtain|get).{0,30}connection|connection pool (is )?(exhausted|full|timed out)|remaining connection slots|too many (clients|connections))""#,
                "runbook pool-exhaustion, check pool-timeouts-logged: lines 12/min; expected > 1: true",
                vec![number("lines", 12.0, "/min")],
            ),
        ],
        coverage: vec![
            v1::Coverage {
                source: "otlp".into(),
                signal: "metrics".into(),
                completeness: completeness("full", ""),
                items: 214,
                queries: 1,
                took: length(41),
            },
            v1::Coverage {
                source: "otlp".into(),
                signal: "traces".into(),
                completeness: completeness("full", ""),
                items: 12_480,
                queries: 1,
                took: length(88),
            },
            v1::Coverage {
                source: "otlp".into(),
                signal: "logs".into(),
                completeness: completeness("partial", "the newest 300000 of 412000 records"),
                items: 300_000,
                queries: 1,
                took: length(132),
            },
        ],
        timings: Some(v1::Timings {
            collect: length(140),
            first_ranking: length(310),
            total: length(1_204),
            deadline_hit: false,
        }),
        onset: at(1_200),
        window: window(),
        service: "web".into(),
        ..v1::Investigation::default()
    };
    found.set_verdict(Verdict::CauseFound);
    found
}

pub(super) fn inconclusive() -> v1::Investigation {
    let mut found = cause_found();
    found.set_verdict(Verdict::Inconclusive);
    found.because = "two explanations fit about as well, and the logs of orders were only half read: connections of orders are used up (46 %), orders-db is slow by itself (41 %)".into();
    found.hypotheses[0].probability = 0.46;
    found.hypotheses[1].probability = 0.41;
    found.next_question = "Does orders-db itself report slow queries? pg_stat_activity tells: many rows that are active for longer than a second speak for the database, many idle in transaction for the leak".into();
    found.recovery_paths.truncate(1);
    found.recovery_paths[0].probability_of_fix = 0.44;
    found.innocent.clear();
    found
}

pub(super) fn not_an_incident() -> v1::Investigation {
    let mut found = cause_found();
    found.set_verdict(Verdict::NotAnIncident);
    found.because = "nothing that web's callers would feel has changed: latency, errors and traffic are as they were in the hour before; the alert's expression is above its threshold at every time of day".into();
    found.hypotheses.clear();
    found.recovery_paths.clear();
    found.blast_radius.clear();
    found.onset = None;
    found
}

pub(super) fn events() -> Vec<v1::Event> {
    let found = cause_found();
    let alert = |name: &str, status: &str, summary: &str| v1::Alert {
        status: status.into(),
        labels: HashMap::from([("alertname".to_owned(), name.to_owned())]),
        annotations: HashMap::from([("summary".to_owned(), summary.to_owned())]),
        ..v1::Alert::default()
    };
    let symptom = |id: &str, indicator: &str, decibans: f64| v1::Symptom {
        id: id.into(),
        entity: entity("service", "orders", "orders"),
        indicator: indicator.into(),
        kind: "self_time".into(),
        direction: "up".into(),
        onset: at(1_205),
        decibans,
        evidence: "E2".into(),
        ..v1::Symptom::default()
    };
    let change = v1::Change {
        kind: "deploy".into(),
        id: "deploy-42".into(),
        service: "orders".into(),
        title: "orders by customer".into(),
        at: at(1_180),
        ..v1::Change::default()
    };
    let made = |hypothesis: &str, argument: v1::Argument| {
        Payload::Argument(v1::ArgumentMade { hypothesis_id: hypothesis.into(), argument: Some(argument) })
    };
    let payloads = vec![
        Payload::IncidentOpened(v1::IncidentOpened {
            number: "INC-7".into(),
            title: "SlowCheckout".into(),
            service: "web".into(),
            severity: "critical".into(),
        }),
        Payload::AlertsReceived(v1::AlertsReceived {
            alerts: vec![alert("SlowCheckout", "firing", "checkout is slow")],
        }),
        Payload::AlertsReceived(v1::AlertsReceived {
            alerts: vec![alert(HOSTILE, "firing", HOSTILE), alert(LONG, "resolved", "")],
        }),
        Payload::Change(v1::ChangeSeen { change: Some(change.clone()) }),
        Payload::Change(v1::ChangeSeen {
            change: Some(v1::Change { title: HOSTILE.into(), service: HOSTILE.into(), ..change }),
        }),
        Payload::InvestigationRequested(v1::InvestigationRequested::default()),
        Payload::InvestigationStarted(v1::InvestigationStarted {
            investigation_id: "inv_1".into(),
            attempt: 1,
        }),
        Payload::InvestigationStarted(v1::InvestigationStarted {
            investigation_id: "inv_1".into(),
            attempt: 2,
        }),
        Payload::Coverage(found.coverage[0].clone()),
        Payload::Coverage(found.coverage[2].clone()),
        Payload::Coverage(v1::Coverage {
            source: HOSTILE.into(),
            signal: "logs".into(),
            completeness: completeness("missing", HOSTILE),
            ..v1::Coverage::default()
        }),
        Payload::Evidence(found.evidence[1].clone()),
        Payload::Symptom(symptom("S1", "POST /orders", 21.0)),
        Payload::Symptom(symptom("S2", HOSTILE, 14.0)),
        Payload::Symptom(symptom("S30", "GET /health", 3.0)),
        Payload::Hypothesis(found.hypotheses[0].clone()),
        Payload::Hypothesis(v1::Hypothesis { claim: HOSTILE.into(), ..found.hypotheses[1].clone() }),
        made("H1", found.hypotheses[0].arguments[3].clone()),
        made("H1", argument(5.0, HOSTILE, &[], "check:x")),
        Payload::RankingChanged(v1::RankingChanged {
            hypotheses: found.hypotheses.clone(),
            recovery_paths: found.recovery_paths.clone(),
        }),
        Payload::Note(v1::NoteAdded {
            author: "maria".into(),
            text: "db team is on it\nand says hello".into(),
        }),
        Payload::InvestigationFinished(found),
        Payload::IncidentResolved(v1::IncidentResolved { because: "all alerts are resolved".into() }),
    ];
    (1..)
        .zip(payloads)
        .map(|(seq, payload)| v1::Event {
            seq,
            at: at(1_440 + i64::try_from(seq).unwrap()),
            incident_id: "inc_1".into(),
            r#type: String::new(),
            payload: Some(payload),
        })
        .collect()
}

pub(super) fn incidents() -> Vec<v1::Incident> {
    let incident =
        |number: u32, status: &str, title: &str, service: &str, investigation: &str| v1::Incident {
            id: format!("inc_0195{number:028}"),
            number: format!("INC-{number}"),
            status: status.into(),
            title: title.into(),
            service: service.into(),
            severity: "critical".into(),
            opened_at: at(i64::from(number) * 60),
            alerts: vec![v1::Alert::default(); number as usize % 4],
            investigation_status: investigation.into(),
            ..v1::Incident::default()
        };
    vec![
        incident(142, "open", "SlowCheckout", "web", "running"),
        incident(141, "open", &format!("KubePodCrashLooping {LONG}"), LONG, "pending"),
        incident(140, "resolved", HOSTILE, HOSTILE, "done"),
        incident(9, "resolved", "HighErrorRate", "payments", "done"),
    ]
}

pub(super) fn runbooks() -> Vec<Vec<String>> {
    vec![
        text(&[
            "pool-exhaustion",
            "A pool of connections is used up",
            "leak, too-small, slow-backend, retry-storm",
        ]),
        text(&["certificate-expired", "A certificate ran out", "expired"]),
        text(&[LONG, HOSTILE, "a, b"]),
    ]
}

pub(super) fn checks() -> (Vec<(String, Health)>, Vec<String>) {
    let health =
        |ok: bool, found: &str, next: &str| Health { ok, found: found.into(), next_action: next.into() };
    let checks = vec![
        ("data folder".to_owned(), health(true, "/var/lib/quell, 41 GB free", "")),
        (
            "port".to_owned(),
            health(
                false,
                "127.0.0.1:7777 is in use by another program",
                "stop it, or set server.listen to another port",
            ),
        ),
        (
            "prometheus-with-a-long-name".to_owned(),
            health(
                false,
                &format!(
                    "http://prometheus:9090 answers 401 Unauthorized: {HOSTILE} and goes on to explain at some length that the token is not one that it knows"
                ),
                "set sources.prometheus[0].bearer_token to a token of a user that may query",
            ),
        ),
    ];
    (checks, vec!["investigation.workers is 1: a second incident waits for the first".to_owned()])
}

pub(super) fn queries() -> Vec<(&'static str, v1::QueryResponse)> {
    let answer = |source: &str, found: u64| v1::QueryAnswer {
        source: source.into(),
        completeness: completeness("full", ""),
        found,
        ..v1::QueryAnswer::default()
    };
    let response = |language: &str, query: &str, answers: Vec<v1::QueryAnswer>| v1::QueryResponse {
        language: language.into(),
        query: query.into(),
        window: window(),
        answers,
        evidence: None,
        figures: vec![],
    };
    let found = cause_found();
    let figure = |name: &str, stated: f64, now: Option<f64>, unit: &str| v1::Figure {
        name: name.into(),
        unit: unit.into(),
        stated,
        found: now,
    };
    let series = |service: &str, values: &[f64]| v1::QuerySeries {
        name: "http_request_duration".into(),
        labels: HashMap::from([
            ("service".to_owned(), service.to_owned()),
            ("quantile".to_owned(), "0.95".to_owned()),
        ]),
        unit: "s".into(),
        points: (0..)
            .zip(values)
            .map(|(place, value)| v1::QueryPoint { at: at(place * 15), value: *value })
            .collect(),
    };
    let evidence = v1::QueryResponse {
        evidence: Some(found.evidence[0].clone()),
        figures: vec![
            figure("baseline", 0.0, Some(0.0), "1"),
            figure("observed", 13.0, Some(13.0), "1"),
            figure("robust z", 41.2, None, "sigma"),
        ],
        ..response(
            "promql",
            &found.evidence[0].query,
            vec![v1::QueryAnswer {
                step: length(15_000),
                series: vec![series("orders", &[0.0, 1.0, 0.0, 13.0, 12.0])],
                ..answer("otlp", 1)
            }],
        )
    };
    let many = response(
        "promql",
        "histogram_quantile(0.95, sum by (le, service) (rate(http_request_duration_bucket[1m])))",
        vec![
            v1::QueryAnswer {
                step: length(15_000),
                series: vec![
                    series("orders", &[0.026, 0.911]),
                    series(HOSTILE, &[0.1]),
                    series(LONG, &[1.0, 2.0]),
                ],
                ..answer("otlp", 3)
            },
            v1::QueryAnswer {
                completeness: completeness("missing", "no answer within 30 s"),
                ..answer("prometheus", 0)
            },
        ],
    );
    let line = |second: i64, severity: &str, body: &str| v1::QueryLine {
        at: at(second),
        service: "orders".into(),
        severity: severity.into(),
        body: body.into(),
        ..v1::QueryLine::default()
    };
    let lines = response(
        "logql",
        r#"{service="orders"} |= "timeout""#,
        vec![v1::QueryAnswer {
            completeness: completeness("partial", "the newest 3 of 60 records"),
            lines: vec![
                line(1_200, "info", "timeout set to 5 s"),
                line(
                    1_205,
                    "error",
                    "timed out waiting for a connection from the pool after 5000 ms (size 20, in use 20, waiting 13)",
                ),
                line(1_206, "error", HOSTILE),
            ],
            ..answer("otlp", 60)
        }],
    );
    let span = |second: i64, operation: &str, status: &str, message: &str| v1::QuerySpan {
        start: at(second),
        duration: length(911),
        service: "orders".into(),
        operation: operation.into(),
        kind: "server".into(),
        status: status.into(),
        message: message.into(),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".into(),
        ..v1::QuerySpan::default()
    };
    let spans = response(
        "traceql",
        r#"{ resource.service.name = "orders" }"#,
        vec![v1::QueryAnswer {
            spans: vec![
                span(1_200, "POST /orders", "unset", ""),
                span(1_201, "POST /orders", "error", "pool timeout"),
                span(1_202, HOSTILE, "error", HOSTILE),
            ],
            ..answer("otlp", 3)
        }],
    );
    let change = |id: &str, title: &str| v1::Change {
        kind: "deploy".into(),
        id: id.into(),
        service: "orders".into(),
        at: at(1_180),
        title: title.into(),
        version_from: "1.4.0".into(),
        version_to: "1.5.0".into(),
        ..v1::Change::default()
    };
    let changes = response(
        "change",
        "",
        vec![v1::QueryAnswer {
            changes: vec![change("deploy-42", "orders by customer"), change(HOSTILE, HOSTILE)],
            ..answer("bundle", 2)
        }],
    );
    let nothing =
        response("promql", "nosuch", vec![v1::QueryAnswer { step: length(15_000), ..answer("otlp", 0) }]);
    vec![
        ("evidence", evidence),
        ("series", many),
        ("lines", lines),
        ("spans", spans),
        ("changes", changes),
        ("nothing", nothing),
    ]
}
