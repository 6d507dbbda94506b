//! Memory that signals take, as an honest estimate.

use std::sync::Arc;

use quell_sdk::signal::{Attributes, LogRecord, Span};

/// Counts of an `Arc`, and what an allocation costs beside its bytes.
const OVERHEAD: usize = 32;

/// Bytes of a span.
pub fn of_span(span: &Span) -> usize {
    size_of::<Span>() + of_attributes(&span.attributes) + share(&span.operation) + share(&span.message)
}

/// Bytes of a log record.
pub fn of_record(record: &LogRecord) -> usize {
    size_of::<LogRecord>() + of_attributes(&record.attributes) + record.body.len() + OVERHEAD
}

fn of_attributes(attributes: &Attributes) -> usize {
    let texts: usize = attributes.iter().map(|(key, text)| share(key) + share(text)).sum();
    attributes.capacity() * size_of::<(Arc<str>, Arc<str>)>() + texts
}

/// The holder's share of a text that others may hold as well.
fn share(text: &Arc<str>) -> usize {
    (text.len() + OVERHEAD).div_ceil(Arc::strong_count(text).max(1))
}
