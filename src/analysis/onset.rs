//! When the incident began, found in the data.
//!
//! The page comes minutes after the fault. Service-level indicators (latency, error and call rates of each
//! service from its spans, its metrics, its error logs) are standardised against normal, and each says
//! where it changed level, if it did. The onset is where most of the weight of those changes lies,
//! indicators of the alerted service counting more. Nothing that comes after the page counts.

use std::{collections::BTreeMap, sync::Arc};

use quell_sdk::signal::{SpanStatus, UnixNanos};

use super::{
    case::{Case, Periods},
    finding::Since,
    series::{change_point, interquartile_range, median, read},
    traces::Traced,
};

/// The onset, or the stand-in for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    pub since: Since,
    /// No indicator changed level: a usual distance before the page is assumed.
    pub assumed: bool,
    /// How many indicators changed level there.
    pub votes: usize,
}

impl Onset {
    /// Latest moment at which what caused it may have happened. The onset is an estimate: a change that
    /// seems to have come a little after it may still have caused it.
    pub fn cause_by(&self, periods: &Periods) -> UnixNanos {
        let length = periods.end - periods.start;
        self.since.latest + (length / 10).clamp(2_000_000_000, 60_000_000_000)
    }
}

/// Least gain in log-likelihood of a change of level that is heard.
const HEARD: f64 = 10.0;
/// Distance before the page that is assumed when nothing is found: rules wait for minutes before they fire.
const USUAL: UnixNanos = 180_000_000_000;

struct Vote {
    since: Since,
    weight: f64,
}

/// Finds the onset within `[start, end)`, given the moment of the page.
pub fn find(case: &Case, traced: &Traced<'_>, start: UnixNanos, at: UnixNanos, end: UnixNanos) -> Onset {
    let until = at.clamp(start, end);
    let mut votes = votes_of_metrics(case, until);
    votes.extend(votes_of_rows(case, traced, start, until, end));
    let bin = bin_width(start, end);
    let Some(best) = densest(&votes, bin * 2) else {
        let assumed = (until - USUAL.min((until - start) / 2)).max(start);
        return Onset {
            since: Since { at: assumed, earliest: start.max(assumed - USUAL), latest: until },
            assumed: true,
            votes: 0,
        };
    };
    best
}

/// The periods that follow from an onset.
pub fn periods(onset: &Onset, start: UnixNanos, end: UnixNanos) -> Periods {
    let slack = if onset.assumed { USUAL / 2 } else { bin_width(start, end).min(30_000_000_000) };
    Periods {
        start,
        onset: onset.since.at,
        end: end.max(onset.since.at + 1),
        guard: slack.min((onset.since.at - start).max(0) / 4),
    }
}

fn bin_width(start: UnixNanos, end: UnixNanos) -> UnixNanos {
    ((end - start) / 60).clamp(1_000_000_000, 60_000_000_000)
}

/// The moment around which most weight lies. Votes whose interval holds the moment count whole.
fn densest(votes: &[Vote], width: UnixNanos) -> Option<Onset> {
    let support = |moment: UnixNanos| -> f64 {
        votes
            .iter()
            .map(|vote| {
                let distance = if moment < vote.since.earliest {
                    vote.since.earliest - moment
                } else {
                    (moment - vote.since.latest).max(0)
                };
                vote.weight * (-(distance as f64 / width as f64).powi(2)).exp()
            })
            .sum()
    };
    let best = votes
        .iter()
        .map(|vote| vote.since.at)
        .max_by(|a, b| support(*a).total_cmp(&support(*b)).then(b.cmp(a)))?;
    let near: Vec<&Vote> = votes.iter().filter(|vote| (vote.since.at - best).abs() <= width).collect();
    let earliest = near.iter().map(|vote| vote.since.earliest).min().unwrap_or(best);
    let latest = near.iter().map(|vote| vote.since.latest).max().unwrap_or(best);
    Some(Onset {
        since: Since { at: best, earliest: earliest.min(best), latest: latest.max(best) },
        assumed: false,
        votes: near.len(),
    })
}

fn votes_of_metrics(case: &Case, until: UnixNanos) -> Vec<Vote> {
    let mut votes = Vec::new();
    for series in &case.now.series {
        let reading = read(series);
        let Some(bad_up) = reading.bad_up else { continue };
        let points: Vec<_> = series.points.iter().filter(|point| point.at <= until).collect();
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        let healthy: Vec<f64> = case
            .reference
            .series
            .iter()
            .find(|known| known.name == series.name && known.labels == series.labels)
            .map(|known| known.points.iter().map(|point| point.value).collect())
            .unwrap_or_default();
        let moments: Vec<UnixNanos> = points.iter().map(|point| point.at).collect();
        let weight = if series.service() == case.service { 1.0 } else { 0.25 };
        if let Some(vote) = vote(&values, &moments, &healthy, Some(bad_up), reading.smallest, weight) {
            votes.push(vote);
        }
    }
    votes
}

