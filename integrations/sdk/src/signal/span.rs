use std::{fmt, sync::Arc};

use super::UnixNanos;

/// Attributes as ordered pairs. Values are kept as text: numbers and booleans print as OTLP JSON would.
pub type Attributes = Vec<(Arc<str>, Arc<str>)>;

/// W3C trace id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub [u8; 16]);

/// W3C span id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub [u8; 8]);

macro_rules! hex_id {
    ($type:ident, $bytes:literal) => {
        impl $type {
            /// From hex digits; shorter ids are padded on the left, as some backends drop leading zeros.
            /// `None` for anything else and for the all-zero id, which is invalid.
            pub fn parse(text: &str) -> Option<Self> {
                if text.is_empty() || text.len() > $bytes * 2 {
                    return None;
                }
                let value = u128::from_str_radix(text, 16).ok().filter(|value| *value != 0)?;
                let wide = value.to_be_bytes();
                let mut bytes = [0; $bytes];
                bytes.copy_from_slice(wide.get(16 - $bytes..)?);
                Some(Self(bytes))
            }

            /// From raw bytes; `None` when the length is wrong or all are zero.
            pub fn from_bytes(raw: &[u8]) -> Option<Self> {
                let bytes: [u8; $bytes] = raw.try_into().ok()?;
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }
    };
}

hex_id!(TraceId, 16);
hex_id!(SpanId, 8);

/// Role of a span in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanKind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// Outcome of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanStatus {
    Unset,
    Ok,
    Error,
}

/// One span. `end >= start`; sources drop spans that end before they start, and count them.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub parent: Option<SpanId>,
    pub service: Arc<str>,
    /// Pod or instance; empty when unknown.
    pub pod: Arc<str>,
    pub operation: Arc<str>,
    pub kind: SpanKind,
    pub start: UnixNanos,
    pub end: UnixNanos,
    pub status: SpanStatus,
    /// Status message; empty when there is none. Hostile text.
    pub message: Arc<str>,
    /// Span attributes, then resource attributes other than service and pod.
    pub attributes: Attributes,
}

impl Span {
    /// Seconds between start and end.
    pub fn seconds(&self) -> f64 {
        self.end.saturating_sub(self.start).max(0) as f64 / 1e9
    }

    /// The first attribute of that key.
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| &**name == key).map(|(_, value)| &**value)
    }
}
