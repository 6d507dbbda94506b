use std::{collections::BTreeMap, fmt};

use quell_sdk::signal::{LogRecord, UnixNanos};

/// 2000-01-01: no telemetry is older.
pub(crate) const EARLIEST: UnixNanos = 946_684_800_000_000_000;
/// 2100-01-01: no telemetry is later.
pub(crate) const LATEST: UnixNanos = 4_102_444_800_000_000_000;

/// How much of what a sender says is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes of one span or record, its resource's included.
    pub attributes: usize,
    /// Bytes of an attribute's key or a metric's name.
    pub key_bytes: usize,
    /// Bytes of an attribute's or a label's value, of an operation, of a status message.
    pub value_bytes: usize,
    /// Bytes of a log record's body.
    pub body_bytes: usize,
    /// Labels of one series.
    pub labels: usize,
    /// Bytes of a label's value. Smaller than that of attributes, since the labels of a resource are copied
    /// into every series of it.
    pub label_bytes: usize,
    /// Series that one [`SeriesSet`](crate::SeriesSet) holds.
    pub series: usize,
    /// Bytes of names and labels that it holds.
    pub series_bytes: usize,
    /// Buckets of one histogram point.
    pub buckets: usize,
    /// Log records without a time that are held until their spans are known.
    pub timeless: usize,
    /// JSON objects in one request as text. Small objects grow a lot on decoding, so that a limit of bytes
    /// alone would not bound memory.
    pub json_objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attributes: 128,
            key_bytes: 256,
            value_bytes: 4 * 1024,
            body_bytes: LogRecord::MAX_BODY,
            labels: 64,
            label_bytes: 1024,
            series: 50_000,
            series_bytes: 512 << 20,
            buckets: 256,
            timeless: 10_000,
            json_objects: 1_000_000,
        }
    }
}

/// Why something was left out or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A time before 2000 or after 2100.
    AbsurdTime,
    /// No time: 0, or less, which OTLP's unsigned field cannot hold.
    NoTime,
    /// A log record without a time that was given that of its span: nothing was lost.
    TimeOfSpan,
    /// A span that ends before it starts.
    EndsBeforeStart,
    /// A span without a valid trace or span id.
    MissingId,
    /// A metric without a name.
    MissingName,
    /// NaN or infinity.
    NotFinite,
    /// A point that only says that there is no value.
    NoValue,
    /// A histogram whose parts do not fit together.
    MalformedHistogram,
    /// A histogram with more buckets than the limit.
    TooManyBuckets,
    /// A new series beyond the limit of series.
    TooManySeries,
    /// Two points of one series and one moment: one was kept.
    DuplicatePoint,
    /// Attributes beyond the limit.
    TooManyAttributes,
    /// Labels beyond the limit, or two of one name.
    TooManyLabels,
    /// A text that was cut to its limit.
    Cut,
    /// Older than the window keeps.
    TooOld,
    /// Too far ahead of the clock.
    InFuture,
    /// Dropped, oldest first, to stay within the limit of memory.
    Memory,
    /// Dropped when it reached the age that the window keeps.
    Age,
}

impl Reason {
    /// The word for it in metrics and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AbsurdTime => "absurd_time",
            Self::NoTime => "no_time",
            Self::TimeOfSpan => "time_of_span",
            Self::EndsBeforeStart => "ends_before_start",
            Self::MissingId => "missing_id",
            Self::MissingName => "missing_name",
            Self::NotFinite => "not_finite",
            Self::NoValue => "no_value",
            Self::MalformedHistogram => "malformed_histogram",
            Self::TooManyBuckets => "too_many_buckets",
            Self::TooManySeries => "too_many_series",
            Self::DuplicatePoint => "duplicate_point",
            Self::TooManyAttributes => "too_many_attributes",
            Self::TooManyLabels => "too_many_labels",
            Self::Cut => "cut",
            Self::TooOld => "too_old",
            Self::InFuture => "in_future",
            Self::Memory => "memory",
            Self::Age => "age",
        }
    }

    /// Whether a whole span, record or point was lost, rather than a part of it.
    pub fn loses_item(self) -> bool {
        !matches!(
            self,
            Self::TooManyAttributes
                | Self::TooManyLabels
                | Self::Cut
                | Self::DuplicatePoint
                | Self::TimeOfSpan
        )
    }
}

/// Counts of what was left out or cut, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped(BTreeMap<Reason, u64>);

impl Dropped {
    /// Counts more of a reason.
    pub fn add(&mut self, reason: Reason, count: u64) {
        if count > 0 {
            let sum = self.0.entry(reason).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    pub(crate) fn one(&mut self, reason: Reason) {
        self.add(reason, 1);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (reason, count) in other.iter() {
            self.add(reason, count);
        }
    }

    pub fn get(&self, reason: Reason) -> u64 {
        self.0.get(&reason).copied().unwrap_or(0)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        self.0.iter().map(|(reason, count)| (*reason, *count))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whole spans, records and points that were lost.
    pub fn items(&self) -> u64 {
        self.iter()
            .filter(|(reason, _)| reason.loses_item())
            .fold(0, |sum, (_, count)| sum.saturating_add(count))
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (reason, count)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{count} {}", reason.as_str())?;
        }
        Ok(())
    }
}
