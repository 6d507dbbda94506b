//! Functions of instant vectors and scalars.

use std::borrow::Cow;

use super::{
    histogram,
    value::{Column, Grid, Value, bad, unsupported},
};
use crate::{Result, signal::Labels};

/// Applies the function of that name.
pub(super) fn apply<'a>(name: &str, args: Vec<Value<'a>>, grid: Grid) -> Result<Value<'a>> {
    let mut args = args.into_iter();
    let mut next = || args.next().ok_or_else(|| bad(format!("{name} lacks an argument")));
    let simple: Option<fn(f64) -> f64> = match name {
        "abs" => Some(f64::abs),
        "ceil" => Some(f64::ceil),
        "floor" => Some(f64::floor),
        "exp" => Some(f64::exp),
        "ln" => Some(f64::ln),
        "log2" => Some(f64::log2),
        "log10" => Some(f64::log10),
        "sqrt" => Some(f64::sqrt),
        "sgn" => Some(|value| if value == 0.0 || value.is_nan() { value } else { value.signum() }),
        "deg" => Some(f64::to_degrees),
        "rad" => Some(f64::to_radians),
        _ => None,
    };
    if let Some(function) = simple {
        let columns = next()?.into_vector(name)?;
        return Ok(Value::Vector(columns.into_iter().map(|column| column.map(function)).collect()));
    }
    Ok(match name {
        "round" => {
            let columns = next()?.into_vector(name)?;
            let nearest = match args.next() {
                Some(nearest) => nearest.into_scalar(name)?,
                None => vec![1.0; grid.count],
            };
            per_step(columns, |value, index| {
                let inverse = 1.0 / nearest.get(index).copied().unwrap_or(1.0);
                Some((value * inverse + 0.5).floor() / inverse)
            })
        }
        "clamp" => {
            let columns = next()?.into_vector(name)?;
            let (low, high) = (next()?.into_scalar(name)?, next()?.into_scalar(name)?);
            per_step(columns, |value, index| {
                let (low, high) = (*low.get(index)?, *high.get(index)?);
                (low <= high || low.is_nan() || high.is_nan()).then(|| most(low, least(high, value)))
            })
        }
        "clamp_min" | "clamp_max" => {
            let columns = next()?.into_vector(name)?;
            let bound = next()?.into_scalar(name)?;
            let choose = if name == "clamp_min" { most } else { least };
            per_step(columns, |value, index| Some(choose(*bound.get(index)?, value)))
        }
        "scalar" => {
            let columns = next()?.into_vector(name)?;
            Value::Scalar((0..grid.count).map(|index| only(&columns, index)).collect())
        }
        "vector" => {
            let values = next()?.into_scalar(name)?;
            let values = values.into_iter().map(Some).collect();
            Value::Vector(vec![Column::computed(Cow::Owned(Labels::new()), values)])
        }
        "time" => Value::Scalar(grid.times().map(|time| time as f64 / 1e9).collect()),
        "pi" => Value::Scalar(vec![std::f64::consts::PI; grid.count]),
        // Over a range, series come in order of their labels whatever the expression says.
        "sort" | "sort_desc" => Value::Vector(next()?.into_vector(name)?),
        "histogram_quantile" => {
            let wanted = next()?.into_scalar(name)?;
            Value::Vector(histogram::quantiles(&wanted, next()?.into_vector(name)?))
        }
        other => return Err(unsupported(format_args!("function {other}"))),
    })
}

/// One where nothing is.
pub(super) fn absent<'a>(columns: &[Column<'_>], fixed: Labels, grid: Grid) -> Vec<Column<'a>> {
    let there = |index: usize| columns.iter().any(|column| matches!(column.values.get(index), Some(Some(_))));
    let values: Vec<_> = (0..grid.count).map(|index| (!there(index)).then_some(1.0)).collect();
    if values.iter().all(Option::is_none) {
        return Vec::new();
    }
    vec![Column::computed(Cow::Owned(fixed), values)]
}

fn per_step<'a>(columns: Vec<Column<'a>>, change: impl Fn(f64, usize) -> Option<f64>) -> Value<'a> {
    let changed = columns.into_iter().map(|mut column| {
        for (index, value) in column.values.iter_mut().enumerate() {
            *value = value.and_then(|value| change(value, index));
        }
        column.unnamed()
    });
    Value::Vector(changed.filter(|column| !column.is_empty()).collect())
}

/// The value of the only series there is at a step.
fn only(columns: &[Column<'_>], index: usize) -> f64 {
    let mut there = columns.iter().filter_map(|column| column.values.get(index).copied().flatten());
    match (there.next(), there.next()) {
        (Some(value), None) => value,
        _ => f64::NAN,
    }
}

/// Maximum that is NaN if either is.
fn most(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) }
}

/// Minimum that is NaN if either is.
fn least(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.min(other) }
}
