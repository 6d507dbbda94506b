use std::time::Duration;

use serde::Deserialize;

/// Rules by which alerts become incidents, and the bounds of what is kept in memory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// An alert of a service joins that service's open incident if the incident's last alert is no older.
    #[serde(with = "humantime_serde")]
    pub correlation_window: Duration,
    /// For so long after a resolve, a second receiver that gives no start times is taken to be late
    /// when it says "firing": no new incident.
    #[serde(with = "humantime_serde")]
    pub settle_window: Duration,
    /// How long a resolved incident's alerts are known, so that late deliveries of them open nothing.
    #[serde(with = "humantime_serde")]
    pub remember_resolved: Duration,
    /// How long changes are kept for investigations that begin after them, from when they came in.
    #[serde(with = "humantime_serde")]
    pub keep_changes: Duration,
    /// Wall time that an investigation may take until there must be an answer.
    #[serde(with = "humantime_serde")]
    pub investigation_budget: Duration,
    /// Labels that name a service, the first that is there counts.
    pub service_labels: Vec<String>,
    /// Labels that name the installation a service runs in: services of the same name in two of them
    /// are two services.
    pub scope_labels: Vec<String>,
    /// One more alert opens a further incident.
    pub max_alerts_per_incident: usize,
    /// Bytes of alerts kept in memory; beyond them the incidents that were quiet for longest are forgotten
    /// here (never in the journal).
    pub max_state_bytes: usize,
    /// Bytes of deliveries that may wait; one more gives [`super::Error::Overloaded`].
    pub max_queue_bytes: usize,
    /// Changes kept, at most.
    pub max_changes: usize,
}

impl Default for Config {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            correlation_window: Duration::from_secs(600),
            settle_window: Duration::from_secs(120),
            remember_resolved: Duration::from_secs(3_600),
            keep_changes: Duration::from_secs(24 * 3_600),
            investigation_budget: Duration::from_secs(60),
            service_labels: words(&[
                "service",
                "service_name",
                "app",
                "app_kubernetes_io_name",
                "deployment",
                "statefulset",
                "job",
            ]),
            scope_labels: words(&["cluster", "environment", "env"]),
            max_alerts_per_incident: 5_000,
            max_state_bytes: 64 << 20,
            max_queue_bytes: 32 << 20,
            max_changes: 10_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let config: Config = serde_json::from_str(r#"{"correlation_window": "5m"}"#).unwrap();
        assert_eq!(config, Config { correlation_window: Duration::from_secs(300), ..Config::default() });
        assert!(serde_json::from_str::<Config>(r#"{"window": "5m"}"#).is_err());
    }
}
