//! Aggregation over series.

use std::{borrow::Cow, collections::BTreeMap};

use promql_parser::parser::{
    LabelModifier,
    token::{self, TokenType},
};

use super::{
    over_time::{greater, lesser, quantile, sum, variance},
    value::{Column, Grid, bad, unsupported},
};
use crate::{Result, signal::Labels};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregator {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Quantile,
    Topk,
    Bottomk,
    CountValues,
}

impl Aggregator {
    pub(super) fn of(op: TokenType) -> Result<Self> {
        Ok(match op.id() {
            token::T_SUM => Self::Sum,
            token::T_AVG => Self::Avg,
            token::T_MIN => Self::Min,
            token::T_MAX => Self::Max,
            token::T_COUNT => Self::Count,
            token::T_GROUP => Self::Group,
            token::T_STDDEV => Self::Stddev,
            token::T_STDVAR => Self::Stdvar,
            token::T_QUANTILE => Self::Quantile,
            token::T_TOPK => Self::Topk,
            token::T_BOTTOMK => Self::Bottomk,
            token::T_COUNT_VALUES => Self::CountValues,
            _ => return Err(unsupported(format_args!("aggregation {op}"))),
        })
    }
}

/// Which labels a group shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

impl Grouping {
    pub(super) fn of(modifier: Option<&LabelModifier>) -> Self {
        match modifier {
            None => Self::By(Vec::new()),
            Some(LabelModifier::Include(labels)) => Self::By(labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => Self::Without(labels.labels.clone()),
        }
    }

    /// The labels of a column that its group has, in order of name. A label `by` names that the column
    /// lacks is not among them.
    pub(super) fn key<'c>(&'c self, column: &'c Column<'_>) -> Vec<(&'c str, &'c str)> {
        match self {
            Self::By(names) => {
                let mut key: Vec<_> = names
                    .iter()
                    .map(|name| (name.as_str(), column.label(name)))
                    .filter(|(_, value)| !value.is_empty())
                    .collect();
                key.sort_unstable();
                key.dedup();
                key
            }
            Self::Without(names) => column
                .labels
                .iter()
                .filter(|(name, value)| !value.is_empty() && !names.contains(name))
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        }
    }
}

/// The parameter of an aggregation, for each step if it is a number.
#[derive(Clone, Debug)]
pub(crate) enum Parameter {
    None,
    Numbers(Vec<f64>),
    Label(String),
}

impl Parameter {
    fn number(&self, index: usize) -> f64 {
        match self {
            Self::Numbers(values) => values.get(index).copied().unwrap_or(f64::NAN),
            Self::None | Self::Label(_) => f64::NAN,
        }
    }
}

pub(crate) fn aggregate<'a>(
    kind: Aggregator,
    by: &Grouping,
    parameter: &Parameter,
    columns: Vec<Column<'a>>,
    grid: Grid,
) -> Result<Vec<Column<'a>>> {
    let mut groups: BTreeMap<Vec<(&str, &str)>, Vec<usize>> = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        groups.entry(by.key(column)).or_default().push(index);
    }
    if matches!(kind, Aggregator::Topk | Aggregator::Bottomk) {
        let groups: Vec<_> = groups.into_values().collect();
        return Ok(pick(kind, parameter, columns, &groups, grid));
    }
    let mut result = Vec::with_capacity(groups.len());
    let mut present = Vec::new();
    for (key, members) in groups {
        let mut labels: Labels =
            key.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let name = labels.remove("__name__").map_or(Cow::Borrowed(""), Cow::Owned);
        let members: Vec<_> = members.iter().filter_map(|index| columns.get(*index)).collect();
        if kind == Aggregator::CountValues {
            count_values(&mut result, &labels, parameter, &members, grid)?;
            continue;
        }
        let values = (0..grid.count)
            .map(|index| {
                present.clear();
                present
                    .extend(members.iter().filter_map(|column| column.values.get(index).copied().flatten()));
                (!present.is_empty()).then(|| reduce(kind, parameter.number(index), &mut present))
            })
            .collect();
        result.push(Column { name, labels: Cow::Owned(labels), values, origin: None });
    }
    result.retain(|column| !column.is_empty());
    Ok(result)
}

fn reduce(kind: Aggregator, parameter: f64, values: &mut [f64]) -> f64 {
    let all = || values.iter().copied();
    let count = values.len() as f64;
    match kind {
        Aggregator::Sum => sum(all()),
        Aggregator::Avg => sum(all()) / count,
        Aggregator::Min => all().reduce(lesser).unwrap_or(f64::NAN),
        Aggregator::Max => all().reduce(greater).unwrap_or(f64::NAN),
        Aggregator::Count => count,
        Aggregator::Group => 1.0,
        Aggregator::Stddev => variance(all()).sqrt(),
        Aggregator::Stdvar => variance(all()),
        Aggregator::Quantile => quantile(parameter, values),
        // These give more than one value and are not reduced.
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::CountValues => f64::NAN,
    }
}

/// Keeps the `k` greatest or least values of each group at each step. Of equal ones the first in order
/// stays; what is not a number comes last.
fn pick<'a>(
    kind: Aggregator,
    parameter: &Parameter,
    mut columns: Vec<Column<'a>>,
    groups: &[Vec<usize>],
    grid: Grid,
) -> Vec<Column<'a>> {
    let mut ranked: Vec<(f64, usize)> = Vec::new();
    for members in groups {
        for index in 0..grid.count {
            let wanted = parameter.number(index).max(0.0) as usize;
            ranked.clear();
            let there = members.iter().filter_map(|member| {
                Some((columns.get(*member)?.values.get(index).copied().flatten()?, *member))
            });
            ranked.extend(there);
            ranked.sort_by(|(one, _), (other, _)| {
                let by_value =
                    if kind == Aggregator::Topk { other.total_cmp(one) } else { one.total_cmp(other) };
                one.is_nan().cmp(&other.is_nan()).then(by_value)
            });
            for (_, member) in ranked.iter().skip(wanted) {
                let value = columns.get_mut(*member).and_then(|column| column.values.get_mut(index));
                if let Some(value) = value {
                    *value = None;
                }
            }
        }
    }
    columns.retain(|column| !column.is_empty());
    columns
}

/// One series for each value that occurs, with how often it does.
fn count_values<'a>(
    result: &mut Vec<Column<'a>>,
    labels: &Labels,
    parameter: &Parameter,
    members: &[&Column<'_>],
    grid: Grid,
) -> Result<()> {
    /// Different values of one group.
    const MOST: usize = 1_000;
    let Parameter::Label(label) = parameter else {
        return Err(bad("count_values needs the name of a label"));
    };
    let mut counts: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for column in members {
        for (index, value) in column.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let counted = counts.entry(value.to_string()).or_insert_with(|| vec![None; grid.count]);
            if let Some(count) = counted.get_mut(index) {
                *count = Some(count.unwrap_or(0.0) + 1.0);
            }
        }
        if counts.len() > MOST {
            return Err(bad(format!("count_values found more than {MOST} different values")));
        }
    }
    for (value, values) in counts {
        let mut labels = labels.clone();
        labels.insert(label.clone(), value);
        result.push(Column::computed(Cow::Owned(labels), values));
    }
    Ok(())
}
