//! What each service's callers lost there over time: requests times added latency, or failed requests.

use std::collections::BTreeMap;

use quell_sdk::signal::{Labels, Series, UnixNanos};

use super::excess::Amount;
use crate::{
    analysis::{
        case::{Case, Periods},
        hash::HashMap,
        series::{median, quantile, read},
    },
    domain::IndicatorKind,
};

/// Normal samples from which on a healthy recording is the better measure of normal.
const ENOUGH: usize = 10;

/// What one service's callers lost there.
pub(super) struct Lost<'a> {
    pub series: &'a Series,
    /// Amount beyond the noise, per moment of the window, in order of time.
    pub moments: Vec<Amount>,
    /// What is lost on a bad normal moment: the 95th percentile.
    pub noise: f64,
    /// Normal level, and the level and the requests where most was lost.
    pub baseline: f64,
    pub observed: f64,
    pub requests: f64,
    /// The worst level of all.
    pub worst: f64,
    /// Half the distance of two samples.
    reach: UnixNanos,
}

impl Lost<'_> {
    pub(super) fn total(&self) -> f64 {
        self.moments.iter().map(|(_, amount)| amount).sum()
    }

    /// What was lost in the two worst moments, the noise included: one alone may be chance.
    pub(super) fn peak(&self) -> f64 {
        let mut amounts: Vec<f64> = self.moments.iter().map(|(_, amount)| *amount).collect();
        amounts.sort_by(|a, b| b.total_cmp(a));
        self.noise + amounts.iter().take(2).sum::<f64>() / 2.0
    }

    /// What was lost at a moment, sampled by another clock.
    pub(super) fn around(&self, at: UnixNanos) -> f64 {
        let index = self.moments.partition_point(|(moment, _)| *moment < at);
        [index.checked_sub(1), Some(index)]
            .into_iter()
            .flatten()
            .filter_map(|index| self.moments.get(index))
            .map(|(moment, amount)| ((moment - at).abs(), *amount))
            .filter(|(distance, _)| *distance <= self.reach)
            .min_by_key(|(distance, _)| *distance)
            .map_or(0.0, |(_, amount)| amount)
    }
}

/// What every service lost, where it has one series of that kind and one of traffic.
pub(super) fn losses<'a>(
    case: &'a Case,
    periods: &Periods,
    kind: IndicatorKind,
) -> BTreeMap<String, Lost<'a>> {
    let mut services: BTreeMap<String, (Option<&Series>, Option<&Series>)> = BTreeMap::new();
    for series in case.now.series.iter().filter(|series| !series.service().is_empty()) {
        let reading = read(series);
        let entry = services.entry(series.service().to_owned()).or_default();
        if reading.kind == kind && !reading.of_node {
            prefer(&mut entry.0, series, |name| mean_first(name, kind));
        } else if reading.kind == IndicatorKind::Traffic && !reading.of_node {
            prefer(&mut entry.1, series, traffic_first);
        }
    }
    let known = case.reference.by_identity();
    services
        .into_iter()
        .filter_map(|(service, (level, traffic))| Some((service, lost(&known, periods, level?, traffic?)?)))
        .collect()
}

/// Series of the healthy recording by name and labels.
type Known<'a> = HashMap<(&'a str, &'a Labels), &'a Series>;

