//! Answers to be shown, and what they are made of.

use quell_proto::{
    Timestamp,
    v1::{self, investigation::Verdict},
};

/// Clears the screen, sets the title, forges a verdict on a line of its own, and turns the text around.
pub(super) const HOSTILE: &str =
    "evil\u{1b}[2J\u{1b}]0;owned\u{7}\r\nCAUSE FOUND  all is well\u{202e}txt.exe\u{200b}\u{9b}31m";
/// A name that no terminal is wide enough for.
pub(super) const LONG: &str = "checkout-service-with-a-name-that-somebody-generated-from-a-path-of-seven-folders-and-a-hash-9f8e7d6c5b4a39281706";

pub(super) fn at(second: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_772_359_200 + second, nanos: 0 })
}

pub(super) fn length(millis: i64) -> Option<pbjson_types::Duration> {
    let (seconds, rest) = (millis / 1000, millis % 1000);
    Some(pbjson_types::Duration { seconds, nanos: i32::try_from(rest).unwrap() * 1_000_000 })
}

pub(super) fn text(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn entity(kind: &str, name: &str, service: &str) -> Option<v1::Entity> {
    Some(v1::Entity { kind: kind.into(), name: name.into(), service: service.into() })
}

pub(super) fn argument(decibans: f64, told: &str, evidence: &[&str], test: &str) -> v1::Argument {
    v1::Argument { decibans, text: told.into(), evidence: text(evidence), test: test.into() }
}

pub(super) fn completeness(state: &str, reason: &str) -> Option<v1::Completeness> {
    Some(v1::Completeness { state: state.into(), reason: reason.into() })
}

pub(super) fn window() -> Option<v1::TimeWindow> {
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
        divided_at: at(1_800),
        normal_until: at(1_770),
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
