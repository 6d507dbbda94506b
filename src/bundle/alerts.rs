use jiff::Timestamp;
use quell_sdk::signal::{Alert, AlertStatus, Labels};
use serde::Deserialize;

use super::{
    error::Result,
    loaded::Skipped,
    manifest::is_absurd,
    read::{Reading, Source, records},
};

/// `quell.v1.Alert` in the canonical JSON of proto3.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    source: Option<String>,
    status: Option<String>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    #[serde(alias = "starts_at")]
    starts_at: Option<Timestamp>,
    #[serde(alias = "ends_at")]
    ends_at: Option<Timestamp>,
    /// Alertmanager spells it with `URL`.
    #[serde(alias = "generator_url", alias = "generatorURL")]
    generator_url: Option<String>,
    fingerprint: Option<String>,
    #[serde(alias = "group_key")]
    group_key: Option<String>,
}

pub(super) fn read(source: Source, reading: Reading) -> Result<(Vec<Alert>, Skipped)> {
    records(source, reading, parse)
}

fn parse(wire: Wire) -> Result<Alert, String> {
    let status = match wire.status.as_deref().unwrap_or_default() {
        "" | "firing" => AlertStatus::Firing,
        "resolved" => AlertStatus::Resolved,
        _ => return Err("`status` is neither firing nor resolved".to_owned()),
    };
    let starts_at = wire.starts_at.ok_or("`startsAt` is missing")?;
    if is_absurd(starts_at) {
        return Err("`startsAt` is before 2000 or after 2100".to_owned());
    }
    // Alertmanager writes the year 1 for an alert that has not ended.
    let ends_at = wire.ends_at.filter(|at| at.as_second() > 0);
    if ends_at.is_some_and(is_absurd) {
        return Err("`endsAt` is before 2000 or after 2100".to_owned());
    }
    Ok(Alert {
        source: wire.source.filter(|source| !source.is_empty()).unwrap_or_else(|| "bundle".to_owned()),
        status,
        labels: wire.labels.unwrap_or_default(),
        annotations: wire.annotations.unwrap_or_default(),
        starts_at,
        ends_at,
        generator_url: wire.generator_url.filter(|url| !url.is_empty()),
        fingerprint: wire.fingerprint.unwrap_or_default(),
        group_key: wire.group_key.filter(|key| !key.is_empty()),
    })
}
