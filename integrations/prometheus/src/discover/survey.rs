//! Finds out which series there are, of which kind, how often scraped, and by whom no longer.

use std::{collections::BTreeMap, time::Duration};

use quell_sdk::{
    ErrorKind,
    signal::{Labels, Series},
};

use super::run::{OVERHEAD, Run};
use crate::{
    decode::Target,
    kinds::Catalogue,
    labels::suspect,
    plan::{Carrier, Inventory},
    promql::{Rule, duration},
};

/// Most series looked at to plan, however large the budget: histograms have many buckets each.
const MAX_SERIES: usize = 100_000;
const BUCKETS: usize = 20;
/// Scrape interval when nothing tells: rates then look over 4 minutes, which suits up to one minute.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(60);
const MAX_NAMED: usize = 5;

impl Run<'_> {
    /// The series of the suspects; nothing if it could not be found out.
    pub(super) async fn survey(&mut self, rule: &Rule, suspects: &[String]) -> Option<Inventory> {
        let candidates = match self.locate(rule, suspects).await {
            Ok(candidates) => candidates,
            Err(error) => {
                self.went_wrong(error);
                return None;
            }
        };
        if candidates.is_empty() {
            return Some(Inventory::default());
        }
        if !self.spend.take() {
            self.notes.push("no query was left to find out which series exist".into());
            return None;
        }
        let matches: Vec<String> = candidates.iter().map(|candidate| candidate.selector.clone()).collect();
        let limit = self.request.budget.series.saturating_mul(BUCKETS).clamp(1, MAX_SERIES);
        let client = self.source.client();
        let said = match client.series(self.spend.until(), &matches, self.request.window, limit).await {
            Ok(said) => said,
            Err(error) => {
                self.went_wrong(error);
                return None;
            }
        };
        self.note("series", said.warnings);
        let mut series = said.data.items;
        let beyond = said.data.more + series.len().saturating_sub(limit);
        if beyond > 0 {
            // Which ones a server lists first is its own affair: cut in a fixed order.
            series.sort_unstable();
            series.truncate(limit);
            self.notes.push(format!("{beyond} series were not looked at: too many"));
        }
        let carriers: Vec<Carrier> = candidates
            .into_iter()
            .filter_map(|candidate| {
                let mut values = candidate.values;
                if values.is_empty() && !suspects.is_empty() {
                    let seen = series.iter().filter_map(|labels| labels.get(&candidate.label));
                    values = seen.filter(|value| suspect(value, suspects).is_some()).cloned().collect();
                    if values.is_empty() {
                        return None;
                    }
                }
                Some(Carrier { label: candidate.label, values })
            })
            .collect();
        let mut places: Labels = rule.pinned.iter().cloned().collect();
        places.extend(self.request.labels.clone());
        Some(Inventory::new(carriers, suspects, series, &places))
    }

    /// What the server says of kinds and units. Without it, names tell.
    pub(super) async fn catalogue(&mut self) -> Catalogue {
        if self.spend.left() <= OVERHEAD || !self.spend.take() {
            return Catalogue::new();
        }
        match self.source.client().metadata(self.spend.until()).await {
            Ok(said) => said.data,
            Err(error) => {
                if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unsupported) {
                    self.went_wrong(error);
                }
                Catalogue::new()
            }
        }
    }

    /// The suspects' targets as they are scraped now. Not every product has such a list.
    pub(super) async fn targets(&mut self, inventory: &Inventory) -> Vec<Target> {
        if self.spend.left() <= OVERHEAD || !self.spend.take() {
            return Vec::new();
        }
        let targets = match self.source.client().targets(self.spend.until()).await {
            Ok(said) => said.data.active.items,
            Err(error) => {
                tracing::debug!(%error, "targets cannot be read");
                return Vec::new();
            }
        };
        let is_suspects = |target: &Target| {
            inventory.carriers.iter().any(|carrier| {
                target
                    .labels
                    .get(&carrier.label)
                    .is_some_and(|value| carrier.values.is_empty() || carrier.values.contains(value))
            })
        };
        targets.into_iter().filter(is_suspects).collect()
    }

    /// How often the suspects are scraped: as configured, else as their samples show.
    pub(super) async fn interval(&mut self, inventory: &Inventory, targets: &[Target]) -> Duration {
        let configured = targets.iter().filter_map(|target| humantime(&target.scrape_interval)).max();
        if let Some(interval) = configured {
            return interval;
        }
        let has = |metric: &str| {
            (0..inventory.carriers.len()).find(|at| inventory.metrics.contains_key(&(metric.into(), *at)))
        };
        let sample =
            has("up").map(|at| ("up".to_owned(), at)).or_else(|| inventory.metrics.keys().next().cloned());
        let Some((metric, carrier)) = sample else { return UNKNOWN_INTERVAL };
        if self.spend.left() <= OVERHEAD || !self.spend.take() {
            return UNKNOWN_INTERVAL;
        }
        const SPAN: Duration = Duration::from_secs(300);
        let length = duration(self.request.window.length().max(SPAN));
        let counted = inventory.selector(carrier).of(&metric);
        let expr = format!("max(max_over_time(count_over_time({counted}[5m])[{length}:5m]))");
        let at = Some(self.request.window.end.as_second());
        let said = match self.source.client().instant(self.spend.until(), &expr, at).await {
            Ok(said) => said,
            Err(error) => {
                tracing::debug!(%error, "scrape interval cannot be estimated");
                return UNKNOWN_INTERVAL;
            }
        };
        let count =
            said.data.series.first().and_then(|(_, points)| points.first()).map_or(0.0, |point| point.value);
        if count < 1.0 {
            return UNKNOWN_INTERVAL;
        }
        Duration::from_secs_f64((SPAN.as_secs_f64() / count).round().clamp(1.0, SPAN.as_secs_f64()))
    }

    /// Says of which suspects the exporter is not scraped: their numbers end, which is not to be read as
    /// the service's end.
    pub(super) fn silent_exporters(&mut self, series: &[Series], targets: &[Target]) {
        let reasons: BTreeMap<&str, &str> = targets
            .iter()
            .filter(|target| target.health == "down")
            .filter_map(|target| Some((target.labels.get("instance")?.as_str(), target.last_error.as_str())))
            .collect();
        let silent: Vec<String> = series
            .iter()
            .filter(|series| series.name == "up")
            .filter(|series| series.points.last().is_some_and(|point| point.value == 0.0))
            .map(|series| {
                let instance = series.labels.get("instance").map_or("", String::as_str);
                let reason: String =
                    reasons.get(instance).copied().unwrap_or_default().chars().take(160).collect();
                let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                format!("{} at {instance} is not being scraped (up is 0){because}", series.service())
            })
            .collect();
        let more = silent.len().saturating_sub(MAX_NAMED);
        self.notes.extend(silent.into_iter().take(MAX_NAMED));
        if more > 0 {
            self.notes.push(format!("{more} more targets are not being scraped"));
        }
    }
}

/// A duration as Prometheus writes it (`1m`, `15s`, `1m30s`).
fn humantime(text: &str) -> Option<Duration> {
    let length = text.parse::<jiff::SignedDuration>().ok()?;
    Duration::try_from(length).ok().filter(|length| !length.is_zero())
}
