//! Signals: the vendor-neutral form of what monitors and telemetry sources deliver.
//!
//! Plain data. Times of alerts and changes are [`jiff::Timestamp`]; telemetry, of which there is a lot,
//! carries Unix nanoseconds as `i64` ([`UnixNanos`]).

mod alert;
mod change;
mod log;
mod series;
mod span;
mod time;
mod topology;

pub use alert::{Alert, AlertStatus, Labels};
pub use change::{Change, ChangeKind};
pub use log::{LogRecord, Severity};
pub use series::{MetricKind, MetricMeta, Point, Series};
pub use span::{Attributes, Span, SpanId, SpanKind, SpanStatus, TraceId};
pub use time::{UnixNanos, Window};
pub use topology::CallEdge;
