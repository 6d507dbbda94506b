use serde::{Deserialize, de::IgnoredAny};

use super::{
    Count, Double, Flag, Int, KeyValue, Nanos, Resource, Scope, Text, nullable,
    scalar::{Scalar, ScalarVisitor, readable},
};

/// `ExportMetricsServiceRequest`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MetricsRequest<'a> {
    #[serde(borrow)]
    pub(crate) resource_metrics: Option<Vec<ResourceMetrics<'a>>>,
    pub(crate) resource_spans: Option<IgnoredAny>,
    pub(crate) resource_logs: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceMetrics<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) resource: Resource<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) scope_metrics: Vec<ScopeMetrics<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ScopeMetrics<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) scope: Scope<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) metrics: Vec<Metric<'a>>,
}

/// One metric; at most one of the five kinds of data is there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metric<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) unit: Text<'a>,
    #[serde(borrow)]
    pub(crate) gauge: Option<DataPoints<NumberPoint<'a>>>,
    #[serde(borrow)]
    pub(crate) sum: Option<Data<NumberPoint<'a>>>,
    #[serde(borrow)]
    pub(crate) histogram: Option<Data<HistogramPoint<'a>>>,
    #[serde(borrow)]
    pub(crate) exponential_histogram: Option<Data<ExponentialPoint<'a>>>,
    #[serde(borrow)]
    pub(crate) summary: Option<DataPoints<SummaryPoint<'a>>>,
}

/// Points alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "P: Deserialize<'de>")]
pub(crate) struct DataPoints<P> {
    #[serde(default = "Vec::new", deserialize_with = "nullable")]
    pub(crate) data_points: Vec<P>,
}

/// Points with how they add up.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "P: Deserialize<'de>")]
pub(crate) struct Data<P> {
    #[serde(default = "Vec::new", deserialize_with = "nullable")]
    pub(crate) data_points: Vec<P>,
    #[serde(default)]
    pub(crate) aggregation_temporality: Temporality,
    #[serde(default)]
    pub(crate) is_monotonic: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NumberPoint<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    pub(crate) time_unix_nano: Nanos,
    pub(crate) as_double: Option<Double>,
    pub(crate) as_int: Option<Int>,
    pub(crate) flags: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HistogramPoint<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    pub(crate) time_unix_nano: Nanos,
    pub(crate) count: Count,
    pub(crate) sum: Option<Double>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) bucket_counts: Vec<Count>,
    #[serde(deserialize_with = "nullable")]
    pub(crate) explicit_bounds: Vec<Double>,
    pub(crate) flags: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExponentialPoint<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    pub(crate) time_unix_nano: Nanos,
    pub(crate) count: Count,
    pub(crate) sum: Option<Double>,
    pub(crate) scale: Int,
    pub(crate) zero_count: Count,
    #[serde(deserialize_with = "nullable")]
    pub(crate) positive: Buckets,
    #[serde(deserialize_with = "nullable")]
    pub(crate) negative: Buckets,
    pub(crate) flags: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Buckets {
    pub(crate) offset: Int,
    #[serde(deserialize_with = "nullable")]
    pub(crate) bucket_counts: Vec<Count>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SummaryPoint<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
    pub(crate) time_unix_nano: Nanos,
    pub(crate) count: Count,
    pub(crate) sum: Double,
    #[serde(deserialize_with = "nullable")]
    pub(crate) quantile_values: Vec<QuantileValue>,
    pub(crate) flags: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct QuantileValue {
    pub(crate) quantile: Double,
    pub(crate) value: Double,
}

/// `AggregationTemporality`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Temporality {
    /// Senders that do not say count from their start.
    #[default]
    Cumulative,
    Delta,
}

impl From<i32> for Temporality {
    fn from(number: i32) -> Self {
        if number == 1 { Self::Delta } else { Self::Cumulative }
    }
}

impl Scalar<'_> for Temporality {
    const EXPECTING: &'static str = "an aggregation temporality as a number or a name";

    fn of_str(name: &str) -> Option<Self> {
        Some(if name.ends_with("DELTA") { Self::Delta } else { Self::Cumulative })
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(if number == 1 { Self::Delta } else { Self::Cumulative })
    }
    fn of_i64(_: i64) -> Option<Self> {
        Some(Self::Cumulative)
    }
}

readable!(Temporality);
