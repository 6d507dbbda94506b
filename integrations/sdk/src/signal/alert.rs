use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Labels of an alert or a series, ordered by name so that equal sets print and hash alike.
pub type Labels = BTreeMap<String, String>;

/// Whether a monitor says that its condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    Firing,
    Resolved,
}

/// One notification from a monitor, in Alertmanager's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Which receiver took it: `alertmanager`, `pagerduty`, `events-v2`, `grpc`, `bundle`, ...
    pub source: String,
    pub status: AlertStatus,
    #[serde(default)]
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Labels,
    pub starts_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Link to the rule at its monitor; may carry the rule's PromQL as `g0.expr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator_url: Option<String>,
    /// Identity over re-sends as the sender gives it. Empty: derived from the labels by the intake.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fingerprint: String,
    /// Key under which the sender groups alerts: Alertmanager's `groupKey`, PagerDuty's `incident_key`
    /// or `dedup_key`. Two receivers that name the same group are talking of one incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_key: Option<String>,
}

impl Alert {
    /// The alert's name: label `alertname`, or an empty string.
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    pub fn is_firing(&self) -> bool {
        self.status == AlertStatus::Firing
    }
}
