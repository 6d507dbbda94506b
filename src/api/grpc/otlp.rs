use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse, logs_service_server::LogsService},
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse, metrics_service_server::MetricsService,
    },
    trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_server::TraceService},
};
use tonic::{Request, Response, Status, async_trait};

use crate::api::state::Shared;

/// The OTLP collector services over the in-memory window.
pub(super) struct Otlp(pub(super) Shared);

#[async_trait]
impl TraceService for Otlp {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let taken = self.0.collector.traces(&request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse { partial_success: taken.into() }))
    }
}

#[async_trait]
impl LogsService for Otlp {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let taken = self.0.collector.logs(&request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse { partial_success: taken.into() }))
    }
}

#[async_trait]
impl MetricsService for Otlp {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0.refuse_unless_ready()?;
        let taken = self.0.collector.metrics(&request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse { partial_success: taken.into() }))
    }
}
