use serde::{Deserialize, de::IgnoredAny};

use super::{
    KeyValue, Nanos, Resource, SpanId, Text, TraceId, Value, nullable,
    scalar::{Scalar, ScalarVisitor, readable},
};

/// `ExportLogsServiceRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LogsRequest<'a> {
    #[serde(borrow)]
    pub(crate) resource_logs: Option<Vec<ResourceLogs<'a>>>,
    pub(crate) resource_spans: Option<IgnoredAny>,
    pub(crate) resource_metrics: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceLogs<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) resource: Resource<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScopeLogs<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) log_records: Vec<Record<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Record<'a> {
    pub(crate) time_unix_nano: Nanos,
    pub(crate) observed_time_unix_nano: Nanos,
    pub(crate) severity_number: SeverityNumber,
    #[serde(borrow)]
    pub(crate) severity_text: Text<'a>,
    #[serde(borrow)]
    pub(crate) body: Value<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
}

/// `SeverityNumber`, 1 to 24; what is unknown is 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeverityNumber(pub(crate) i32);

impl Scalar<'_> for SeverityNumber {
    const EXPECTING: &'static str = "a severity as a number or a name";

    /// `SEVERITY_NUMBER_WARN`, `SEVERITY_NUMBER_WARN2`, ...
    fn of_str(name: &str) -> Option<Self> {
        let word = name.strip_prefix("SEVERITY_NUMBER_").unwrap_or(name);
        let level = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let step = word.strip_prefix(level).and_then(|digits| digits.parse::<i32>().ok()).unwrap_or(1);
        let first = match level {
            "TRACE" => 1,
            "DEBUG" => 5,
            "INFO" => 9,
            "WARN" => 13,
            "ERROR" => 17,
            "FATAL" => 21,
            _ => return Some(Self(0)),
        };
        Some(Self(first + (step - 1).clamp(0, 3)))
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(Self(i32::try_from(number).unwrap_or(0)))
    }
    fn of_i64(_: i64) -> Option<Self> {
        Some(Self(0))
    }
}

readable!(SeverityNumber);
