//! How one metric is to be read.

use std::collections::BTreeSet;

use quell_sdk::signal::{Labels, MetricKind};

use super::Inventory;
use crate::{
    kinds::{self, Catalogue, base},
    labels::Naming,
    promql::{Selector, identifier},
};

/// Most series of one rate before it is summed over what tells neither instance nor outcome apart.
const MAX_RATES: usize = 200;
/// Most quantiles of one histogram before they are taken per instance only.
const MAX_QUANTILES: usize = 100;

/// How a metric's samples become something to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    /// As it is.
    Level,
    /// Growth per second of a counter.
    Rate,
    /// 95th percentile of a classic histogram.
    Quantile,
    /// 95th percentile of a native histogram.
    NativeQuantile,
    /// Observations per second of a native histogram.
    NativeCount,
    /// Mean of observations, where there is only a sum and a count.
    Mean,
}

/// One metric under one carrier, and how to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    rank: u8,
    /// Place among all items, what matters most first.
    pub(crate) order: usize,
    /// The name that its series bear.
    pub(crate) name: String,
    pub(crate) reading: Reading,
    pub(crate) carrier: usize,
    pub(crate) unit: String,
    /// Labels that are kept; `None`: all of them.
    pub(crate) by: Option<Vec<String>>,
    /// Series that it gives.
    pub(crate) series: usize,
}

impl Item {
    /// The expression that gives its values for what a selector selects.
    pub(crate) fn expression(&self, selector: &Selector, range: &str) -> String {
        let rate = |metric: &str| format!("rate({}[{range}])", selector.of(metric));
        let sum = |inner: String, extra: &[&str]| match &self.by {
            None => inner,
            Some(by) => {
                let mut by: Vec<String> = by.iter().map(|label| identifier(label)).collect();
                by.extend(extra.iter().map(|label| (*label).to_owned()));
                format!("sum by ({}) ({inner})", by.join(", "))
            }
        };
        let name = &self.name;
        match self.reading {
            Reading::Level => selector.of(name),
            Reading::Rate => sum(rate(name), &[]),
            Reading::Quantile => {
                format!("histogram_quantile(0.95, {})", sum(rate(&format!("{name}_bucket")), &["le"]))
            }
            Reading::NativeQuantile => format!("histogram_quantile(0.95, {})", sum(rate(name), &[])),
            Reading::NativeCount => format!("histogram_count({})", sum(rate(name), &[])),
            Reading::Mean => format!("{} / {}", rate(&format!("{name}_sum")), rate(&format!("{name}_count"))),
        }
    }

    /// The selector that narrows [`Item::expression`] to the one series of these labels.
    pub(crate) fn narrowed(&self, group: &Selector, labels: &Labels) -> Selector {
        let mut selector = match &self.by {
            // All labels are there: they say it all.
            None => Selector::default(),
            Some(_) => group.clone(),
        };
        for (label, value) in labels.iter().filter(|(label, _)| *label != "__name__") {
            selector.equal(label, value);
        }
        for label in self.by.iter().flatten().filter(|label| !labels.contains_key(*label)) {
            selector.equal(label, "");
        }
        selector
    }

    /// Order within a rank: what is counted, then how long it takes, then what repeats either.
    fn urgency(&self) -> u8 {
        match self.reading {
            Reading::Rate if self.name.ends_with("_count") => 2,
            Reading::NativeCount => 2,
            Reading::Rate => 0,
            Reading::Level | Reading::Quantile | Reading::NativeQuantile | Reading::Mean => 1,
        }
    }

    /// Whether no number means "nothing happened" rather than "something is wrong": 0 / 0.
    pub(crate) fn may_be_undefined(&self) -> bool {
        matches!(self.reading, Reading::Quantile | Reading::NativeQuantile | Reading::Mean)
    }
}

