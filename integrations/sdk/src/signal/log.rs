use std::sync::Arc;

use super::{Attributes, SpanId, TraceId, UnixNanos};

/// Severity of a log record, coarser than OTLP's 24 numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Unspecified,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Severity {
    /// From OTLP's `SeverityNumber` (1 to 24; anything else is unspecified).
    pub fn from_otlp(number: i32) -> Self {
        match number {
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warn,
            17..=20 => Self::Error,
            21..=24 => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    /// From the word a logger prints, in any case: `warning`, `ERR`, `crit`, ...
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "info" | "information" | "notice" => Self::Info,
            "warn" | "warning" => Self::Warn,
            "error" | "err" | "severe" => Self::Error,
            "fatal" | "crit" | "critical" | "alert" | "emerg" | "emergency" | "panic" => Self::Fatal,
            _ => Self::Unspecified,
        }
    }

    pub fn is_error(self) -> bool {
        self >= Self::Error
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// One log record. The body is hostile text: anybody who can make the service log can write it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    pub at: UnixNanos,
    pub service: Arc<str>,
    /// Pod or instance; empty when unknown.
    pub pod: Arc<str>,
    pub severity: Severity,
    /// At most [`LogRecord::MAX_BODY`] bytes; sources cut longer ones and say so.
    pub body: Arc<str>,
    pub trace_id: Option<TraceId>,
    pub span_id: Option<SpanId>,
    pub attributes: Attributes,
}

impl LogRecord {
    /// Longest body kept, in bytes. What follows never decided an incident, and a log line of a megabyte
    /// is an attack or a mistake.
    pub const MAX_BODY: usize = 8 * 1024;
}
