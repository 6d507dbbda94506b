use serde::{Deserialize, de::IgnoredAny};

use super::{
    KeyValue, Nanos, Resource, SpanId, Text, TraceId, nullable,
    scalar::{Scalar, ScalarVisitor, readable},
};

/// `ExportTraceServiceRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SpansRequest<'a> {
    #[serde(borrow)]
    pub(crate) resource_spans: Option<Vec<ResourceSpans<'a>>>,
    pub(crate) resource_logs: Option<IgnoredAny>,
    pub(crate) resource_metrics: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceSpans<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) resource: Resource<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ScopeSpans<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) spans: Vec<Span<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Span<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_span_id: SpanId,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    pub(crate) kind: Kind,
    pub(crate) start_time_unix_nano: Nanos,
    pub(crate) end_time_unix_nano: Nanos,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) events: Vec<Event<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) status: Status<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status<'a> {
    #[serde(borrow)]
    pub(crate) message: Text<'a>,
    pub(crate) code: StatusCode,
}

/// `SpanKind`, 0 to 5; what is unknown is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kind(pub(crate) i32);

impl Scalar<'_> for Kind {
    const EXPECTING: &'static str = "a span kind as a number or a name";

    fn of_str(name: &str) -> Option<Self> {
        Some(Self(match name.strip_prefix("SPAN_KIND_").unwrap_or(name) {
            "INTERNAL" => 1,
            "SERVER" => 2,
            "CLIENT" => 3,
            "PRODUCER" => 4,
            "CONSUMER" => 5,
            _ => 0,
        }))
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(Self(i32::try_from(number).unwrap_or(0)))
    }
    fn of_i64(_: i64) -> Option<Self> {
        Some(Self(0))
    }
}

/// `StatusCode`, 0 to 2; what is unknown is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StatusCode(pub(crate) i32);

impl Scalar<'_> for StatusCode {
    const EXPECTING: &'static str = "a status code as a number or a name";

    fn of_str(name: &str) -> Option<Self> {
        Some(Self(match name.strip_prefix("STATUS_CODE_").unwrap_or(name) {
            "OK" => 1,
            "ERROR" => 2,
            _ => 0,
        }))
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(Self(i32::try_from(number).unwrap_or(0)))
    }
    fn of_i64(_: i64) -> Option<Self> {
        Some(Self(0))
    }
}

readable!(Kind, StatusCode);