#[derive(Default, Clone)]
struct Bin {
    calls: f64,
    failed: f64,
    log_seconds: f64,
    error_logs: f64,
}

/// Latency, error ratio and error logs of each service over time.
fn votes_of_rows(
    case: &Case,
    traced: &Traced<'_>,
    start: UnixNanos,
    until: UnixNanos,
    end: UnixNanos,
) -> Vec<Vote> {
    let width = bin_width(start, end);
    let count = usize::try_from((until - start) / width).unwrap_or(0).min(10_000) + 1;
    let mut rows: BTreeMap<Arc<str>, Vec<Bin>> = BTreeMap::new();
    let slot =
        |at: UnixNanos| usize::try_from((at - start) / width).ok().filter(|_| at >= start && at <= until);
    for (index, span) in case.now.spans.iter().enumerate() {
        let is_entry = traced
            .now
            .parent(index)
            .and_then(|parent| case.now.spans.get(parent))
            .is_none_or(|parent| parent.service != span.service);
        if !is_entry {
            continue;
        }
        let row = rows.entry(span.service.clone()).or_insert_with(|| vec![Bin::default(); count]);
        if let Some(bin) = slot(span.end).and_then(|slot| row.get_mut(slot)) {
            bin.calls += 1.0;
            bin.failed += f64::from(u8::from(span.status == SpanStatus::Error));
            bin.log_seconds += span.seconds().max(1e-6).ln();
        }
    }
    for record in case.now.logs.iter().filter(|record| record.severity.is_error()) {
        let row = rows.entry(record.service.clone()).or_insert_with(|| vec![Bin::default(); count]);
        if let Some(bin) = slot(record.at).and_then(|slot| row.get_mut(slot)) {
            bin.error_logs += 1.0;
        }
    }
    let mut votes = Vec::new();
    for (service, bins) in &rows {
        let weight = if **service == *case.service { 2.0 } else { 0.5 };
        let moment = |index: usize| start + width * i64::try_from(index).unwrap_or(0);
        let busy: Vec<(usize, &Bin)> = bins.iter().enumerate().filter(|(_, bin)| bin.calls >= 3.0).collect();
        let moments: Vec<UnixNanos> = busy.iter().map(|(index, _)| moment(*index)).collect();
        let latency: Vec<f64> = busy.iter().map(|(_, bin)| bin.log_seconds / bin.calls).collect();
        votes.extend(vote(&latency, &moments, &[], Some(true), 0.2, weight));
        let errors: Vec<f64> = busy.iter().map(|(_, bin)| bin.failed / bin.calls).collect();
        votes.extend(vote(&errors, &moments, &[], Some(true), 0.04, weight));
        let all: Vec<UnixNanos> = (0..bins.len()).map(moment).collect();
        let logs: Vec<f64> = bins.iter().map(|bin| bin.error_logs.sqrt()).collect();
        votes.extend(vote(&logs, &all, &[], Some(true), 1.0, weight));
    }
    votes
}

fn vote(
    values: &[f64],
    moments: &[UnixNanos],
    healthy: &[f64],
    bad_up: Option<bool>,
    smallest: f64,
    weight: f64,
) -> Option<Vote> {
    let early = values.get(..(values.len() * 2 / 5).max(3).min(values.len()))?;
    let normal: &[f64] = if healthy.len() >= 10 { healthy } else { early };
    let center = median(normal)?;
    let scale = interquartile_range(normal).max(0.05 * center.abs()).max(smallest / 2.0).max(1e-9);
    let found = change_point(values, center, scale)?;
    let after = median(values.get(found.index..)?)?;
    let before = median(values.get(..found.index)?)?;
    let is_bad = bad_up.is_none_or(|up| (after > before) == up);
    let moment = |index: usize| moments.get(index).copied();
    (found.gain >= HEARD && is_bad && (after - before).abs() > smallest).then_some(())?;
    Some(Vote {
        since: Since {
            at: moment(found.index)?,
            earliest: moment(found.earliest.saturating_sub(1))?,
            latest: moment(found.latest)?,
        },
        weight: weight * found.gain.min(100.0).sqrt(),
    })
}
