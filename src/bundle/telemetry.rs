//! The OTLP/JSON files.

use std::collections::{BTreeMap, HashMap, HashSet};

use quell_otlp::{Decoder, Dropped, Limits, Reason, SeriesSet, series::Finished, size};
use quell_sdk::signal::{LogRecord, MetricMeta, Series, Span};

use super::{
    error::Result,
    loaded::Skipped,
    read::{Reading, Source, each_line},
};

pub(super) fn spans(source: Source, reading: Reading) -> Result<(Vec<Span>, Skipped)> {
    let mut kept = Kept::new(reading, size::of_span);
    let skipped = decode(source, reading, |decoder, line| {
        decoder.traces_json(line, &mut kept.items).map_err(|error| error.to_string())?;
        kept.measure()
    })?;
    let mut spans = kept.items;
    spans.sort_by_key(|span| (span.start, span.trace_id, span.span_id));
    Ok((spans, skipped))
}

/// Log records, and those that wait for the time of their span.
pub(super) type Logs = (Vec<LogRecord>, Vec<LogRecord>);

pub(super) fn logs(source: Source, reading: Reading) -> Result<(Logs, Skipped)> {
    let (mut kept, mut timeless) = (Kept::new(reading, size::of_record), Vec::new());
    let skipped = decode(source, reading, |decoder, line| {
        decoder.logs_json(line, &mut kept.items).map_err(|error| error.to_string())?;
        timeless.append(&mut decoder.take_timeless());
        kept.measure()
    })?;
    let mut records = kept.items;
    records.sort_by_key(|record| record.at);
    Ok(((records, timeless), skipped))
}

/// Gives records without a time the end of their span, near which errors are logged.
pub(super) fn place(timeless: Vec<LogRecord>, spans: &[Span], records: &mut Vec<LogRecord>) -> Dropped {
    let mut counts = Dropped::default();
    if timeless.is_empty() {
        return counts;
    }
    let wanted: HashSet<_> = timeless.iter().map(|record| record.span_id).collect();
    let ends: HashMap<_, _> = spans
        .iter()
        .filter(|span| wanted.contains(&Some(span.span_id)))
        .map(|span| ((span.trace_id, span.span_id), span.end))
        .collect();
    for mut record in timeless {
        let span = record.trace_id.zip(record.span_id);
        if let Some(end) = span.and_then(|span| ends.get(&span)) {
            record.at = *end;
            records.push(record);
            counts.add(Reason::TimeOfSpan, 1);
        } else {
            counts.add(Reason::NoTime, 1);
        }
    }
    counts
}

pub(super) type Metrics = (Vec<Series>, BTreeMap<String, MetricMeta>);

pub(super) fn metrics(source: Source, reading: Reading) -> Result<(Metrics, Skipped)> {
    let mut set = SeriesSet::default();
    let mut skipped = decode(source, reading, |decoder, line| {
        decoder.metrics_json(line, &mut set).map_err(|error| error.to_string())
    })?;
    let Finished { mut series, meta, repeats } = set.finish();
    skipped.dropped.add(Reason::DuplicatePoint, repeats);
    series.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.labels.cmp(&other.labels)));
    Ok(((series, meta), skipped))
}

/// Items of one file, with the memory that they take: a short line can unfold to a lot.
struct Kept<T> {
    items: Vec<T>,
    measured: usize,
    bytes: usize,
    limit: usize,
    bytes_of: fn(&T) -> usize,
}

impl<T> Kept<T> {
    fn new(reading: Reading, bytes_of: fn(&T) -> usize) -> Self {
        Self { items: Vec::new(), measured: 0, bytes: 0, limit: reading.signal_bytes, bytes_of }
    }

    /// Counts what came since the last time, and gives it up if it is too much.
    fn measure(&mut self) -> Result<(), String> {
        let bytes: usize = self.items.iter().skip(self.measured).map(self.bytes_of).sum();
        if self.bytes + bytes > self.limit {
            self.items.truncate(self.measured);
            return Err(format!("takes more than {} bytes of memory with the lines before it", self.limit));
        }
        self.bytes += bytes;
        self.measured = self.items.len();
        Ok(())
    }
}

/// Decodes line by line. An absurd time makes a line a bad one, as it says that the file is not what it
/// seems; leniently the record alone is left out. Other losses are counted.
fn decode(
    source: Source,
    reading: Reading,
    mut line: impl FnMut(&mut Decoder, &[u8]) -> Result<(), String>,
) -> Result<Skipped> {
    let mut decoder = Decoder::new(Limits::default());
    let mut skipped = each_line(source, reading, |text| {
        let absurd = decoder.dropped().get(Reason::AbsurdTime);
        line(&mut decoder, text)?;
        match decoder.dropped().get(Reason::AbsurdTime) - absurd {
            0 => Ok(()),
            _ if reading.lenient => Ok(()),
            count => Err(format!("holds {count} times before 2000 or after 2100")),
        }
    })?;
    skipped.dropped = decoder.take_dropped();
    Ok(skipped)
}