/// What there is to read, what matters most first.
pub(crate) fn items(
    inventory: &Inventory,
    catalogue: &Catalogue,
    naming: &Naming,
    preferred: &[String],
) -> Vec<Item> {
    let mut items = Vec::new();
    for ((metric, carrier), series) in &inventory.metrics {
        for (name, reading) in readings(metric, *carrier, series, inventory, catalogue) {
            let (by, count) = grouping(reading, series, inventory.label(*carrier), naming);
            let is_preferred = preferred.iter().any(|known| known == metric || base(known) == base(metric));
            let counts = matches!(reading, Reading::Rate | Reading::NativeCount);
            items.push(Item {
                rank: if is_preferred { 0 } else { kinds::rank(metric) },
                order: 0,
                unit: if counts { String::new() } else { kinds::unit(&name, catalogue) },
                name,
                reading,
                carrier: *carrier,
                by,
                series: count,
            });
        }
    }
    items.sort_by(|one, other| {
        let key = |item: &Item| (item.rank, item.urgency(), item.carrier);
        key(one)
            .cmp(&key(other))
            .then_with(|| one.name.cmp(&other.name))
            .then(one.reading.cmp(&other.reading))
    });
    for (order, item) in items.iter_mut().enumerate() {
        item.order = order;
    }
    items
}

fn readings(
    metric: &str,
    carrier: usize,
    series: &[Labels],
    inventory: &Inventory,
    catalogue: &Catalogue,
) -> Vec<(String, Reading)> {
    if kinds::is_noise(metric) {
        return Vec::new();
    }
    let exists = |name: String| inventory.metrics.contains_key(&(name, carrier));
    let base = base(metric);
    let own = |reading| vec![(metric.to_owned(), reading)];
    if metric.ends_with("_bucket") && series.iter().any(|labels| labels.contains_key("le")) {
        return vec![(base.to_owned(), Reading::Quantile)];
    }
    let has_buckets = exists(format!("{base}_bucket"));
    if metric.ends_with("_sum") && exists(format!("{base}_count")) {
        return if has_buckets { Vec::new() } else { vec![(base.to_owned(), Reading::Mean)] };
    }
    if metric.ends_with("_count") && (has_buckets || exists(format!("{base}_sum"))) {
        return own(Reading::Rate);
    }
    let is_part = ["_bucket", "_sum", "_count"].iter().any(|end| metric.ends_with(end));
    match kinds::kind(metric, catalogue) {
        // A lone `replica_count` is a level, whatever its ending.
        MetricKind::Counter if is_part && !catalogue.contains_key(metric) => own(Reading::Level),
        MetricKind::Counter => own(Reading::Rate),
        MetricKind::Histogram => {
            vec![(metric.to_owned(), Reading::NativeQuantile), (metric.to_owned(), Reading::NativeCount)]
        }
        MetricKind::Gauge | MetricKind::Summary | MetricKind::Unknown => own(Reading::Level),
    }
}

/// The labels to keep and the number of series that gives.
fn grouping(
    reading: Reading,
    series: &[Labels],
    carrier: &str,
    naming: &Naming,
) -> (Option<Vec<String>>, usize) {
    let present: BTreeSet<&str> =
        series.iter().flat_map(|labels| labels.keys().map(String::as_str)).collect();
    let instance = naming.pod.iter().map(String::as_str).find(|label| present.contains(label));
    let coarse = |keep: &dyn Fn(&str) -> bool| {
        let by: BTreeSet<&str> = present
            .iter()
            .copied()
            .filter(|label| *label != "le" && (*label == carrier || Some(*label) == instance || keep(label)))
            .collect();
        let count = groups(series, &by);
        (Some(by.into_iter().map(str::to_owned).collect()), count)
    };
    match reading {
        Reading::Level | Reading::Mean => (None, series.len()),
        Reading::Rate | Reading::NativeCount if series.len() <= MAX_RATES => (None, series.len()),
        Reading::Rate | Reading::NativeCount => coarse(&kinds::is_outcome),
        Reading::Quantile | Reading::NativeQuantile => {
            let fine = coarse(&|label| !kinds::is_outcome(label));
            if fine.1 <= MAX_QUANTILES { fine } else { coarse(&|_| false) }
        }
    }
}

fn groups(series: &[Labels], by: &BTreeSet<&str>) -> usize {
    let keys: BTreeSet<Vec<&str>> = series
        .iter()
        .map(|labels| by.iter().map(|label| labels.get(*label).map_or("", String::as_str)).collect())
        .collect();
    keys.len()
}
