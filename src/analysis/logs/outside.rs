//! Errors that name a host outside: somebody else's service that fails.
//!
//! A call to a provider often leaves no span and no metric, only the line that the caller logs when it goes
//! wrong, with the provider's host in an attribute or in the URL.

use std::collections::BTreeMap;

use quell_sdk::{local::plan::quoted, signal::LogRecord};

use super::Mined;
use crate::{
    analysis::{case::Periods, finding::Finding, hash::HashSet, traces::Traced},
    domain::{Entity, EntityKind, IndicatorKind, Number, SignalKind},
};

/// Attributes that hold the host that was called (OpenTelemetry semantic conventions, older and usual spellings).
const HOSTS: [&str; 6] =
    ["server.address", "net.peer.name", "upstream_host", "peer.service", "http.host", "url.domain"];
/// Endings of names that only exist inside.
const INSIDE: [&str; 6] = [".local", ".internal", ".svc", ".cluster.local", ".lan", ".localdomain"];
/// Least strength of the line, and least part of the service's new error lines that name one host.
const STRONG: f64 = 5.0;
const MOSTLY: f64 = 0.5;

/// Finds the hosts outside that a service's errors are about, given the findings about its lines.
pub fn find(mined: &Mined<'_>, traced: &Traced<'_>, periods: &Periods, of_lines: &[Finding]) -> Vec<Finding> {
    let failing: BTreeMap<&str, &Finding> = of_lines
        .iter()
        .filter(|finding| finding.decibans >= STRONG)
        .map(|finding| (finding.entity.name.as_str(), finding))
        .collect();
    let mut lines: BTreeMap<&str, (usize, BTreeMap<String, usize>)> = BTreeMap::new();
    let mut normal: HashSet<String> = HashSet::default();
    for line in &mined.lines {
        let is_error = mined.templates.get(&line.template).is_some_and(|template| template.is_error);
        let Some(record) = mined.record(line).filter(|_| is_error) else { continue };
        let host = host(record).filter(|host| is_outside(host, traced));
        if line.is_reference || periods.is_before(line.at) {
            normal.extend(host);
            continue;
        }
        if !periods.is_during(line.at) {
            continue;
        }
        let (all, hosts) = lines.entry(&record.service).or_default();
        *all += 1;
        if let Some(host) = host {
            *hosts.entry(host).or_default() += 1;
        }
    }
    lines
        .into_iter()
        .filter_map(|(service, (all, hosts))| {
            let (host, count) = hosts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))?;
            let line = *failing.get(service)?;
            let share = count as f64 / all as f64;
            let weight = if normal.contains(&host) { 0.7 } else { 1.0 };
            let told = (share >= MOSTLY).then(|| told(mined, periods, service, &host));
            told.map(|told| finding(service, &host, (count, all), told, weight, line))
        })
        .collect()
}

/// Lines of the incident, errors or not, whose text names the host.
fn told(mined: &Mined<'_>, periods: &Periods, service: &str, host: &str) -> usize {
    let of_incident = mined.lines.iter().filter(|line| !line.is_reference && periods.is_during(line.at));
    let records = of_incident.filter_map(|line| mined.record(line));
    records.filter(|record| *record.service == *service && record.body.contains(host)).count()
}

fn finding(
    service: &str,
    host: &str,
    (count, all): (usize, usize),
    told: usize,
    weight: f64,
    line: &Finding,
) -> Finding {
    let share = count as f64 / all as f64;
    let mut numbers = vec![
        Number::new("error lines that name it", count as f64, "1"),
        Number::new("error lines", all as f64, "1"),
    ];
    // A host that only attributes name cannot be looked for in the text: the line is shown instead.
    let query = if told >= count {
        numbers.insert(0, Number::new("lines with its name", told as f64, "1"));
        format!("{{service={}}} |= {}", quoted(service), quoted(host))
    } else {
        numbers.extend(line.numbers.iter().find(|number| number.name == "count").cloned());
        line.query.clone()
    };
    Finding {
        entity: Entity { kind: EntityKind::External, name: host.to_owned(), service: service.to_owned() },
        signal: SignalKind::Logs,
        kind: IndicatorKind::Errors,
        indicator: "errors that name it".to_owned(),
        baseline: 0.0,
        observed: count as f64,
        unit: "1".to_owned(),
        decibans: line.decibans * weight * share,
        share: Some(share),
        peer: Some(service.to_owned()),
        summary: format!(
            "{count} of {all} error lines of {service} name {host}, which is not ours: {}",
            line.text.chars().take(120).collect::<String>()
        ),
        query,
        numbers,
        ..line.clone()
    }
}

/// The host that a line is about.
fn host(record: &LogRecord) -> Option<String> {
    let named = HOSTS
        .iter()
        .find_map(|key| record.attributes.iter().find(|(name, _)| &**name == *key))
        .map(|(_, value)| &**value);
    let in_text = || {
        let (_, rest) = record.body.split_once("://")?;
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).next()
    };
    named.or_else(in_text).filter(|host| host.len() <= 253).map(str::to_ascii_lowercase)
}

/// Whether a host is a name on the Internet, and no service of ours.
fn is_outside(host: &str, traced: &Traced<'_>) -> bool {
    let is_address = host.parse::<core::net::IpAddr>().is_ok();
    let first = host.split('.').next().unwrap_or_default();
    host.contains('.')
        && !is_address
        && !host.ends_with('.')
        && !INSIDE.iter().any(|end| host.ends_with(end) || host.contains(".svc."))
        && !traced.reports(host)
        && !traced.reports(first)
}
