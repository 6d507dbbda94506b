//! OTLP messages as borrowed data: what both encodings are read into.
//!
//! Fields that quell does not use are left out and ignored on reading. JSON is read as proto3's mapping
//! asks: numbers may be strings, enums names or numbers, `null` is the default.

mod logs;
mod metrics;
mod resource;
mod scalar;
mod traces;
mod value;

pub(crate) use logs::{LogsRequest, Record, ResourceLogs, ScopeLogs, SeverityNumber};
pub(crate) use metrics::{
    Buckets, Data, DataPoints, ExponentialPoint, HistogramPoint, Metric, MetricsRequest, NumberPoint,
    QuantileValue, ResourceMetrics, ScopeMetrics, SummaryPoint, Temporality,
};
pub(crate) use resource::{Resource, Scope};
pub(crate) use scalar::{Count, Double, Flag, Int, Nanos, Scalar, SpanId, Text, TraceId, nullable};
pub(crate) use traces::{Event, Kind, ResourceSpans, ScopeSpans, Span, SpansRequest, Status, StatusCode};
pub(crate) use value::{KeyValue, Value};
