use std::{future::poll_fn, net::SocketAddr, pin::pin, sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
    serve::Listener,
};
use http::{StatusCode, header};
use opentelemetry::{KeyValue, metrics::UpDownCounter, trace::SpanBuilder};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::telemetry::{Call, Telemetry};

/// Adds a server span, request metrics and an error log to each route, and serves `/metrics`.
pub(crate) fn observed(routes: Router, telemetry: &Arc<Telemetry>) -> Router {
    with_metrics(routes.route_layer(middleware::from_fn_with_state(telemetry.clone(), observe)), telemetry)
}

/// Serves `/metrics` beside the routes, which observe themselves, as stores do.
pub(crate) fn unobserved(routes: Router, telemetry: &Arc<Telemetry>) -> Router {
    with_metrics(routes.route_layer(middleware::from_fn_with_state(telemetry.clone(), meter_time)), telemetry)
}

fn with_metrics(routes: Router, telemetry: &Arc<Telemetry>) -> Router {
    let telemetry = telemetry.clone();
    let metrics = move || async move {
        match telemetry.render() {
            Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    };
    routes.route("/metrics", get(metrics)).route("/healthz", get(|| async { "ok\n" }))
}

/// What ends a server: first it takes no more connections, then it ends those it has.
#[derive(Clone, Default)]
pub(crate) struct Ending {
    pub(crate) accepting: CancellationToken,
    pub(crate) serving: CancellationToken,
}

/// Serves until told to end; requests in progress are answered, idle connections closed.
pub(crate) fn serve(
    listener: TcpListener,
    routes: Router,
    ending: Ending,
) -> JoinHandle<std::io::Result<()>> {
    let gate = Gate { listener, closed: ending.accepting };
    tokio::spawn(async move {
        let end = async move { ending.serving.cancelled().await };
        axum::serve(gate, routes).with_graceful_shutdown(end).await
    })
}

/// A listener that can stop accepting while what it accepted goes on. Two servers on one port need it:
/// a connection that the old one takes as it ends would be closed unanswered.
struct Gate {
    listener: TcpListener,
    closed: CancellationToken,
}

impl Listener for Gate {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        match self.closed.run_until_cancelled(Listener::accept(&mut self.listener)).await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Counts a request in flight, also when its caller hangs up in the middle.
struct Active<'a>(&'a UpDownCounter<i64>, [KeyValue; 1]);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.add(-1, &self.1);
    }
}

async fn observe(
    State(telemetry): State<Arc<Telemetry>>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let (method, route) = (request.method().to_string(), route.as_str().to_owned());
    let span = SpanBuilder::from_name(format!("{method} {route}")).with_attributes([
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("http.route", route.clone()),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", "http"),
    ]);
    let call = Call::server(&telemetry, request.headers(), span);
    request.extensions_mut().insert(call.clone());
    let active = &telemetry.instruments.server_active;
    let method_only = [KeyValue::new("http.request.method", method.clone())];
    active.add(1, &method_only);
    let active = Active(active, method_only);

    let response = timed(&telemetry, next.run(request)).await;

    drop(active);
    let status = response.status();
    call.set("http.response.status_code", i64::from(status.as_u16()));
    if let Some(failure) = response.extensions().get::<Arc<Failure>>().filter(|_| status.is_server_error()) {
        report(&call, failure, &method, &route);
    }
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
    ];
    if status.is_server_error() {
        attributes.push(KeyValue::new("error.type", status.as_str().to_owned()));
    }
    telemetry.instruments.server_duration.record(started.elapsed().as_secs_f64(), &attributes);
    call.end();
    response
}

/// One failed span and one error record for each failed request.
fn report(call: &Call, failure: &Failure, method: &str, route: &str) {
    call.fail(failure.message.clone());
    let status = i64::from(failure.status.as_u16());
    let mut attributes =
        vec![("http.route", route.to_owned().into()), ("http.response.status_code", status.into())];
    if let Some(exception) = &failure.exception {
        call.set("error.type", exception.kind);
        call.event(
            "exception",
            vec![
                KeyValue::new("exception.type", exception.kind),
                KeyValue::new("exception.message", exception.message.clone()),
                KeyValue::new("exception.stacktrace", exception.stacktrace.clone()),
            ],
        );
        attributes.extend([
            ("exception.type", exception.kind.into()),
            ("exception.message", exception.message.clone().into()),
            ("exception.stacktrace", exception.stacktrace.clone().into()),
        ]);
    } else {
        call.set("error.type", failure.status.as_str().to_owned());
    }
    call.error(format!("{method} {route} failed with {status}: {}", failure.message), attributes);
}

async fn meter_time(State(telemetry): State<Arc<Telemetry>>, request: Request, next: Next) -> Response {
    timed(&telemetry, next.run(request)).await
}

/// Runs a handler and books the time that it was running, not waiting.
async fn timed(telemetry: &Telemetry, handler: impl Future<Output = Response>) -> Response {
    let mut handler = pin!(handler);
    poll_fn(|context| {
        let started = Instant::now();
        let polled = handler.as_mut().poll(context);
        telemetry.busy(started.elapsed());
        polled
    })
    .await
}
