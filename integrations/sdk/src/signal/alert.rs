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

    /// The end of a whole group, from a sender that resolves a group without naming its alerts.
    pub fn group_end(source: impl Into<String>, group_key: impl Into<String>, at: Timestamp) -> Self {
        Self {
            source: source.into(),
            status: AlertStatus::Resolved,
            labels: Labels::new(),
            annotations: Labels::new(),
            starts_at: at,
            ends_at: Some(at),
            generator_url: None,
            fingerprint: String::new(),
            group_key: Some(group_key.into()),
        }
    }

    /// Whether this resolves all alerts of its group instead of one: see [`Alert::group_end`].
    pub fn ends_group(&self) -> bool {
        !self.is_firing() && self.labels.is_empty() && self.fingerprint.is_empty() && self.group_key.is_some()
    }

    /// The firing rule's own PromQL, where the link to the rule carries it (`g0.expr`).
    pub fn expr(&self) -> Option<String> {
        let (_, query) = self.generator_url.as_deref()?.split_once('?')?;
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "g0.expr")
            .map(|(_, expr)| expr.trim().to_owned())
            .filter(|expr| !expr.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::prometheus(
        "http://vm:9090/graph?g0.expr=rate%28x%7Bjob%3D%22api%22%7D%5B5m%5D%29+%3E+0.05&g0.tab=1",
        Some(r#"rate(x{job="api"}[5m]) > 0.05"#)
    )]
    #[case::relative("/graph?g0.tab=1&g0.expr=up+%3D%3D+0#top", Some("up == 0"))]
    #[case::grafana("?orgId=1", None)]
    #[case::blank("http://p/graph?g0.expr=+", None)]
    #[case::broken_escapes("http://p/graph?g0.expr=%zz%f", Some("%zz%f"))]
    #[case::no_query("http://p/graph", None)]
    fn the_rules_own_expression(#[case] link: &str, #[case] expr: Option<&str>) {
        let mut alert = Alert::group_end("am", "g", Timestamp::UNIX_EPOCH);
        alert.generator_url = Some(link.to_owned());
        assert_eq!(alert.expr().as_deref(), expr);
    }
}
