//! How a metric of each kind is read, written as PromQL.
//!
//! One plan for all: what is held in memory is read as a Prometheus server is asked, so a person gets
//! the same numbers from either.

use std::time::Duration;

use crate::signal::{Labels, MetricKind, MetricMeta};

/// The quantile that histograms are read at, and its value as a label.
pub const QUANTILE: (f64, &str) = (0.95, "0.95");

/// One expression that reads a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// PromQL, ready to run.
    pub expr: String,
    /// Name for the series that it gives: the metric's, or `NAME_count` for the rate of a histogram.
    pub name: String,
    /// Value of the `quantile` label to add to the series; only for quantiles of a histogram.
    pub quantile: Option<&'static str>,
    /// Unit of the values: a rate has `/s` after the metric's own unit.
    pub unit: String,
}

/// The expressions that read a metric: a gauge as it is, a counter as its rate, a histogram as its 95th
/// percentile and the rate of its count, a summary as it is and the rate of its count.
///
/// `matchers` stand inside the braces, without them (`service="shop"`, see [`matchers`]), and may be
/// empty. `window` is the range of rates. `by` are the labels, other than `le`, that the buckets of a
/// histogram keep: name all that tell its series apart.
pub fn plan(meta: &MetricMeta, matchers: &str, window: Duration, by: &[String]) -> Vec<Reading> {
    let name = meta.name.as_str();
    let count = || Reading {
        expr: rate(&format!("{name}_count"), matchers, window),
        name: format!("{name}_count"),
        quantile: None,
        unit: "1/s".to_owned(),
    };
    match read_as(meta.kind, name) {
        ReadAs::Level => vec![level(meta, matchers)],
        ReadAs::Rate => vec![Reading {
            expr: rate(name, matchers, window),
            name: name.to_owned(),
            quantile: None,
            unit: per_second(&meta.unit),
        }],
        ReadAs::Histogram => {
            let level = Reading {
                expr: quantile(name, matchers, window, by.iter().map(String::as_str)),
                name: name.to_owned(),
                quantile: Some(QUANTILE.1),
                unit: meta.unit.clone(),
            };
            vec![level, count()]
        }
        ReadAs::Summary => vec![level(meta, matchers), count()],
    }
}

fn level(meta: &MetricMeta, matchers: &str) -> Reading {
    Reading {
        expr: selector(&meta.name, matchers),
        name: meta.name.clone(),
        quantile: None,
        unit: meta.unit.clone(),
    }
}

/// How the samples of a metric become something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadAs {
    Level,
    Rate,
    Histogram,
    Summary,
}

/// By its kind; a metric of unknown kind by its name, where only `_total` is telling.
pub(crate) fn read_as(kind: MetricKind, name: &str) -> ReadAs {
    match kind {
        MetricKind::Gauge => ReadAs::Level,
        MetricKind::Counter => ReadAs::Rate,
        MetricKind::Histogram => ReadAs::Histogram,
        MetricKind::Summary => ReadAs::Summary,
        MetricKind::Unknown if name.ends_with("_total") => ReadAs::Rate,
        MetricKind::Unknown => ReadAs::Level,
    }
}

/// `NAME{matchers}`, without braces when there is nothing in them.
pub fn selector(name: &str, matchers: &str) -> String {
    if matchers.is_empty() { name.to_owned() } else { format!("{name}{{{matchers}}}") }
}

/// `rate(NAME{matchers}[window])`.
pub fn rate(name: &str, matchers: &str, window: Duration) -> String {
    format!("rate({}[{}])", selector(name, matchers), duration(window))
}

/// The 95th percentile of the histogram of that name, whose buckets keep the labels `by` and `le`.
pub fn quantile<'a>(
    name: &str,
    matchers: &str,
    window: Duration,
    by: impl Iterator<Item = &'a str>,
) -> String {
    let mut kept = vec!["le"];
    kept.extend(by.filter(|label| *label != "le"));
    let buckets = rate(&format!("{name}_bucket"), matchers, window);
    format!("histogram_quantile({}, sum by ({}) ({buckets}))", QUANTILE.1, kept.join(", "))
}

/// Matchers that select exactly these labels: `a="x",b="y"`.
pub fn matchers(labels: &Labels) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        text.push_str(if text.is_empty() { "" } else { "," });
        text.push_str(name);
        text.push('=');
        quote(value, &mut text);
    }
    text
}

/// A matcher for any of these values: `label="x"` or `label=~"x|y"`; nothing for none of them.
pub fn any_of(label: &str, values: &[String]) -> String {
    match values {
        [] => String::new(),
        [one] => format!("{label}={}", quoted(one)),
        many => {
            let pattern: Vec<_> = many.iter().map(|value| regex::escape(value)).collect();
            format!("{label}=~{}", quoted(&pattern.join("|")))
        }
    }
}

/// A string literal as PromQL, LogQL and TraceQL read it.
pub fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    quote(text, &mut literal);
    literal
}

fn quote(text: &str, literal: &mut String) {
    let is_plain = |byte: u8| !matches!(byte, b'\\' | b'"' | b'\n' | b'\r' | b'\t');
    literal.push('"');
    if text.bytes().all(is_plain) {
        literal.push_str(text);
    } else {
        literal.push_str(&promql_parser::util::escape_string(text));
    }
    literal.push('"');
}

/// A duration as PromQL prints it: `90s` is `1m30s`. What is below a millisecond is lost.
pub fn duration(length: Duration) -> String {
    promql_parser::util::display_duration(&length)
}

/// The unit of a rate of something in this unit.
pub fn per_second(unit: &str) -> String {
    if unit.is_empty() { "1/s".to_owned() } else { format!("{unit}/s") }
}
