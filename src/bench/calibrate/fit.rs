use super::{
    Sample,
    cross::{figures, groups, held_out},
    isotonic, platt,
};
use crate::{
    bench::error::{Error, Result},
    domain::{CalibrationDataset, CalibrationProvenance, CalibrationTable, Decibans},
};

/// Fewest cases, and groups of them, that a fit is worth anything with.
const CASES: usize = 10;
const GROUPS: usize = 3;
/// Digits that a table keeps: more would only look exact.
const DIGITS: f64 = 1e6;

/// How a table is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Isotonic,
    Platt,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Isotonic => "isotonic",
            Self::Platt => "platt",
        }
    }

    fn points(self, samples: &[Sample]) -> Vec<(Decibans, f64)> {
        match self {
            Self::Isotonic => isotonic(samples),
            Self::Platt => platt(samples).points(samples),
        }
    }

    fn table(self, samples: &[Sample], provenance: CalibrationProvenance) -> Result<CalibrationTable> {
        let rounded = |value: f64| (value * DIGITS).round() / DIGITS;
        let mut points: Vec<_> = self
            .points(samples)
            .into_iter()
            .map(|(raw, probability)| (rounded(raw), rounded(probability)))
            .collect();
        points.dedup_by(|next, kept| next.0 <= kept.0);
        CalibrationTable::new(points, provenance).map_err(Error::TooFew)
    }
}

/// Fits both ways and keeps the one whose held-out answers have the better Brier score; Platt on a draw, as it
/// has fewer parameters.
///
/// # Errors
/// When there are too few cases or groups to judge by.
pub fn fit(
    samples: &[Sample],
    datasets: Vec<CalibrationDataset>,
    conditions: Vec<String>,
    date: &str,
) -> Result<CalibrationTable> {
    let groups = groups(samples).len();
    let cases = samples.iter().map(|sample| sample.weight).sum::<f64>().round() as usize;
    if cases < CASES || groups < GROUPS {
        return Err(Error::TooFew(format!(
            "{cases} cases of {groups} different causes are too few to fit; label at least {CASES} of {GROUPS}",
        )));
    }
    let judged = |method: Method| {
        figures(&held_out(samples, |others| match method.table(others, CalibrationProvenance::default()) {
            Ok(table) => Box::new(move |raw| table.apply(raw)),
            // Nothing is left when all cases are of one group.
            Err(_) => Box::new(|_| 0.5),
        }))
    };
    let before: Vec<(f64, bool)> = samples.iter().map(|sample| (sample.said, sample.right)).collect();
    let (of_isotonic, of_platt) = (judged(Method::Isotonic), judged(Method::Platt));
    let method = if of_isotonic.brier < of_platt.brier { Method::Isotonic } else { Method::Platt };
    let provenance = CalibrationProvenance {
        method: method.as_str().to_owned(),
        datasets,
        conditions,
        cases,
        groups,
        date: date.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        before: figures(&before),
        isotonic: of_isotonic,
        platt: of_platt,
    };
    method.table(samples, provenance)
}
