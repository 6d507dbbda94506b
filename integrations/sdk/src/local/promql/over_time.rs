//! Functions of a range: which one a name means, and the `_over_time` family.

use super::{rate::View, value::unsupported};
use crate::{Result, signal::Point};

/// A function from a range of samples to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OverTime {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Deriv,
    PredictLinear,
    Changes,
    Resets,
    Avg,
    Min,
    Max,
    Sum,
    Count,
    Stddev,
    Stdvar,
    Quantile,
    Last,
    First,
    Present,
}

impl OverTime {
    /// The function of that name.
    pub(super) fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "delta" => Self::Delta,
            "irate" => Self::Irate,
            "idelta" => Self::Idelta,
            "deriv" => Self::Deriv,
            "predict_linear" => Self::PredictLinear,
            "changes" => Self::Changes,
            "resets" => Self::Resets,
            "avg_over_time" => Self::Avg,
            "min_over_time" => Self::Min,
            "max_over_time" => Self::Max,
            "sum_over_time" => Self::Sum,
            "count_over_time" => Self::Count,
            "stddev_over_time" => Self::Stddev,
            "stdvar_over_time" => Self::Stdvar,
            "quantile_over_time" => Self::Quantile,
            "last_over_time" => Self::Last,
            "first_over_time" => Self::First,
            "present_over_time" => Self::Present,
            other => return Err(unsupported(format_args!("function {other}"))),
        })
    }

    /// Whether resets of a counter matter to it.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Rate | Self::Increase)
    }

    /// Whether it looks at each sample of the range, rather than at a few.
    pub(super) fn reads_all(self) -> bool {
        !matches!(
            self,
            Self::Rate
                | Self::Increase
                | Self::Delta
                | Self::Irate
                | Self::Idelta
                | Self::Count
                | Self::Last
                | Self::First
                | Self::Present
        )
    }

    /// Whether its values are still samples of the metric.
    pub(super) fn keeps_name(self) -> bool {
        matches!(self, Self::Last | Self::First)
    }

    /// The value for a range; `parameter` is the quantile or the seconds ahead.
    pub(super) fn apply(self, view: View<'_>, parameter: f64) -> Option<f64> {
        let points = view.points;
        if points.is_empty() {
            return None;
        }
        match self {
            Self::Rate => view.rate(),
            Self::Increase => view.increase(),
            Self::Delta => view.delta(),
            Self::Irate => view.irate(),
            Self::Idelta => view.idelta(),
            Self::Deriv => view.deriv(),
            Self::PredictLinear => view.predict_linear(parameter),
            Self::Changes => Some(view.changes()),
            Self::Resets => Some(view.resets()),
            Self::Avg => Some(sum(values(points)) / points.len() as f64),
            Self::Min => values(points).reduce(lesser),
            Self::Max => values(points).reduce(greater),
            Self::Sum => Some(sum(values(points))),
            Self::Count => Some(points.len() as f64),
            Self::Stddev => Some(variance(values(points)).sqrt()),
            Self::Stdvar => Some(variance(values(points))),
            Self::Quantile => Some(quantile(parameter, &mut values(points).collect::<Vec<_>>())),
            Self::Last => points.last().map(|point| point.value),
            Self::First => points.first().map(|point| point.value),
            Self::Present => Some(1.0),
        }
    }
}

fn values(points: &[Point]) -> impl Iterator<Item = f64> + Clone {
    points.iter().map(|point| point.value)
}

/// The lesser of two, where any number is preferred to none.
pub(super) fn lesser(one: f64, other: f64) -> f64 {
    if other < one || one.is_nan() { other } else { one }
}

/// The greater of two, where any number is preferred to none.
pub(super) fn greater(one: f64, other: f64) -> f64 {
    if other > one || one.is_nan() { other } else { one }
}

/// Sum with Neumaier's compensation, as Prometheus adds.
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for value in values {
        let next = sum + value;
        if next.is_infinite() {
            lost = 0.0;
        } else if sum.abs() >= value.abs() {
            lost += (sum - next) + value;
        } else {
            lost += (value - next) + sum;
        }
        sum = next;
    }
    sum + lost
}

/// Population variance, in one pass.
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
    }
    squares / count
}

/// Quantile with linear interpolation between ranks; infinite outside of 0 to 1.
pub(super) fn quantile(wanted: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || wanted.is_nan() {
        return f64::NAN;
    }
    if wanted < 0.0 {
        return f64::NEG_INFINITY;
    }
    if wanted > 1.0 {
        return f64::INFINITY;
    }
    // NaN first, as Prometheus sorts.
    values.sort_by(|one, other| other.is_nan().cmp(&one.is_nan()).then_with(|| one.total_cmp(other)));
    let last = values.len() - 1;
    let rank = wanted * last as f64;
    let below = rank.floor() as usize;
    let weight = rank - rank.floor();
    match (values.get(below), values.get((below + 1).min(last))) {
        (Some(low), Some(high)) => low * (1.0 - weight) + high * weight,
        _ => f64::NAN,
    }
}
