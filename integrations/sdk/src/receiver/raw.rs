//! An alert as Alertmanager writes it in JSON; its relatives (Grafana, the details that Alertmanager
//! gives to PagerDuty) write the same.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::limits::{Limiter, MAX_KEY_BYTES, MAX_TEXT_BYTES};
use crate::signal::{Alert, AlertStatus};

/// Names and values as they came; values should be strings, and numbers or lists do no harm.
pub type RawLabels = BTreeMap<String, Value>;

/// One alert as it came. Every field may be absent or null.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawAlert {
    pub status: Option<String>,
    pub labels: Option<RawLabels>,
    pub annotations: Option<RawLabels>,
    pub starts_at: Option<String>,
    pub ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    pub generator_url: Option<String>,
    pub fingerprint: Option<String>,
}

/// What an alert takes over from the delivery around it.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub source: &'a str,
    pub group_key: Option<&'a str>,
    /// For an alert that has no status of its own.
    pub status: AlertStatus,
    /// For an alert that has no start of its own.
    pub at: Timestamp,
}

impl RawAlert {
    /// The alert within the limits, and whether it came with a start of its own.
    pub fn into_alert(self, around: Around<'_>, limiter: &mut Limiter) -> (Alert, bool) {
        let status = self.status.as_deref().and_then(status).unwrap_or(around.status);
        let starts_at = limiter.time(self.starts_at.as_deref());
        let ends_at = match status {
            AlertStatus::Firing => None,
            AlertStatus::Resolved => limiter.time(self.ends_at.as_deref()),
        };
        let generator_url = self.generator_url.filter(|url| !url.is_empty());
        let alert = Alert {
            source: around.source.to_owned(),
            status,
            labels: limiter.labels(plain(self.labels)),
            annotations: limiter.annotations(plain(self.annotations)),
            starts_at: starts_at.unwrap_or(around.at),
            ends_at,
            generator_url: generator_url.map(|url| limiter.text(url, MAX_TEXT_BYTES)),
            fingerprint: limiter.text(self.fingerprint.unwrap_or_default(), MAX_KEY_BYTES),
            group_key: around.group_key.map(str::to_owned),
        };
        (alert, starts_at.is_some())
    }
}

/// The status of that name; `None` for words that nobody agreed on.
pub fn status(word: &str) -> Option<AlertStatus> {
    match word.trim().to_ascii_lowercase().as_str() {
        "firing" | "alerting" => Some(AlertStatus::Firing),
        "resolved" | "ok" | "normal" => Some(AlertStatus::Resolved),
        _ => None,
    }
}

/// A value as text: strings as they are, other things as JSON, null as nothing.
pub fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn plain(given: Option<RawLabels>) -> impl Iterator<Item = (String, String)> {
    given.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, text_of(value)?)))
}
