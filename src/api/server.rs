//! One TCP port for gRPC (h2c) and HTTP/1.1, inside tonic's server for its HTTP/2 settings.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, time::timeout};
use tonic::{
    service::Routes,
    transport::{self, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{
    gate::Gate,
    grpc, http,
    state::{Phase, Readiness, State},
};

/// How long open requests may take to end after the shutdown began.
const GRACE: Duration = Duration::from_secs(5);
/// OTLP requests at once, over gRPC and HTTP together; each may hold 16 MiB.
const TELEMETRY: usize = 16;
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("gRPC reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("server: {0}")]
    Transport(#[from] transport::Error),
}

/// Serves until the state's shutdown token is cancelled: then new requests get 503, streams end, and open
/// requests have five seconds.
pub async fn serve(listener: TcpListener, state: Arc<State>) -> Result<(), Error> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let telemetry = Gate::new(TELEMETRY);
    let grpc = grpc::router(&state, telemetry.clone(), health_service)?;
    let router = http::router(Arc::clone(&state), telemetry).merge(grpc).fallback(http::not_found);
    let shutdown = state.shutdown.clone();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = transport::Server::builder()
        .accept_http1(true)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_adaptive_window(Some(true))
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(incoming, shutdown.clone().cancelled_owned());
    tokio::pin!(serving);
    tokio::select! {
        served = &mut serving => return Ok(served?),
        () = report(&health, &state.readiness) => {}
        () = shutdown.cancelled() => {}
    }
    state.readiness.drain();
    health.set_service_status("", ServingStatus::NotServing).await;
    match timeout(GRACE, serving).await {
        Ok(served) => Ok(served?),
        Err(_) => {
            tracing::warn!("cut off requests that did not end in time");
            Ok(())
        }
    }
}

/// Keeps the gRPC health service in step; never ends.
async fn report(health: &HealthReporter, readiness: &Readiness) {
    let mut phases = readiness.watch();
    loop {
        let phase = *phases.borrow_and_update();
        let status = match phase {
            Phase::Ready => ServingStatus::Serving,
            Phase::Starting | Phase::Draining => ServingStatus::NotServing,
        };
        health.set_service_status("", status).await;
        if phases.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