fn lost<'a>(known: &Known<'_>, periods: &Periods, level: &'a Series, traffic: &Series) -> Option<Lost<'a>> {
    let measure = Measure::of(level);
    let healthy = healthy(known, level);
    let (normal, of_traffic): (Vec<Amount>, &Series) = match healthy {
        Some(level) if level.points.len() >= ENOUGH => {
            (amounts(level, |_| true), self::healthy(known, traffic).unwrap_or(traffic))
        }
        _ => (amounts(level, |at| periods.is_before(at)), traffic),
    };
    if normal.len() < 3 {
        return None;
    }
    let values: Vec<f64> = normal.iter().map(|(_, value)| *value).collect();
    let baseline = median(&values)?;
    let mut usual: Vec<f64> = normal
        .iter()
        .map(|(at, value)| measure.amount(baseline, *value, requests(of_traffic, *at)).max(0.0))
        .collect();
    usual.sort_by(f64::total_cmp);
    let noise = quantile(&usual, 0.95)?;
    let mut most = (f64::MIN, baseline, 0.0);
    let mut worst = baseline;
    let moments: Vec<Amount> = amounts(level, |at| at >= periods.start && at < periods.end)
        .into_iter()
        .map(|(at, value)| {
            let calls = requests(traffic, at);
            let amount = measure.amount(baseline, value, calls);
            if amount > most.0 {
                most = (amount, value, calls);
            }
            worst = if measure.bad_up { worst.max(value) } else { worst.min(value) };
            (at, (amount - noise).max(0.0))
        })
        .collect();
    let steps: Vec<f64> = moments
        .windows(2)
        .filter_map(|pair| match pair {
            [(a, _), (b, _)] => Some((b - a) as f64),
            _ => None,
        })
        .collect();
    let step = median(&steps).unwrap_or(60e9);
    Some(Lost {
        series: level,
        moments,
        noise,
        baseline,
        observed: most.1,
        requests: most.2,
        worst,
        reach: (step * 0.6) as UnixNanos,
    })
}

/// How a level becomes an amount.
struct Measure {
    bad_up: bool,
    /// What one unit of the level is per request; `None` when the level counts failures itself.
    per_request: Option<f64>,
}

impl Measure {
    fn of(level: &Series) -> Self {
        let reading = read(level);
        let bad_up = reading.bad_up.unwrap_or(true);
        let most = level.points.iter().map(|point| point.value.abs()).fold(0.0, f64::max);
        let per_request = match (reading.kind, level.unit.as_str()) {
            (IndicatorKind::Latency, "ms") => Some(0.001),
            (IndicatorKind::Latency, _) => Some(1.0),
            (_, "%") => Some(0.01),
            _ if most <= 1.0 => Some(1.0),
            _ if !bad_up && most <= 100.0 => Some(0.01),
            _ => None,
        };
        Self { bad_up, per_request }
    }

    fn amount(&self, baseline: f64, value: f64, requests: f64) -> f64 {
        let worse = if self.bad_up { value - baseline } else { baseline - value };
        worse * self.per_request.map_or(1.0, |unit| unit * requests)
    }
}

fn amounts(series: &Series, keep: impl Fn(UnixNanos) -> bool) -> Vec<Amount> {
    let finite = series.points.iter().filter(|point| point.value.is_finite() && keep(point.at));
    finite.map(|point| (point.at, point.value)).collect()
}

/// Requests around a moment: the nearest sample.
fn requests(traffic: &Series, at: UnixNanos) -> f64 {
    let index = traffic.points.partition_point(|point| point.at < at);
    [index.checked_sub(1), Some(index)]
        .into_iter()
        .flatten()
        .filter_map(|index| traffic.points.get(index))
        .min_by_key(|point| (point.at - at).abs())
        .map_or(0.0, |point| if point.value.is_finite() { point.value.max(0.0) } else { 0.0 })
}

fn healthy<'a>(known: &Known<'a>, series: &Series) -> Option<&'a Series> {
    known.get(&(series.name.as_str(), &series.labels)).copied()
}

fn prefer<'a>(slot: &mut Option<&'a Series>, series: &'a Series, rank: impl Fn(&str) -> usize) {
    let better = slot.is_none_or(|known| {
        (rank(&series.name), &series.name, &series.labels) < (rank(&known.name), &known.name, &known.labels)
    });
    if better {
        *slot = Some(series);
    }
}

/// Means add up over calls, medians nearly do, tails do not.
fn mean_first(name: &str, kind: IndicatorKind) -> usize {
    let order: &[&str] = match kind {
        IndicatorKind::Latency => &["average", "avg", "mean", "p50", "median", "p90", "p95"],
        _ => &["availability", "success", "ratio", "rate", "average"],
    };
    let server = usize::from(name.contains("client")) * 100;
    server + order.iter().position(|word| name.contains(word)).unwrap_or(order.len())
}

fn traffic_first(name: &str) -> usize {
    let order = ["requests", "request", "calls", "ops", "rps", "qps", "count"];
    order.iter().position(|word| name.contains(word)).unwrap_or(order.len())
}
