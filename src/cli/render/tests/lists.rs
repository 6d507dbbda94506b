//! Events and lists to be shown.

use std::collections::HashMap;

use quell_proto::v1::{self, event::Payload, investigation::Verdict};

use super::fixture::{HOSTILE, LONG, argument, at, cause_found, completeness, entity, text};
use crate::domain::{Check, CheckState};

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
    let answered = |incident: v1::Incident, verdict: Verdict, probability: f64, claim: &str| {
        let mut answer = v1::Answer { claim: claim.into(), probability, ..v1::Answer::default() };
        answer.set_verdict(verdict);
        v1::Incident { answer: Some(answer), ..incident }
    };
    let found = cause_found();
    vec![
        answered(
            incident(144, "open", "FrontendErrors", "web", "done"),
            Verdict::CauseFound,
            0.97,
            &found.hypotheses[0].claim,
        ),
        answered(
            incident(143, "open", "SlowCheckout", "web", "running"),
            Verdict::Unspecified,
            0.41,
            &found.hypotheses[1].claim,
        ),
        incident(142, "open", "SlowCheckout", "web", "running"),
        incident(141, "open", &format!("KubePodCrashLooping {LONG}"), LONG, "pending"),
        answered(incident(140, "resolved", HOSTILE, HOSTILE, "done"), Verdict::Inconclusive, 0.46, HOSTILE),
        answered(
            incident(9, "resolved", "HighErrorRate", "payments", "done"),
            Verdict::NotAnIncident,
            0.02,
            "payments is slow",
        ),
        answered(incident(8, "resolved", "Odd", "", "done"), Verdict::Inconclusive, 0.0, ""),
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

pub(super) fn checks() -> (Vec<Check>, Vec<Check>, Vec<String>) {
    let check = |name: &str, state: CheckState, found: &str, next: &str| Check {
        name: name.into(),
        state,
        found: found.into(),
        next_action: next.into(),
    };
    let of_configuration = vec![
        check("data_dir", CheckState::Ok, "/var/lib/quell is writable", ""),
        check(
            "receivers.pagerduty",
            CheckState::Off,
            "takes nothing: no signing secret is configured",
            "add the webhook subscription's secret to receivers.pagerduty.secrets if PagerDuty shall page quell",
        ),
        check(
            "sources.prometheus-with-a-long-name",
            CheckState::Failed,
            &format!(
                "http://prometheus:9090 answers 401 Unauthorized: {HOSTILE} and goes on to explain at some length that the token is not one that it knows"
            ),
            "set sources.prometheus[0].bearer_token to a token of a user that may query",
        ),
    ];
    let of_server = vec![
        check("server", CheckState::Ok, "quell 0.1.0, ready", ""),
        check(
            "sources.otlp",
            CheckState::Ok,
            "214 series, 300 log records, 12480 spans, the newest 2s old",
            "",
        ),
        check(HOSTILE, CheckState::Failed, HOSTILE, HOSTILE),
    ];
    let warnings = vec!["investigation.workers is 1: a second incident waits for the first".to_owned()];
    (of_configuration, of_server, warnings)
}
