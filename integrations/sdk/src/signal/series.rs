use super::{Labels, UnixNanos};

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: UnixNanos,
    pub value: f64,
}

/// How a metric's samples are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// A level: read it as it is.
    Gauge,
    /// A monotonic count with resets: read its rate.
    Counter,
    /// A cumulative histogram, stored as Prometheus does: `NAME_bucket{le}`, `NAME_sum`, `NAME_count`.
    Histogram,
    /// Quantiles computed by the service, with `NAME_sum` and `NAME_count`.
    Summary,
    /// The source does not say.
    Unknown,
}

/// What a source says of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricMeta {
    pub name: String,
    pub kind: MetricKind,
    /// Unit as the source gives it (UCUM in OTLP: `s`, `By`, `1`, `%`); may be empty.
    pub unit: String,
}

/// One time series: samples in ascending order of time, without duplicates of a moment.
///
/// Values are finite: sources drop NaN and infinities and count them in the answer's completeness.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Metric name.
    pub name: String,
    /// Labels without `__name__`. The service is under `service`, the pod under `pod`, the node under
    /// `node`, whatever the source calls them.
    pub labels: Labels,
    pub kind: MetricKind,
    pub unit: String,
    pub points: Vec<Point>,
    /// What to run at the source to see these samples.
    pub query: String,
}

impl Series {
    /// The service it belongs to, or an empty string.
    pub fn service(&self) -> &str {
        self.labels.get("service").map_or("", String::as_str)
    }
}
