//! Which alerts belong together, beyond those that their sender groups: those of one service, close in
//! time.

use std::collections::HashMap;

use super::{config::Config, state::Slot};
use crate::domain::Labels;

/// Installations of one service name looked at for a match.
const MAX_SCOPES: usize = 16;

/// What an alert is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    /// The service; empty when the labels name none.
    pub(super) service: String,
    /// Under which alerts correlate: the service, or else the namespace. Empty: with none.
    pub(super) topic: String,
    /// The installation that it runs in; may be empty.
    pub(super) scope: String,
}

impl Subject {
    pub(super) fn of(labels: &Labels, config: &Config) -> Self {
        let first = |names: &[String]| {
            names.iter().filter_map(|name| labels.get(name)).find(|value| is_subject(value)).cloned()
        };
        let service = first(&config.service_labels).unwrap_or_default();
        let topic = if service.is_empty() {
            labels.get("namespace").map(|namespace| format!("namespace/{namespace}")).unwrap_or_default()
        } else {
            service.clone()
        };
        let scope = first(&config.scope_labels).unwrap_or_default();
        Self { service, topic, scope }
    }
}

/// Exporters tell of others: in `job="kube-state-metrics"` the job is not what is broken, and half of a
/// cluster's alerts carry it.
fn is_subject(value: &str) -> bool {
    let monitor = ["exporter", "kube-state-metrics", "cadvisor", "kubelet", "blackbox", "pushgateway"];
    !value.trim().is_empty() && !monitor.iter().any(|name| value.contains(name))
}

/// Open incidents by what they are about.
#[derive(Debug, Default)]
pub(super) struct Topics {
    incidents: HashMap<String, Vec<(String, Slot)>>,
}

impl Topics {
    /// Adds a subject of an incident, which it must not have yet.
    pub(super) fn insert(&mut self, subject: &Subject, slot: Slot) {
        if !subject.topic.is_empty() {
            let entries = self.incidents.entry(subject.topic.clone()).or_default();
            entries.push((subject.scope.clone(), slot));
        }
    }

    pub(super) fn remove(&mut self, topic: &str, slot: Slot) {
        if let Some(entries) = self.incidents.get_mut(topic) {
            entries.retain(|(_, known)| *known != slot);
            if entries.is_empty() {
                self.incidents.remove(topic);
            }
        }
    }

    /// Incidents about the same thing, newest first. An installation that is not named fits all.
    pub(super) fn matching<'a>(&'a self, subject: &'a Subject) -> impl Iterator<Item = Slot> + 'a {
        let fits = |scope: &str| scope == subject.scope || scope.is_empty() || subject.scope.is_empty();
        let entries = self.incidents.get(&subject.topic).map(Vec::as_slice).unwrap_or_default();
        entries.iter().rev().take(MAX_SCOPES).filter(move |(scope, _)| fits(scope)).map(|(_, slot)| *slot)
    }

    /// Incidents about a service in whatever installation.
    pub(super) fn of_service(&self, service: &str) -> Vec<Slot> {
        let entries = self.incidents.get(service).map(Vec::as_slice).unwrap_or_default();
        let mut slots: Vec<Slot> = entries.iter().map(|(_, slot)| *slot).collect();
        slots.dedup();
        slots
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn subject(pairs: &[(&str, &str)]) -> Subject {
        let labels = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Subject::of(&labels, &Config::default())
    }

    #[rstest]
    #[case(&[("service", "checkout"), ("job", "api")], "checkout", "checkout")]
    #[case(&[("app", "cart"), ("namespace", "shop")], "cart", "cart")]
    #[case(&[("job", "api")], "api", "api")]
    #[case(&[("job", "kube-state-metrics"), ("namespace", "shop")], "", "namespace/shop")]
    #[case(&[("service", "node-exporter"), ("job", "node-exporter")], "", "")]
    #[case(&[("service", " "), ("alertname", "A")], "", "")]
    fn what_an_alert_is_about(#[case] labels: &[(&str, &str)], #[case] service: &str, #[case] topic: &str) {
        let subject = subject(labels);
        assert_eq!((subject.service.as_str(), subject.topic.as_str()), (service, topic));
    }

    #[test]
    fn installations_are_kept_apart() {
        let prod = subject(&[("service", "checkout"), ("cluster", "prod")]);
        let staging = subject(&[("service", "checkout"), ("cluster", "staging")]);
        let unnamed = subject(&[("service", "checkout")]);
        let mut topics = Topics::default();
        topics.insert(&prod, Slot(1));
        assert_eq!(topics.matching(&staging).next(), None);
        assert_eq!(topics.matching(&unnamed).next(), Some(Slot(1)));
        topics.insert(&staging, Slot(2));
        assert_eq!(topics.matching(&prod).next(), Some(Slot(1)));
        topics.remove("checkout", Slot(1));
        assert_eq!(topics.of_service("checkout"), [Slot(2)]);
    }
}
