//! What is normal for the series of a healthy recording, worked out once.

use quell_sdk::signal::{Labels, Series};

use super::Normal;
use crate::analysis::{case::Case, hash::HashMap};

/// What the healthy recording says of one series.
pub struct Usual {
    /// Its values.
    pub count: usize,
    /// `None` when there are too few.
    pub normal: Option<Normal>,
}

/// By name and labels.
pub struct Healthy<'a>(HashMap<(&'a str, &'a Labels), Usual>);

impl<'a> Healthy<'a> {
    pub fn new(case: &'a Case) -> Self {
        let usual = |series: &Series| {
            let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
            Usual { count: values.len(), normal: Normal::of(&values) }
        };
        let known = case.reference.by_identity();
        Self(known.into_iter().map(|(identity, series)| (identity, usual(series))).collect())
    }

    /// What is known of a series of now.
    pub fn get<'b>(&'b self, series: &'b Series) -> Option<&'b Usual> {
        self.0.get(&(series.name.as_str(), &series.labels))
    }
}
