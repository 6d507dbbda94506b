//! Finding the series of services and making them ready to read.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    promql::grid,
    reading::{Context, Reading, readings},
};
use crate::{
    Completeness,
    signal::{Labels, MetricMeta, Series},
    source::Discover,
};

/// Alert labels that tell one installation from another. Others (a pod, an instance) would hide what the
/// alert's own one is to be compared with.
const SCOPE: [&str; 3] = ["cluster", "env", "environment"];

/// Finds the series of the services in question, each read as its kind demands: gauges as they are,
/// counters as rates, histograms as their 95th percentile (label `quantile`) and, under `NAME_count`, the
/// rate of their count; summaries as they are with the rate of their count, or their mean (label
/// `quantile="mean"`) if they tell no quantiles. Every result is a gauge and carries the PromQL that gives it.
///
/// Series that name no service come along if they share a pod or node with one that is asked for. The
/// range of rates is four steps, but at least a minute and at least four times the distance of samples,
/// so that a slow exporter has rates at all.
///
/// What exceeds the budget is left out, last of all the metrics of the alert's expression and of the
/// services named first; the completeness says how much. Series come in order of name and labels.
pub fn discover<'a>(
    series: impl IntoIterator<Item = &'a Series>,
    meta: &BTreeMap<String, MetricMeta>,
    request: &Discover,
) -> (Vec<Series>, Completeness) {
    let found = in_question(series.into_iter().collect(), request);
    let grid = match grid(request.window, request.step) {
        Ok(grid) => grid,
        Err(error) => return (Vec::new(), Completeness::missing(error.message)),
    };
    let mut readings = readings(&found, meta);
    let context = Context::new(&found, grid, request.window, request.step);
    let bound: usize = readings.iter().map(|reading| context.upper_bound(reading)).sum();
    if readings.len() > request.budget.series || bound > request.budget.samples {
        let expr = request.expr.as_deref().unwrap_or_default();
        readings.sort_by_cached_key(|reading| rank(reading, expr, &request.services));
    }
    let (mut result, mut samples) = (Vec::new(), 0_usize);
    let (mut cut_series, mut cut_samples) = (0_usize, 0_usize);
    for reading in readings {
        if result.len() >= request.budget.series {
            cut_series += 1;
            continue;
        }
        if samples.saturating_add(context.upper_bound(&reading)) > request.budget.samples {
            cut_samples += 1;
            continue;
        }
        if let Some(series) = context.read(&reading) {
            samples += series.points.len();
            result.push(series);
        }
    }
    result.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.labels.cmp(&other.labels)));

    let mut completeness = Completeness::Full;
    if cut_series > 0 {
        let most = request.budget.series;
        let reason = format!("{cut_series} series left out: the budget is {most} series");
        completeness = completeness.and(Completeness::partial(reason));
    }
    if cut_samples > 0 {
        let most = request.budget.samples;
        let reason = format!("{cut_samples} series left out: the budget is {most} samples");
        completeness = completeness.and(Completeness::partial(reason));
    }
    (result, completeness)
}

/// Series of the services asked for, and those that share their pods and nodes.
fn in_question<'a>(series: Vec<&'a Series>, request: &Discover) -> Vec<&'a Series> {
    let in_scope = |series: &&Series| {
        SCOPE.iter().all(|label| match (request.labels.get(*label), series.labels.get(*label)) {
            (Some(wanted), Some(value)) => wanted == value,
            _ => true,
        })
    };
    let series: Vec<_> = series.into_iter().filter(in_scope).collect();
    if request.services.is_empty() {
        return series;
    }
    let asked: BTreeSet<&str> = request.services.iter().map(String::as_str).collect();
    let places = |label: &'static str| -> BTreeSet<&str> {
        let own = series.iter().filter(|series| asked.contains(series.service()));
        own.filter_map(|series| series.labels.get(label).map(String::as_str)).collect()
    };
    let (pods, nodes) = (places("pod"), places("node"));
    let beside = |series: &Series| match (series.labels.get("pod"), series.labels.get("node")) {
        (Some(pod), _) => pods.contains(pod.as_str()),
        (None, Some(node)) => nodes.contains(node.as_str()),
        (None, None) => false,
    };
    let wanted = |series: &&Series| match series.service() {
        "" => beside(series),
        service => asked.contains(service),
    };
    series.iter().copied().filter(wanted).collect()
}

/// What is left out last: metrics that the alert's own rule names, then services in the order asked.
fn rank(reading: &Reading<'_>, expr: &str, services: &[String]) -> (bool, usize, String, Labels) {
    let service = reading.labels().get("service").map_or("", String::as_str);
    let place = services.iter().position(|asked| asked == service).unwrap_or(services.len());
    (!expr.contains(reading.name()), place, reading.name().to_owned(), reading.labels().clone())
}
