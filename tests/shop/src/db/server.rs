use std::{sync::Arc, time::Instant};

use axum::{Json, Router, extract::State, routing::post};
use http::StatusCode;
use opentelemetry::{
    KeyValue,
    logs::Severity,
    metrics::{Counter, Histogram},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Engine, engine::Outcome, statement::Statement};
use crate::{
    http::{Failure, unobserved},
    telemetry::Telemetry,
};

/// The index that lookups of a customer's orders go by.
pub(crate) const INDEX: &str = "orders_customer_id_idx";

/// Statements that take longer than this are logged, in milliseconds.
const SLOW_MS: f64 = 100.0;

struct Server {
    engine: Arc<Engine>,
    telemetry: Arc<Telemetry>,
    duration: Histogram<f64>,
    examined: Counter<u64>,
    scans: Counter<u64>,
}

#[derive(Deserialize)]
struct Query {
    text: String,
    #[serde(default)]
    parameters: Vec<i64>,
}

/// `POST /query {text, parameters}` answers `{rows}`.
pub(crate) fn router(engine: Engine, telemetry: &Arc<Telemetry>) -> Router {
    let engine = Arc::new(engine);
    let meter = &telemetry.meter;
    let sizes = Arc::downgrade(&engine);
    meter
        .u64_observable_gauge("db.server.table.rows")
        .with_description("Rows in a table")
        .with_callback(move |observer| {
            for (table, rows) in sizes.upgrade().map(|engine| engine.sizes()).unwrap_or_default() {
                observer.observe(rows as u64, &[KeyValue::new("db.collection.name", table)]);
            }
        })
        .build();
    let server = Server {
        engine,
        duration: crate::telemetry::seconds(meter, "db.server.query.duration", "Time a statement took"),
        examined: meter.u64_counter("db.server.rows_examined").with_description("Rows read").build(),
        scans: meter.u64_counter("db.server.scans").with_description("Lookups by how they read").build(),
        telemetry: telemetry.clone(),
    };
    unobserved(Router::new().route("/query", post(query)).with_state(Arc::new(server)), telemetry)
}

async fn query(State(server): State<Arc<Server>>, Json(query): Json<Query>) -> Result<Json<Value>, Failure> {
    let started = Instant::now();
    let Some(statement) = Statement::parse(&query.text) else {
        return Err(server.reject(&query.text, "syntax error"));
    };
    match server.engine.run(&statement, &query.parameters).await {
        Ok(outcome) => {
            server.observe(&statement, &query.text, &outcome, started);
            Ok(Json(json!({ "rows": outcome.rows })))
        }
        Err(cause) => Err(server.reject(&query.text, &cause)),
    }
}

impl Server {
    fn reject(&self, text: &str, cause: &str) -> Failure {
        self.telemetry.log(Severity::Error, None, format!("ERROR: {cause}; statement: {text}"), Vec::new());
        Failure::new(StatusCode::BAD_REQUEST, cause)
    }

    fn observe(&self, statement: &Statement, text: &str, outcome: &Outcome, started: Instant) {
        let elapsed = started.elapsed();
        let table = KeyValue::new("db.collection.name", statement.table().to_owned());
        let verb = KeyValue::new("db.operation.name", statement.verb());
        let scan = KeyValue::new("scan", if outcome.work.sequential { "sequential" } else { "index" });
        self.duration.record(elapsed.as_secs_f64(), &[table.clone(), verb]);
        self.examined.add(outcome.work.rows as u64, std::slice::from_ref(&table));
        self.scans.add(1, &[table, scan]);
        let ms = elapsed.as_secs_f64() * 1e3;
        let rows = i64::try_from(outcome.work.rows).unwrap_or(i64::MAX);
        let attributes = || {
            vec![
                ("db.query.text", text.to_owned().into()),
                ("db.rows_examined", rows.into()),
                ("duration_ms", ms.into()),
            ]
        };
        if matches!(statement, Statement::CreateIndex { .. } | Statement::DropIndex { .. }) {
            self.telemetry.log(Severity::Info, None, format!("LOG: statement: {text}"), attributes());
        } else if ms > SLOW_MS {
            let plan = if outcome.work.sequential { "sequential scan" } else { "index scan" };
            let line = format!(
                "LOG: duration: {ms:.3} ms  statement: {text}  plan: {plan} on {}, {rows} rows examined",
                statement.table()
            );
            self.telemetry.log(Severity::Warn, None, line, attributes());
        }
    }
}
