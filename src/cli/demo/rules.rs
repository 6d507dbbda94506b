//! The demo's monitor: evaluates the shop's alert rules, the same files that a Prometheus would load.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use quell_sdk::{MetricsSource, signal::Window};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::exit::{Failure, Result};

#[derive(Debug, Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// An alert rule in Prometheus' form.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Rule {
    alert: String,
    expr: String,
    #[serde(default, rename = "for", with = "humantime_serde")]
    hold: Duration,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// A monitor with its rules and what it knows of each.
pub(super) struct Monitor {
    rules: Vec<(Rule, Option<Timestamp>)>,
    metrics: Arc<dyn MetricsSource>,
}

/// An alert that fires now.
#[derive(Clone, Debug)]
pub(super) struct Firing {
    pub name: String,
    pub summary: String,
    /// The body of the webhook.
    pub webhook: Value,
}

impl Monitor {
    /// A monitor of these rule files over a source of metrics.
    pub(super) fn new(files: &[&str], metrics: Arc<dyn MetricsSource>) -> Result<Self> {
        let mut rules = Vec::new();
        for text in files {
            let file: File = serde_saphyr::from_str(text)
                .map_err(|error| Failure::usage(format!("the demo's alert rules: {error}")))?;
            rules.extend(file.groups.into_iter().flat_map(|group| group.rules).map(|rule| (rule, None)));
        }
        Ok(Self { rules, metrics })
    }

    /// Evaluates all rules at a moment and returns the first that has held for its time.
    pub(super) async fn evaluate(&mut self, now: Timestamp) -> Result<Option<Firing>> {
        let second = Duration::from_secs(1);
        for (rule, since) in &mut self.rules {
            let answer = self.metrics.query_range(&rule.expr, Window::ending_at(now, second), second).await?;
            let value =
                answer.data.iter().filter_map(|series| series.points.last()).map(|point| point.value).next();
            let Some(value) = value else {
                *since = None;
                continue;
            };
            let start = *since.get_or_insert(now);
            let held = Duration::try_from(now.duration_since(start)).unwrap_or_default();
            if held >= rule.hold {
                return Ok(Some(firing(rule, start, value)));
            }
        }
        Ok(None)
    }
}

/// The webhook that Alertmanager would send.
fn firing(rule: &Rule, start: Timestamp, value: f64) -> Firing {
    let mut labels = rule.labels.clone();
    labels.insert("alertname".to_owned(), rule.alert.clone());
    let annotations: BTreeMap<&String, String> =
        rule.annotations.iter().map(|(name, text)| (name, expand(text, value))).collect();
    let summary = rule.annotations.get("summary").map(|text| expand(text, value)).unwrap_or_default();
    let mut link = url::form_urlencoded::Serializer::new("http://demo.invalid/graph?".to_owned());
    link.append_pair("g0.expr", &rule.expr);
    let group = format!("{{}}:{{alertname=\"{}\"}}", rule.alert);
    let webhook = json!({
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "quell",
        "groupLabels": { "alertname": rule.alert },
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://demo.invalid",
        "alerts": [{
            "status": "firing",
            "labels": labels,
            "annotations": annotations,
            "startsAt": start.to_string(),
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": link.finish(),
            "fingerprint": "",
        }],
    });
    Firing { name: rule.alert.clone(), summary, webhook }
}

/// The two templates that the shop's rules use.
fn expand(text: &str, value: f64) -> String {
    text.replace("{{ $value | humanizePercentage }}", &format!("{:.1}%", value * 100.0)).replace(
        "{{ $value | humanizeDuration }}",
        &if value < 1.0 { format!("{:.0}ms", value * 1e3) } else { format!("{value:.2}s") },
    )
}
