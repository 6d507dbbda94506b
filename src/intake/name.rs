//! What an incident is called when it opens.

use super::{config::Config, group::Subject};
use crate::domain::Alert;

const MAX_TITLE: usize = 200;
const MAX_NAMED: usize = 3;

/// Title, service and severity, from the worst of the alerts and, among those, the earliest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) title: String,
    pub(super) service: String,
    pub(super) severity: String,
}

impl Name {
    pub(super) fn of(alerts: &[Alert], config: &Config) -> Self {
        // Of equals `max_by` takes the last, so they are looked at from the end.
        let lead = alerts.iter().rev().max_by(|one, other| {
            badness(one).cmp(&badness(other)).then_with(|| other.starts_at.cmp(&one.starts_at))
        });
        let Some(lead) = lead else {
            return Self { title: "incident".to_owned(), service: String::new(), severity: String::new() };
        };
        let service = Subject::of(&lead.labels, config).service;
        let mut services = vec![service.clone()];
        for alert in alerts.iter().filter(|alert| alert.name() == lead.name()) {
            let other = Subject::of(&alert.labels, config).service;
            if !services.contains(&other) {
                services.push(other);
            }
        }
        services.retain(|service| !service.is_empty() && !lead.name().contains(service.as_str()));
        let beyond = services.len().saturating_sub(MAX_NAMED);
        services.truncate(MAX_NAMED);
        let mut title = match lead.name() {
            "" => lead.annotations.get("summary").map_or("alert without a name", String::as_str).to_owned(),
            name => name.to_owned(),
        };
        if !services.is_empty() {
            title = format!("{title} on {}", services.join(", "));
        }
        if beyond > 0 {
            title = format!("{title} and {beyond} more");
        }
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = title.chars().take(MAX_TITLE).collect();
        let severity = lead.labels.get("severity").cloned().unwrap_or_default();
        Self { title, service, severity }
    }
}

/// Senders have many words for how bad it is.
fn badness(alert: &Alert) -> u8 {
    let word = alert.labels.get("severity").map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    match word.as_str() {
        "critical" | "page" | "emergency" | "fatal" | "disaster" | "p1" | "sev1" => 4,
        "error" | "high" | "major" | "p2" | "sev2" => 3,
        "warning" | "warn" | "medium" | "minor" | "p3" | "sev3" => 2,
        "info" | "low" | "none" | "p4" | "p5" | "sev4" | "sev5" => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::AlertStatus;

    fn alert(name: &str, service: &str, severity: &str, second: i64) -> Alert {
        let mut alert = Alert::group_end("am", "g", Timestamp::from_second(second).unwrap());
        alert.status = AlertStatus::Firing;
        for (key, value) in [("alertname", name), ("service", service), ("severity", severity)] {
            if !value.is_empty() {
                alert.labels.insert(key.to_owned(), value.to_owned());
            }
        }
        alert
    }

    fn title(alerts: &[Alert]) -> String {
        Name::of(alerts, &Config::default()).title
    }

    #[test]
    fn the_worst_then_the_earliest_leads() {
        let alerts = [
            alert("Disk", "db", "warning", 1),
            alert("Slow", "cart", "critical", 9),
            alert("Slow", "checkout", "critical", 5),
            alert("Slow", "payments", "critical", 5),
        ];
        let name = Name::of(&alerts, &Config::default());
        assert_eq!(name.service, "checkout");
        assert_eq!(name.severity, "critical");
        assert_eq!(name.title, "Slow on checkout, cart, payments");
    }

    #[test]
    fn titles() {
        assert_eq!(title(&[alert("CheckoutSlow", "", "", 0)]), "CheckoutSlow");
        assert_eq!(title(&[alert("checkout is slow", "checkout", "", 0)]), "checkout is slow");
        assert_eq!(title(&[alert("", "", "", 0)]), "alert without a name");
        let many: Vec<Alert> = (0..9).map(|i| alert("Slow", &format!("s{i}"), "", i)).collect();
        assert_eq!(title(&many), "Slow on s0, s1, s2 and 6 more");
        assert_eq!(title(&[alert(&"x\n".repeat(10_000), "", "", 0)]).chars().count(), MAX_TITLE);
    }
}
