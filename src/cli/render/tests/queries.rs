//! What queries gave, to be shown.

use std::collections::HashMap;

use quell_proto::v1;

use super::fixture::{HOSTILE, LONG, at, cause_found, completeness, length, window};

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
