use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    Report,
    error::{Error, Result},
};

/// What has to be reached, by dataset; figures by their key in the JSON output.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Floors {
    datasets: BTreeMap<String, Floor>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Floor {
    /// For all of them the figures are; a run over fewer cases is not comparable.
    cases: Option<usize>,
    at_least: BTreeMap<String, f64>,
    at_most: BTreeMap<String, f64>,
}

/// A figure that is not what it has to be.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("{dataset}: {what}")]
pub struct Breach {
    pub dataset: String,
    pub what: String,
}

impl Floors {
    /// Reads a file of floors.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::content(
                path,
                format!("{error}; write {{\"DATASET\": {{\"at_least\": {{\"ac1\": 0.8}}}}}}"),
            )
        })
    }

    /// Whether something has to be reached there.
    pub fn knows(&self, dataset: &str) -> bool {
        self.datasets.contains_key(dataset)
    }

    /// Every figure that falls short. A figure that is not there falls short as well, and so does a dataset
    /// for which nothing has to be reached: else a typing error would hold nothing.
    pub fn breaches(&self, reports: &[Report]) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for report in reports {
            let mut breach = |what: String| breaches.push(Breach { dataset: report.dataset.clone(), what });
            let Some(floor) = self.datasets.get(&report.dataset) else {
                breach("has no floor; add one, or leave the dataset out".to_owned());
                continue;
            };
            let cases = report.figures.cases;
            if let Some(expected) = floor.cases.filter(|expected| *expected != cases) {
                breach(format!("{cases} cases, but the floor is for {expected}; run all of them"));
            }
            let sides = [(&floor.at_least, "at least", 1.0), (&floor.at_most, "at most", -1.0)];
            for (bounds, word, sign) in sides {
                for (key, bound) in bounds {
                    match report.figures.get(key) {
                        None => breach(format!("{key} was not measured; it has to be {word} {bound}")),
                        Some(value) if (value - bound) * sign < 0.0 => {
                            breach(format!("{key} is {}; it has to be {word} {bound}", short(value)));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        breaches
    }
}

/// Three digits, and none for a count.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.strip_suffix(".000").map_or_else(|| text.clone(), str::to_owned)
}
