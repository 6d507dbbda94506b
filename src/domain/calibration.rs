use serde::{Deserialize, Serialize};

use super::Decibans;

/// A monotone map from the raw score of the first hypothesis to the probability that it is right, fitted on
/// labelled incidents. Between its points it is straight, beyond them constant: nothing is claimed beyond what
/// was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationTable {
    /// [`CalibrationTable::FORMAT`].
    pub format: String,
    /// Raw score in decibans, and probability; both ascending.
    points: Vec<(Decibans, f64)>,
    /// Where it comes from.
    pub provenance: CalibrationProvenance,
}

/// What a table was fitted on, and what it is worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationProvenance {
    /// `isotonic` or `platt`.
    pub method: String,
    pub datasets: Vec<CalibrationDataset>,
    /// What was done to the incidents; each was answered under all of them, and counts once.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// Cases, and groups of cases alike in cause, over all datasets.
    pub cases: usize,
    pub groups: usize,
    /// Day of the fit, or of the newest incident in it.
    pub date: String,
    /// Of the program that gave the raw scores.
    pub version: String,
    /// The program's own probabilities, as they were.
    pub before: CalibrationFigures,
    /// By leave-one-group-out cross-validation: each case under a table that knows none of its group.
    pub isotonic: CalibrationFigures,
    pub platt: CalibrationFigures,
}

/// Cases of one dataset that a table was fitted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationDataset {
    pub name: String,
    pub cases: usize,
}

/// How far probabilities are from the truth; less is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationFigures {
    pub brier: f64,
    pub ece: f64,
    /// Mean of minus the natural logarithm of what was said of the truth.
    pub log_loss: f64,
}

impl CalibrationTable {
    pub const FORMAT: &'static str = "quell.calibration/1";
    /// A table through these points.
    ///
    /// # Errors
    /// Says which point is out of order, no number, or no probability.
    pub fn new(points: Vec<(Decibans, f64)>, provenance: CalibrationProvenance) -> Result<Self, String> {
        if points.is_empty() {
            return Err("the table has no points; fit it with `quell calibrate`".to_owned());
        }
        for (number, (raw, probability)) in points.iter().enumerate() {
            if !raw.is_finite() || !(0.0..=1.0).contains(probability) {
                return Err(format!(
                    "point {number}: ({raw}, {probability}) is no raw score and probability"
                ));
            }
        }
        let out_of_order = points.array_windows().position(|[one, two]| one.0 >= two.0 || one.1 > two.1);
        if let Some(number) = out_of_order {
            return Err(format!("point {}: the points do not ascend", number + 1));
        }
        Ok(Self { format: Self::FORMAT.to_owned(), points, provenance })
    }

    /// Reads a table that `quell calibrate` wrote.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(json: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if read.format != Self::FORMAT {
            return Err(format!("the format is {:?}; this program reads {:?}", read.format, Self::FORMAT));
        }
        Self::new(read.points, read.provenance)
    }

    /// The probability that an answer of this raw score is right.
    pub fn apply(&self, raw: Decibans) -> f64 {
        let after = self.points.partition_point(|(known, _)| *known <= raw);
        let below = after.checked_sub(1).and_then(|place| self.points.get(place));
        match (below, self.points.get(after)) {
            (Some((from, low)), Some((to, high))) => {
                (low + (high - low) * (raw - from) / (to - from)).clamp(*low, *high)
            }
            (Some((_, end)), None) | (None, Some((_, end))) => *end,
            (None, None) => 0.0,
        }
    }

    /// Raw score in decibans, and probability; both ascending.
    pub fn points(&self) -> &[(Decibans, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(points: &[(f64, f64)]) -> Result<CalibrationTable, String> {
        CalibrationTable::new(points.to_vec(), CalibrationProvenance::default())
    }

    #[test]
    fn straight_between_the_points_and_constant_beyond() {
        let table = table(&[(-10.0, 0.1), (0.0, 0.3), (20.0, 0.9)]).expect("a table");
        for (raw, expected) in
            [(-1e9, 0.1), (-10.0, 0.1), (-5.0, 0.2), (0.0, 0.3), (10.0, 0.6), (20.0, 0.9), (1e9, 0.9)]
        {
            assert!((table.apply(raw) - expected).abs() < 1e-12, "{raw}: {}", table.apply(raw));
        }
        let json = serde_json::to_string(&table).expect("JSON");
        assert_eq!(CalibrationTable::parse(&json), Ok(table));
    }

    #[test]
    fn a_table_that_does_not_ascend_is_refused() {
        assert!(table(&[]).is_err());
        assert!(table(&[(0.0, 0.5), (1.0, 0.4)]).is_err());
        assert!(table(&[(1.0, 0.4), (1.0, 0.5)]).is_err());
        assert!(table(&[(0.0, 1.1)]).is_err());
        assert!(table(&[(f64::NAN, 0.1)]).is_err());
        assert!(CalibrationTable::parse("{}").is_err());
    }

    proptest! {
        #[test]
        fn more_raw_never_means_less_probable(
            steps in prop::collection::vec((0.1_f64..20.0, 0.0_f64..0.2), 1..20),
            raws in prop::collection::vec(-300.0_f64..300.0, 2..20),
        ) {
            let mut at = (-50.0, 0.0_f64);
            let points: Vec<_> = steps
                .iter()
                .map(|(wide, high)| {
                    at = (at.0 + wide, (at.1 + high).min(1.0));
                    at
                })
                .collect();
            let table = table(&points).expect("a table");
            let mut raws = raws;
            raws.sort_by(f64::total_cmp);
            let values: Vec<f64> = raws.iter().map(|raw| table.apply(*raw)).collect();
            prop_assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            prop_assert!(values.is_sorted());
        }
    }
}
