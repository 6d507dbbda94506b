//! Reads what the API answers. Everything is bounded; nothing here trusts the other side.

use std::{collections::BTreeMap, fmt};

use quell_sdk::{
    Error, ErrorKind, Result,
    http::status_error,
    signal::{Labels, Point, UnixNanos, Window},
};
use reqwest::{StatusCode, header::HeaderMap};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor},
};

/// Most elements kept of one list in an answer; what is beyond is counted.
const MAX_LIST: usize = 100_000;
/// Most labels of a series, and most bytes of one label's value, before the series is left out.
const MAX_LABELS: usize = 128;
const MAX_LABEL_BYTES: usize = 4096;
/// Most warnings quoted, and characters of each.
const MAX_WARNINGS: usize = 3;
const MAX_WARNING: usize = 200;

#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    // `Option` fields may be missing altogether.
    data: Option<T>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: List<String>,
    #[serde(default)]
    infos: List<String>,
}

/// Data with what the server said beside it.
#[derive(Debug)]
pub(crate) struct Said<T> {
    pub(crate) data: T,
    /// The data may lack something: a store did not answer, a limit was hit.
    pub(crate) warnings: Vec<String>,
}

/// Reads an answer of any status.
pub(crate) fn answer<T: DeserializeOwned>(
    origin: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Said<T>> {
    if !status.is_success() {
        return Err(refusal(origin, status, headers, body));
    }
    let envelope: Envelope<T> =
        serde_json::from_slice(body).map_err(|cause| not_json(origin, body, cause))?;
    match (envelope.status.as_str(), envelope.data) {
        ("success", Some(data)) => {
            if !envelope.infos.items.is_empty() {
                tracing::debug!(infos = ?shorten(envelope.infos), "prometheus hints at the query");
            }
            Ok(Said { data, warnings: shorten(envelope.warnings) })
        }
        ("error", _) => {
            let said = explain(envelope.error_type.as_deref(), envelope.error.as_deref());
            let kind = kind_of(envelope.error_type.as_deref()).unwrap_or(ErrorKind::BadAnswer);
            Err(Error::new(kind, origin, said))
        }
        _ => Err(Error::new(ErrorKind::BadAnswer, origin, "answer holds no data; is this a Prometheus API")),
    }
}

fn refusal(origin: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let said =
        serde_json::from_slice::<Envelope<IgnoredAny>>(body).ok().filter(|said| said.status == "error");
    let Some(said) = said else {
        if status.is_redirection() {
            return status_error(origin, status, headers, "redirects elsewhere, perhaps to a login page");
        }
        // Proxies answer plain text or HTML; markup helps nobody.
        let text = String::from_utf8_lossy(body.get(..body.len().min(2048)).unwrap_or_default());
        let text = if text.trim_start().starts_with('<') { "an HTML page" } else { text.as_ref() };
        return status_error(origin, status, headers, text);
    };
    let text = explain(said.error_type.as_deref(), said.error.as_deref());
    let mut error = status_error(origin, status, headers, &text);
    // 503 is both "overloaded" and "your query took too long": only the type tells.
    if let Some(kind) = kind_of(said.error_type.as_deref()) {
        error.kind = kind;
    }
    error
}

fn kind_of(error_type: Option<&str>) -> Option<ErrorKind> {
    Some(match error_type? {
        "bad_data" | "execution" => ErrorKind::BadRequest,
        "timeout" | "canceled" => ErrorKind::Timeout,
        "unavailable" => ErrorKind::Overloaded,
        "internal" => ErrorKind::Unavailable,
        "not_found" => ErrorKind::NotFound,
        _ => return None,
    })
}

fn explain(error_type: Option<&str>, error: Option<&str>) -> String {
    format!("{}: {}", error_type.unwrap_or("error"), error.unwrap_or("without a reason"))
}

fn not_json(origin: &str, body: &[u8], cause: serde_json::Error) -> Error {
    let message = if body.trim_ascii_start().starts_with(b"<") {
        "answered an HTML page where JSON was expected; is the url that of a Prometheus, or of a login page"
            .to_owned()
    } else if cause.is_eof() {
        format!("answer is cut short after {} bytes", body.len())
    } else {
        format!("answer is not what the API promises: {cause}")
    };
    Error::new(ErrorKind::BadAnswer, origin, message).because(cause)
}

fn shorten(list: List<String>) -> Vec<String> {
    let mut warnings: Vec<String> = list
        .items
        .into_iter()
        .take(MAX_WARNINGS)
        .map(|text| text.chars().filter(|letter| !letter.is_control()).take(MAX_WARNING).collect())
        .collect();
    warnings.sort_unstable();
    warnings.dedup();
    warnings
}

/// A list of which at most [`MAX_LIST`] elements are kept.
#[derive(Clone, Debug)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Elements that were not kept.
    pub(crate) more: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), more: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = List<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut list = List::default();
                while list.items.len() < MAX_LIST {
                    match seq.next_element()? {
                        Some(item) => list.items.push(item),
                        None => return Ok(list),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    list.more += 1;
                }
                Ok(list)
            }
            // Go writes an empty list as null.
            fn visit_unit<E>(self) -> Result<List<T>, E> {
                Ok(List::default())
            }
        }
        deserializer.deserialize_any(Elements(std::marker::PhantomData))
    }
}

