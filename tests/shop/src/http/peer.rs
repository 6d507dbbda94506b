use std::{net::SocketAddr, time::Instant};

use http::{HeaderMap, Method, StatusCode};
use opentelemetry::{
    KeyValue,
    trace::{SpanBuilder, SpanKind},
};
use serde_json::Value;

use super::{Failure, Wire, WireError};
use crate::telemetry::Call;

/// Another service as seen from a caller.
#[derive(Clone)]
pub(crate) struct Peer {
    name: &'static str,
    address: SocketAddr,
    wire: Wire,
    /// The `db.system.name` when the peer is a store: its spans and metrics follow the database names.
    system: Option<&'static str>,
}

impl Peer {
    pub(crate) fn new(name: &'static str, address: SocketAddr, wire: &Wire) -> Self {
        Self { name, address, wire: wire.clone(), system: None }
    }

    /// A key-value store.
    pub(crate) fn store(name: &'static str, address: SocketAddr, wire: &Wire, system: &'static str) -> Self {
        Self { system: Some(system), ..Self::new(name, address, wire) }
    }

    pub(crate) async fn get(&self, call: &Call, route: &'static str, path: &str) -> Result<Value, Failure> {
        self.send(call, Method::GET, route, path, None).await
    }

    pub(crate) async fn post(
        &self,
        call: &Call,
        route: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        self.send(call, Method::POST, route, path, Some(body)).await
    }

    pub(crate) async fn put(
        &self,
        call: &Call,
        route: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        self.send(call, Method::PUT, route, path, Some(body)).await
    }

    /// One call: a client span, its metric, and the answer of a 2xx.
    async fn send(
        &self,
        call: &Call,
        method: Method,
        route: &'static str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let started = Instant::now();
        let call = call.child(SpanKind::Client, self.span(&method, route, path));
        let mut headers = HeaderMap::new();
        call.propagate(&mut headers);
        let answer = match Wire::request(method.clone(), &Wire::uri(self.address, path), headers, body) {
            Ok(request) => self.wire.send(request).await,
            Err(error) => Err(error),
        };
        let (status, result) = self.judge(answer);
        // A cache that has no such key works as it should.
        let failed =
            result.as_ref().err().filter(|_| self.system.is_none() || status != Some(StatusCode::NOT_FOUND));
        if let Some(failure) = failed {
            call.fail(failure.message.clone());
        }
        self.record(&call, &method, status, failed.is_some(), started);
        call.end();
        result
    }

    fn judge(
        &self,
        answer: Result<(StatusCode, Value), WireError>,
    ) -> (Option<StatusCode>, Result<Value, Failure>) {
        match answer {
            Ok((status, value)) if status.is_success() => (Some(status), Ok(value)),
            Ok((status, value)) => {
                let detail = value.get("error").and_then(Value::as_str).unwrap_or("no details");
                let message = format!("{} answered {}: {detail}", self.name, status.as_u16());
                (Some(status), Err(Failure::new(status, message)))
            }
            Err(error) => {
                let status = match error {
                    WireError::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
                    WireError::Connect(_) => StatusCode::BAD_GATEWAY,
                };
                (None, Err(Failure::new(status, format!("{}: {error}", self.name))))
            }
        }
    }

    fn span(&self, method: &Method, route: &'static str, path: &str) -> SpanBuilder {
        let mut attributes = vec![
            KeyValue::new("server.address", self.name),
            KeyValue::new("server.port", i64::from(self.address.port())),
            KeyValue::new("peer.service", self.name),
        ];
        match self.system {
            Some(system) => attributes.extend([
                KeyValue::new("db.system", system),
                KeyValue::new("db.system.name", system),
                KeyValue::new("db.operation.name", operation(method)),
                KeyValue::new("db.query.text", format!("{} {route}", operation(method))),
            ]),
            None => attributes.extend([
                KeyValue::new("http.request.method", method.to_string()),
                KeyValue::new("url.full", format!("http://{}{path}", self.name)),
                KeyValue::new("url.template", route),
            ]),
        }
        let name = match self.system {
            Some(_) => operation(method).to_owned(),
            None => format!("{method} {route}"),
        };
        SpanBuilder::from_name(name).with_attributes(attributes)
    }

    fn record(
        &self,
        call: &Call,
        method: &Method,
        status: Option<StatusCode>,
        failed: bool,
        started: Instant,
    ) {
        let mut attributes = vec![KeyValue::new("server.address", self.name)];
        let error = failed.then(|| status.map_or_else(|| "no_answer".to_owned(), |s| s.as_str().to_owned()));
        if let Some(error) = error {
            call.set("error.type", error.clone());
            attributes.push(KeyValue::new("error.type", error));
        }
        let instruments = &call.telemetry.instruments;
        if let Some(system) = self.system {
            attributes.push(KeyValue::new("db.system.name", system));
            attributes.push(KeyValue::new("db.operation.name", operation(method)));
            instruments.db_duration.record(started.elapsed().as_secs_f64(), &attributes);
            return;
        }
        attributes.push(KeyValue::new("http.request.method", method.to_string()));
        if let Some(status) = status {
            call.set("http.response.status_code", i64::from(status.as_u16()));
            attributes.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        instruments.client_duration.record(started.elapsed().as_secs_f64(), &attributes);
    }
}

/// The store's word for a method.
fn operation(method: &Method) -> &'static str {
    if *method == Method::GET { "GET" } else { "SET" }
}
