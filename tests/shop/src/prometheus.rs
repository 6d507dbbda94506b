use std::{fmt::Write, net::SocketAddr, path::Path};

use crate::Shop;

/// Rules that page when customers of the shop suffer.
pub fn alert_rules() -> &'static str {
    include_str!("../rules/shop.rules.yml")
}

/// A rule that pages for a blip which no customer notices: the page of [`crate::Fault::None`].
pub fn sensitive_rules() -> &'static str {
    include_str!("../rules/sensitive.rules.yml")
}

/// A `prometheus.yml` that scrapes a shop each second and evaluates the rule files as often.
///
/// The rule files are the caller's, written from [`alert_rules`]; alerts go to the Alertmanager, when
/// there is one.
pub fn prometheus_config(shop: &Shop, rule_files: &[&Path], alertmanager: Option<SocketAddr>) -> String {
    let mut yaml =
        String::from("global:\n  scrape_interval: 1s\n  scrape_timeout: 900ms\n  evaluation_interval: 1s\n");
    yaml.push_str("rule_files:\n");
    for file in rule_files {
        line(&mut yaml, format_args!("  - {:?}", file.display().to_string()));
    }
    if let Some(address) = alertmanager {
        yaml.push_str("alerting:\n  alertmanagers:\n    - static_configs:\n");
        line(&mut yaml, format_args!("        - targets: [\"{address}\"]"));
    }
    yaml.push_str("scrape_configs:\n  - job_name: shop\n    static_configs:\n");
    for service in shop.services().iter().filter(|service| service.scraped()) {
        line(&mut yaml, format_args!("      - targets: [\"{}\"]", service.address));
        // The series of a target say their service themselves; `up` only has this.
        line(&mut yaml, format_args!("        labels: {{ service: \"{}\" }}", service.name));
    }
    yaml
}

/// An `alertmanager.yml` that posts each group at once to a webhook, and to a PagerDuty Events v2 address
/// when one is given with its routing key.
pub fn alertmanager_config(webhook: &str, pagerduty: Option<(&str, &str)>) -> String {
    let mut yaml = String::from(concat!(
        "route:\n  receiver: on-call\n  group_by: [alertname, service]\n",
        "  group_wait: 1s\n  group_interval: 5s\n  repeat_interval: 1h\n",
        "receivers:\n  - name: on-call\n    webhook_configs:\n",
    ));
    line(&mut yaml, format_args!("      - url: {webhook:?}"));
    yaml.push_str("        send_resolved: true\n");
    if let Some((url, key)) = pagerduty {
        yaml.push_str("    pagerduty_configs:\n");
        line(&mut yaml, format_args!("      - url: {url:?}"));
        line(&mut yaml, format_args!("        routing_key: {key:?}"));
    }
    yaml
}

fn line(yaml: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes all that is written to it.
    if writeln!(yaml, "{text}").is_err() {
        yaml.push('\n');
    }
}
