//! What exists at the source for the suspects.

use std::collections::{BTreeMap, BTreeSet};

use quell_sdk::signal::Labels;

use crate::{
    labels::suspect,
    promql::{Selector, escape_regex},
};

/// Labels that say in which part of the world something runs. An alert from one part is not about the
/// service of the same name in another.
const PLACES: [&str; 9] = [
    "namespace",
    "k8s_namespace_name",
    "cluster",
    "k8s_cluster_name",
    "environment",
    "env",
    "region",
    "datacenter",
    "tenant",
];

/// A label that names suspects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carrier {
    pub(crate) label: String,
    /// Its values that are suspects. Empty: any value.
    pub(crate) values: BTreeSet<String>,
}

impl Carrier {
    /// A label that may name any of the suspects, with or without a namespace before them.
    pub(crate) fn guess(label: &str, suspects: &[String]) -> Selector {
        let mut selector = Selector::default();
        if suspects.is_empty() {
            selector.matching(label, ".+");
        } else {
            let names: Vec<String> = suspects.iter().map(|name| escape_regex(name)).collect();
            selector.matching(label, &format!("(.+/)?({})", names.join("|")));
        }
        selector
    }

    pub(crate) fn selector(&self) -> Selector {
        let mut selector = Selector::default();
        if self.values.is_empty() {
            selector.matching(&self.label, ".+");
        } else {
            selector.any_of(&self.label, self.values.iter().map(String::as_str));
        }
        selector
    }
}

/// The series of the suspects, each under the first label that names its service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) carriers: Vec<Carrier>,
    /// By metric and index of the carrier.
    pub(crate) metrics: BTreeMap<(String, usize), Vec<Labels>>,
    /// Places to stay within: label to allowed values. What has no such label is within.
    places: BTreeMap<String, BTreeSet<String>>,
}

impl Inventory {
    /// Sorts series by metric and carrier. Those of a suspect in another place than `places` says are
    /// left out, as long as the suspect has others.
    pub(crate) fn new(
        carriers: Vec<Carrier>,
        suspects: &[String],
        series: Vec<Labels>,
        places: &Labels,
    ) -> Self {
        let mut kept: Vec<(usize, String, Labels)> = Vec::new();
        for labels in series {
            let found = carriers.iter().enumerate().find_map(|(index, carrier)| {
                let value = labels.get(&carrier.label).filter(|value| !value.is_empty())?;
                if suspects.is_empty() {
                    return Some((index, value.clone()));
                }
                Some((index, suspect(value, suspects)?.to_owned()))
            });
            if let Some((index, service)) = found {
                kept.push((index, service, labels));
            }
        }
        let mut inventory = Self { carriers, ..Self::default() };
        for place in PLACES.iter().filter(|place| places.contains_key(**place)) {
            inventory.stay_within(place, places, &mut kept);
        }
        for (index, _, mut labels) in kept {
            let Some(metric) = labels.remove("__name__") else { continue };
            inventory.metrics.entry((metric, index)).or_default().push(labels);
        }
        for series in inventory.metrics.values_mut() {
            series.sort_unstable();
            series.dedup();
        }
        inventory
    }

    fn stay_within(&mut self, place: &str, places: &Labels, kept: &mut Vec<(usize, String, Labels)>) {
        let Some(here) = places.get(place) else { return };
        let at_home: BTreeSet<String> = kept
            .iter()
            .filter(|(.., labels)| labels.get(place) == Some(here))
            .map(|(_, service, _)| service.clone())
            .collect();
        let before = kept.len();
        kept.retain(|(_, service, labels)| {
            let there = labels.get(place).is_some_and(|value| value != here && !value.is_empty());
            !(there && at_home.contains(service))
        });
        if kept.len() < before {
            let values = kept.iter().filter_map(|(.., labels)| labels.get(place).cloned());
            self.places.insert(place.to_owned(), values.collect());
        }
    }

    /// What selects a carrier's series within the allowed places.
    pub(crate) fn selector(&self, carrier: usize) -> Selector {
        let mut selector = self.carriers.get(carrier).map(Carrier::selector).unwrap_or_default();
        for (label, values) in &self.places {
            let values: Vec<String> = values.iter().map(|value| escape_regex(value)).collect();
            // An empty alternative matches what lacks the label.
            selector.matching(label, &format!("|{}", values.join("|")));
        }
        selector
    }

    pub(crate) fn label(&self, carrier: usize) -> &str {
        self.carriers.get(carrier).map_or("", |carrier| carrier.label.as_str())
    }
}
