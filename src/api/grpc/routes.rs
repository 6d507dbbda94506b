use axum::{Router, middleware::from_fn_with_state};
use opentelemetry_proto::tonic::collector::{
    logs::v1::logs_service_server::LogsServiceServer,
    metrics::v1::metrics_service_server::MetricsServiceServer,
    trace::v1::trace_service_server::TraceServiceServer,
};
use quell_proto::v1::{
    DESCRIPTORS, alert_service_server::AlertServiceServer, incident_service_server::IncidentServiceServer,
    investigation_service_server::InvestigationServiceServer, runbook_service_server::RunbookServiceServer,
    server_service_server::ServerServiceServer,
};
use tonic::{codec::CompressionEncoding::Gzip, service::Routes};
use tonic_health::pb::health_server::{Health, HealthServer};

use super::{
    alerts::Alerts, incidents::Incidents, investigations::Investigations, otlp::Otlp, runbooks::Runbooks,
    server::Server,
};
use crate::api::{
    collector::LIMIT,
    gate::{Gate, admit},
    state::Shared,
};

/// Largest message of quell's own services, in bytes.
const MESSAGE: usize = 4 * 1024 * 1024;

/// All gRPC services. `telemetry` bounds OTLP over gRPC together with OTLP over HTTP.
pub(in crate::api) fn router(
    state: &Shared,
    telemetry: Gate,
    health: HealthServer<impl Health>,
) -> Result<Router, tonic_reflection::server::Error> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let own = Routes::new(health)
        .add_service(reflection)
        .add_service(AlertServiceServer::new(Alerts(state.clone())).max_decoding_message_size(MESSAGE))
        .add_service(IncidentServiceServer::new(Incidents(state.clone())).send_compressed(Gzip))
        .add_service(InvestigationServiceServer::new(Investigations(state.clone())).send_compressed(Gzip))
        .add_service(RunbookServiceServer::new(Runbooks(state.clone())).max_decoding_message_size(MESSAGE))
        .add_service(ServerServiceServer::new(Server(state.clone())));
    macro_rules! collector {
        ($server:ident) => {
            $server::new(Otlp(state.clone())).accept_compressed(Gzip).max_decoding_message_size(LIMIT)
        };
    }
    let signals = Routes::new(collector!(TraceServiceServer))
        .add_service(collector!(MetricsServiceServer))
        .add_service(collector!(LogsServiceServer))
        .into_axum_router()
        .reset_fallback()
        .layer(from_fn_with_state(telemetry, admit));
    Ok(own.into_axum_router().reset_fallback().merge(signals))
}