/// `data` of a range or instant query.
#[derive(Deserialize)]
pub(crate) struct QueryData {
    #[serde(default)]
    result: List<RawSeries>,
}

#[derive(Deserialize)]
struct RawSeries {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: List<Sample>,
    value: Option<Sample>,
    #[serde(default)]
    histograms: List<IgnoredAny>,
}

/// `[unix seconds, "value"]`.
#[derive(Clone, Copy, Deserialize)]
struct Sample(f64, #[serde(deserialize_with = "number")] f64);

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = f64;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a number in quotes")
        }
        // Go's `NaN`, `+Inf` and `-Inf` are Rust's too.
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
            text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Other("other text"), &self))
        }
    }
    deserializer.deserialize_str(Text)
}

/// What a query gave.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    /// Series with their labels, `__name__` included, in order of labels.
    pub(crate) series: Vec<(Labels, Vec<Point>)>,
    /// Samples that were NaN or infinite.
    pub(crate) not_finite: usize,
    /// Series that were left out, being too many or absurdly labelled.
    pub(crate) left_out: usize,
    /// Series that hold native histograms, which have no single value.
    pub(crate) histograms: usize,
}

impl QueryData {
    /// The samples within a window, or all of them, as finite points in ascending order.
    pub(crate) fn matrix(self, window: Option<Window>) -> Matrix {
        let mut matrix = Matrix { left_out: self.result.more, ..Matrix::default() };
        for raw in self.result.items {
            let bomb = raw.metric.len() > MAX_LABELS
                || raw.metric.iter().any(|(key, value)| key.len() + value.len() > MAX_LABEL_BYTES);
            if bomb {
                matrix.left_out += 1;
                continue;
            }
            if !raw.histograms.items.is_empty() {
                matrix.histograms += 1;
            }
            let mut points = Vec::with_capacity(raw.values.items.len());
            for Sample(seconds, value) in raw.values.items.into_iter().chain(raw.value) {
                let at = nanos(seconds);
                if window.is_some_and(|window| !window.contains(at)) {
                    continue;
                }
                if value.is_finite() {
                    points.push(Point { at, value });
                } else {
                    matrix.not_finite += 1;
                }
            }
            points.sort_by_key(|point| point.at);
            points.dedup_by_key(|point| point.at);
            if !points.is_empty() {
                matrix.series.push((raw.metric, points));
            }
        }
        matrix.series.sort_by(|one, other| one.0.cmp(&other.0));
        matrix
    }
}

/// Prometheus keeps milliseconds; a float of seconds must be rounded to them to be exact.
fn nanos(seconds: f64) -> UnixNanos {
    ((seconds * 1000.0).round() as i64).saturating_mul(1_000_000)
}

#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) unit: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Targets {
    #[serde(rename = "activeTargets", default)]
    pub(crate) active: List<Target>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    #[serde(default)]
    pub(crate) labels: Labels,
    #[serde(default)]
    pub(crate) health: String,
    #[serde(default)]
    pub(crate) last_error: String,
    #[serde(default)]
    pub(crate) scrape_interval: String,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Rules {
    #[serde(default)]
    pub(crate) groups: List<Group>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    #[serde(default)]
    pub(crate) rules: List<Rule>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) query: String,
    #[serde(default)]
    pub(crate) labels: Labels,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct BuildInfo {
    #[serde(default)]
    pub(crate) version: String,
    /// Mimir and Thanos name themselves here; Prometheus says nothing.
    #[serde(default)]
    pub(crate) application: String,
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
