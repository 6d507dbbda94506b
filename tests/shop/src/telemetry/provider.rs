use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity},
    metrics::{Meter, MeterProvider},
    trace::{SpanContext, TracerProvider},
};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    logs::{self, BatchLogProcessor, SdkLogger, SdkLoggerProvider},
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{self, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use prometheus::{Registry, TextEncoder};
use tonic::transport::Channel;

use super::Instruments;
use crate::{Error, Result};

const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
const BATCH_INTERVAL: Duration = Duration::from_millis(500);
const METRICS_INTERVAL: Duration = Duration::from_secs(1);
const QUEUE: usize = 16_384;

/// Who an instance is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) service: &'static str,
    pub(crate) version: String,
    pub(crate) pod: String,
}

/// The OTLP endpoint that all services share one connection to.
#[derive(Clone)]
pub(crate) struct Outlet(Channel);

impl Outlet {
    /// Connects when first used, and again after a loss. Needs a tokio runtime.
    pub(crate) fn new(endpoint: &str) -> Result<Self> {
        let channel = Channel::from_shared(endpoint.to_owned())
            .map_err(|cause| Error::Config(format!("otlp_endpoint {endpoint:?} is no address: {cause}")))?
            .timeout(EXPORT_TIMEOUT)
            .connect_timeout(Duration::from_secs(1))
            .connect_lazy();
        Ok(Self(channel))
    }
}

/// Tracer, logger and meter of one instance, and the registry behind its `/metrics`.
pub(crate) struct Telemetry {
    pub(crate) identity: Identity,
    pub(crate) instruments: Instruments,
    pub(crate) meter: Meter,
    pub(super) tracer: SdkTracer,
    logger: SdkLogger,
    registry: Registry,
    busy_nanos: Arc<AtomicU64>,
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    pub(crate) fn start(identity: Identity, outlet: Option<&Outlet>) -> Result<Arc<Self>> {
        let service = identity.service;
        let fail = |cause: String| Error::Telemetry { service, cause };
        let resource = resource(&identity);
        let labels = HashMap::from([("service".to_owned(), service.to_owned())]);
        let registry = Registry::new_custom(None, Some(labels)).map_err(|cause| fail(cause.to_string()))?;
        let scrape = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|cause| fail(cause.to_string()))?;

        let mut traces = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(resource.clone());
        let mut logs = SdkLoggerProvider::builder().with_resource(resource.clone());
        let mut metrics = SdkMeterProvider::builder().with_resource(resource).with_reader(scrape);
        if let Some(outlet) = outlet {
            let (spans, records, points) = exporters(outlet).map_err(|cause| fail(cause.to_string()))?;
            traces = traces.with_span_processor(spans);
            logs = logs.with_log_processor(records);
            metrics = metrics.with_reader(points);
        }
        let (traces, logs, metrics) = (traces.build(), logs.build(), metrics.build());

        let scope = InstrumentationScope::builder("shop").with_version(env!("CARGO_PKG_VERSION")).build();
        let meter = metrics.meter_with_scope(scope.clone());
        let busy_nanos = Arc::new(AtomicU64::new(0));
        let busy = busy_nanos.clone();
        // Every instance lives in the same process, so its share is what its own handlers ran for.
        meter
            .f64_observable_counter("process.cpu.time")
            .with_unit("s")
            .with_description("Time that handlers of this service spent running")
            .with_callback(move |observer| {
                observer
                    .observe(busy.load(Ordering::Relaxed) as f64 / 1e9, &[KeyValue::new("cpu.mode", "user")]);
            })
            .build();
        Ok(Arc::new(Self {
            instruments: Instruments::new(&meter),
            tracer: traces.tracer_with_scope(scope.clone()),
            logger: logs.logger_with_scope(scope),
            identity,
            meter,
            registry,
            busy_nanos,
            traces,
            logs,
            metrics,
        }))
    }

    /// The numbers in Prometheus text format.
    pub(crate) fn render(&self) -> Result<String> {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .map_err(|cause| Error::Telemetry { service: self.identity.service, cause: cause.to_string() })
    }

    /// Adds time that a handler ran for.
    pub(crate) fn busy(&self, time: Duration) {
        self.busy_nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Writes a log record, under a span when there is one.
    pub(crate) fn log(
        &self,
        severity: Severity,
        span: Option<&SpanContext>,
        body: String,
        attributes: Vec<(&'static str, AnyValue)>,
    ) {
        let now = SystemTime::now();
        let mut record = self.logger.create_log_record();
        record.set_timestamp(now);
        record.set_observed_timestamp(now);
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.set_body(body.into());
        record.add_attributes(attributes);
        if let Some(span) = span.filter(|span| span.is_valid()) {
            record.set_trace_context(span.trace_id(), span.span_id(), Some(span.trace_flags()));
        }
        self.logger.emit(record);
    }

    /// Sends what is left and ends the export threads. Blocks for up to two seconds per signal.
    pub(crate) fn shut_down(&self) {
        let limit = Duration::from_secs(2);
        // An endpoint that has gone away is no reason to fail a stop.
        let _ended = (
            self.traces.shutdown_with_timeout(limit),
            self.logs.shutdown_with_timeout(limit),
            self.metrics.shutdown_with_timeout(limit),
        );
    }
}

fn resource(identity: &Identity) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", identity.service),
            KeyValue::new("service.namespace", "shop"),
            KeyValue::new("service.version", identity.version.clone()),
            KeyValue::new("service.instance.id", identity.pod.clone()),
            KeyValue::new("k8s.pod.name", identity.pod.clone()),
            KeyValue::new("k8s.namespace.name", "shop"),
            KeyValue::new("deployment.environment.name", "demo"),
        ])
        .build()
}

type Exporters = (BatchSpanProcessor, BatchLogProcessor, PeriodicReader<MetricExporter>);

fn exporters(outlet: &Outlet) -> Result<Exporters, opentelemetry_otlp::ExporterBuildError> {
    let channel = || outlet.0.clone();
    let spans =
        SpanExporter::builder().with_tonic().with_channel(channel()).with_timeout(EXPORT_TIMEOUT).build()?;
    let records =
        LogExporter::builder().with_tonic().with_channel(channel()).with_timeout(EXPORT_TIMEOUT).build()?;
    let points = MetricExporter::builder()
        .with_tonic()
        .with_channel(channel())
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let spans = BatchSpanProcessor::builder(spans)
        .with_batch_config(
            trace::BatchConfigBuilder::default()
                .with_max_queue_size(QUEUE)
                .with_scheduled_delay(BATCH_INTERVAL)
                .build(),
        )
        .build();
    let records = BatchLogProcessor::builder(records)
        .with_batch_config(
            logs::BatchConfigBuilder::default()
                .with_max_queue_size(QUEUE)
                .with_scheduled_delay(BATCH_INTERVAL)
                .build(),
        )
        .build();
    Ok((spans, records, PeriodicReader::builder(points).with_interval(METRICS_INTERVAL).build()))
}
