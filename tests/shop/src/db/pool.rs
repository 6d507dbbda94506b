use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use opentelemetry::{
    KeyValue,
    metrics::Meter,
    trace::{SpanBuilder, SpanKind},
};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::statement::Statement;
use crate::{
    http::{Failure, Wire},
    telemetry::{Call, Telemetry},
};

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a statement may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(2);
const DATABASE: &str = "orders-db";

/// A bounded pool of connections to `orders-db`, each one TCP connection that stays open.
pub(crate) struct Pool {
    name: &'static str,
    address: SocketAddr,
    size: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<SendRequest<Body>>>,
    pending: AtomicI64,
}

/// A connection that was taken from the pool. Dropping it gives it back.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<SendRequest<Body>>,
    telemetry: Arc<Telemetry>,
    taken: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(name: &'static str, address: SocketAddr, size: usize, meter: &Meter) -> Arc<Self> {
        let pool = Arc::new(Self {
            name,
            address,
            size,
            permits: Arc::new(Semaphore::new(size)),
            idle: Mutex::new(Vec::new()),
            pending: AtomicI64::new(0),
        });
        observe(&pool, meter);
        pool
    }

    /// Takes a connection, or fails with 503 after [`ACQUIRE_TIMEOUT`].
    pub(crate) async fn acquire(self: &Arc<Self>, call: &Call) -> Result<Lease, Failure> {
        let started = Instant::now();
        let span = SpanBuilder::from_name("pool.acquire")
            .with_attributes([KeyValue::new("db.client.connection.pool.name", self.name)]);
        let span = call.child(SpanKind::Internal, span);
        let waiting = Waiting::new(&self.pending);
        let turn = tokio::time::timeout(ACQUIRE_TIMEOUT, self.permits.clone().acquire_owned()).await;
        drop(waiting);
        let attributes = [KeyValue::new("db.client.connection.pool.name", self.name)];
        let instruments = &call.telemetry.instruments;
        instruments.pool_wait.record(started.elapsed().as_secs_f64(), &attributes);
        let Ok(Ok(permit)) = turn else {
            instruments.pool_timeouts.add(1, &attributes);
            let (used, pending) = (self.used(), self.pending.load(Ordering::Relaxed));
            let message = format!(
                "timed out waiting for a connection from pool {} after {} ms (size={} in_use={used} idle=0 waiting={pending})",
                self.name,
                ACQUIRE_TIMEOUT.as_millis(),
                self.size
            );
            span.fail(message.clone());
            span.end();
            let numbers = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            call.error(
                message.clone(),
                vec![
                    ("db.client.connection.pool.name", self.name.into()),
                    ("pool.size", numbers(self.size).into()),
                    ("pool.in_use", numbers(used).into()),
                    ("pool.waiting", pending.into()),
                ],
            );
            return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message));
        };
        let reusable = self.idle().pop().filter(|connection| !connection.is_closed());
        let connection = match reusable {
            Some(connection) => Ok(connection),
            None => connect(self.address).await,
        };
        span.end();
        let connection = connection.map_err(|cause| {
            Failure::new(StatusCode::BAD_GATEWAY, format!("cannot connect to {DATABASE}: {cause}"))
        })?;
        Ok(Lease {
            pool: self.clone(),
            connection: Some(connection),
            telemetry: call.telemetry.clone(),
            taken: Instant::now(),
            _permit: permit,
        })
    }

    fn used(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Body>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a waiting caller, also when it is cancelled.
struct Waiting<'a>(&'a AtomicI64);

