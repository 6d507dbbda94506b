//! A small OTLP collector.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// All that came in, each with its resource.
#[derive(Default)]
pub(super) struct Received {
    pub(super) spans: Vec<(Resource, Span)>,
    pub(super) logs: Vec<(Resource, LogRecord)>,
    pub(super) metrics: Vec<(Resource, Metric)>,
}

#[derive(Clone, Default)]
pub(super) struct Collector(Arc<Mutex<Received>>);

impl Collector {
    pub(super) async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(LogsServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (collector, address)
    }

    pub(super) fn take(&self) -> Received {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, change: impl FnOnce(&mut Received)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for batch in request.into_inner().resource_spans {
            let resource = batch.resource.unwrap_or_default();
            let spans = batch.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.add(|all| all.spans.extend(spans.map(|span| (resource.clone(), span))));
        }
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        for batch in request.into_inner().resource_logs {
            let resource = batch.resource.unwrap_or_default();
            let logs = batch.scope_logs.into_iter().flat_map(|scope| scope.log_records);
            self.add(|all| all.logs.extend(logs.map(|log| (resource.clone(), log))));
        }
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        for batch in request.into_inner().resource_metrics {
            let resource = batch.resource.unwrap_or_default();
            let metrics = batch.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            self.add(|all| all.metrics.extend(metrics.map(|metric| (resource.clone(), metric))));
        }
        Ok(Response::new(Default::default()))
    }
}

/// A text or number attribute as text.
pub(super) fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref().and_then(text)
}

pub(super) fn text(value: &AnyValue) -> Option<String> {
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn service(resource: &Resource) -> String {
    attribute(&resource.attributes, "service.name").expect("each resource names its service")
}