impl<'a> Waiting<'a> {
    fn new(pending: &'a AtomicI64) -> Self {
        pending.fetch_add(1, Ordering::Relaxed);
        Self(pending)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lease {
    /// Runs a statement: a client span with its text, and its rows.
    pub(crate) async fn query(
        &mut self,
        call: &Call,
        text: &'static str,
        parameters: &[i64],
    ) -> Result<Vec<Vec<i64>>, Failure> {
        let started = Instant::now();
        let statement = Statement::parse(text);
        let (verb, table) = statement.as_ref().map_or(("QUERY", ""), |known| (known.verb(), known.table()));
        let attributes = [
            KeyValue::new("db.system", "postgresql"),
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.namespace", "shop"),
            KeyValue::new("db.operation.name", verb),
            KeyValue::new("db.collection.name", table.to_owned()),
            KeyValue::new("db.query.text", text),
            KeyValue::new("server.address", DATABASE),
            KeyValue::new("server.port", i64::from(self.pool.address.port())),
            KeyValue::new("peer.service", DATABASE),
        ];
        let span = SpanBuilder::from_name(format!("{verb} {table}")).with_attributes(attributes);
        let span = call.child(SpanKind::Client, span);
        let answer = tokio::time::timeout(QUERY_TIMEOUT, self.exchange(text, parameters)).await;
        let result = match answer {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(cause)) => {
                Err(Failure::new(StatusCode::BAD_GATEWAY, format!("query to {DATABASE} failed: {cause}")))
            }
            Err(_) => {
                // The answer is still to come on this connection, so nobody else may have it.
                self.connection = None;
                let limit = QUERY_TIMEOUT.as_millis();
                Err(Failure::new(
                    StatusCode::GATEWAY_TIMEOUT,
                    format!("query to {DATABASE} cancelled after {limit} ms"),
                ))
            }
        };
        let mut attributes = vec![
            KeyValue::new("server.address", DATABASE),
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.operation.name", verb),
            KeyValue::new("db.collection.name", table.to_owned()),
        ];
        if let Err(failure) = &result {
            span.fail(failure.message.clone());
            attributes.push(KeyValue::new("error.type", failure.status.as_str().to_owned()));
        }
        self.telemetry.instruments.db_duration.record(started.elapsed().as_secs_f64(), &attributes);
        span.end();
        result
    }

    async fn exchange(&mut self, text: &str, parameters: &[i64]) -> Result<Vec<Vec<i64>>, String> {
        let mut connection = self.connection.take().ok_or("the connection is lost")?;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(DATABASE));
        let body = json!({ "text": text, "parameters": parameters });
        let request =
            Wire::request(Method::POST, "/query", headers, Some(&body)).map_err(|e| e.to_string())?;
        connection.ready().await.map_err(|e| e.to_string())?;
        let response = connection.send_request(request).await.map_err(|e| e.to_string())?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), 1 << 20).await.map_err(|e| e.to_string())?;
        self.connection = Some(connection);
        let answer: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        if !status.is_success() {
            return Err(answer.get("error").and_then(Value::as_str).unwrap_or("no details").to_owned());
        }
        let rows = answer.get("rows").cloned().unwrap_or_default();
        serde_json::from_value(rows).map_err(|e| e.to_string())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|connection| !connection.is_closed()) {
            self.pool.idle().push(connection);
        }
        let pool = [KeyValue::new("db.client.connection.pool.name", self.pool.name)];
        self.telemetry.instruments.pool_use.record(self.taken.elapsed().as_secs_f64(), &pool);
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Body>, String> {
    let stream = tokio::net::TcpStream::connect(address).await.map_err(|cause| cause.to_string())?;
    stream.set_nodelay(true).map_err(|cause| cause.to_string())?;
    let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| cause.to_string())?;
    // Ends with the connection; its error also reaches whoever sends next.
    tokio::spawn(driver);
    Ok(sender)
}

/// Gauges of the pool, for as long as it lives.
fn observe(pool: &Arc<Pool>, meter: &Meter) {
    let name = KeyValue::new("db.client.connection.pool.name", pool.name);
    let state = |value: &'static str| KeyValue::new("db.client.connection.state", value);
    let gauge = |metric: &'static str, what: &'static str, read: fn(&Pool) -> i64| {
        let (pool, attributes): (Weak<Pool>, _) = (Arc::downgrade(pool), [name.clone()]);
        meter
            .i64_observable_up_down_counter(metric)
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(pool) = pool.upgrade() {
                    observer.observe(read(&pool), &attributes);
                }
            })
            .build();
    };
    gauge("db.client.connection.max", "Most connections that the pool opens", |pool| count(pool.size));
    gauge("db.client.connection.pending_requests", "Callers that wait for a connection", |pool| {
        pool.pending.load(Ordering::Relaxed)
    });
    let (weak, used, idle) =
        (Arc::downgrade(pool), [name.clone(), state("used")], [name.clone(), state("idle")]);
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_description("Connections by state")
        .with_callback(move |observer| {
            if let Some(pool) = weak.upgrade() {
                observer.observe(count(pool.used()), &used);
                observer.observe(count(pool.idle().len()), &idle);
            }
        })
        .build();
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
