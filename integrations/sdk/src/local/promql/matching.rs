//! Matching the series of two vectors.

use std::{borrow::Cow, collections::HashMap};

use promql_parser::parser::{BinModifier, LabelModifier, VectorMatchCardinality};

use super::{
    aggregate::Grouping,
    value::{Column, Grid, bad, describe, unsupported},
};
use crate::Result;

/// How the series of two vectors find each other.
pub(super) struct Matching {
    /// Labels that must be equal.
    on: Grouping,
    side: Side,
    /// Labels that the "many" side takes from the "one" side.
    include: Vec<String>,
}

/// Most series of one match group that tell different labels to include, at different times.
const MAX_PARTNERS: usize = 100;

/// A series of the "one" side, or several joined.
struct Partner<'c, 'a> {
    column: &'c Column<'a>,
    values: Cow<'c, [Option<f64>]>,
}

type Groups<'c, 'a> = HashMap<Vec<(&'c str, &'c str)>, Vec<Partner<'c, 'a>>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    OneToOne,
    ManyLeft,
    ManyRight,
}

impl Matching {
    pub(super) fn of(modifier: Option<&BinModifier>) -> Result<Self> {
        let Some(modifier) = modifier else {
            let on = Grouping::Without(Vec::new());
            return Ok(Self { on, side: Side::OneToOne, include: Vec::new() });
        };
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            return Err(unsupported("`fill` of unmatched series"));
        }
        let on = match &modifier.matching {
            None => Grouping::Without(Vec::new()),
            Some(LabelModifier::Include(labels)) => Grouping::By(labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => Grouping::Without(labels.labels.clone()),
        };
        let (side, include) = match &modifier.card {
            VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => {
                (Side::OneToOne, Vec::new())
            }
            VectorMatchCardinality::ManyToOne(labels) => (Side::ManyLeft, labels.labels.clone()),
            VectorMatchCardinality::OneToMany(labels) => (Side::ManyRight, labels.labels.clone()),
        };
        Ok(Self { on, side, include })
    }

    /// Combines each pair of values that match. `combine` gets the left and the right value;
    /// `named` says whether the result still bears the metric's name.
    pub(super) fn pair<'a>(
        &self,
        left: Vec<Column<'a>>,
        right: Vec<Column<'a>>,
        grid: Grid,
        named: bool,
        combine: impl Fn(f64, f64) -> Option<f64>,
    ) -> Result<Vec<Column<'a>>> {
        let swap = self.side == Side::ManyRight;
        let (many, one) = if swap { (right, left) } else { (left, right) };
        let groups = self.group(&one, swap)?;
        let mut used: HashMap<Vec<(&str, &str)>, Vec<bool>> = HashMap::new();
        let mut result = Vec::with_capacity(many.len());
        for column in &many {
            let key = self.on.key(column);
            let Some(partners) = groups.get(&key) else { continue };
            if self.side == Side::OneToOne {
                let taken = used.entry(key).or_insert_with(|| vec![false; grid.count]);
                take(taken, column, partners)?;
            }
            for partner in partners {
                let pairs = column.values.iter().zip(partner.values.iter());
                let values = pairs.map(|(value, other)| match (value, other) {
                    (Some(value), Some(other)) if swap => combine(*other, *value),
                    (Some(value), Some(other)) => combine(*value, *other),
                    _ => None,
                });
                result.push(self.labelled(column, partner.column, values.collect(), named));
            }
        }
        result.retain(|column| !column.is_empty());
        Ok(result)
    }

    /// The "one" side by what must be equal. Series of a group that live at different times and tell the
    /// same labels to include are joined; two at one time are an error.
    fn group<'c, 'a>(&'c self, columns: &'c [Column<'a>], left: bool) -> Result<Groups<'c, 'a>> {
        let mut groups: Groups<'c, 'a> = HashMap::new();
        for column in columns {
            let group = groups.entry(self.on.key(column)).or_default();
            for known in group.iter() {
                let mut pairs = known.values.iter().zip(&column.values);
                if pairs.any(|(one, other)| one.is_some() && other.is_some()) {
                    let side = if left { "left" } else { "right" };
                    let what = describe(&column.name, &column.labels);
                    return Err(bad(format!(
                        "duplicate series for the match group on the {side} side, at {what}"
                    )));
                }
            }
            let same = |known: &&mut Partner<'_, '_>| {
                self.include.iter().all(|label| known.column.label(label) == column.label(label))
            };
            if let Some(known) = group.iter_mut().find(same) {
                for (one, other) in known.values.to_mut().iter_mut().zip(&column.values) {
                    *one = one.or(*other);
                }
            } else if group.len() < MAX_PARTNERS {
                group.push(Partner { column, values: Cow::Borrowed(&column.values) });
            } else {
                return Err(bad(format!("more than {MAX_PARTNERS} series in one match group")));
            }
        }
        Ok(groups)
    }

    fn labelled<'a>(
        &self,
        many: &Column<'a>,
        one: &Column<'_>,
        values: Vec<Option<f64>>,
        named: bool,
    ) -> Column<'a> {
        let mut name = if named { many.name.clone() } else { Cow::Borrowed("") };
        let mut labels = many.labels.clone();
        if self.side == Side::OneToOne {
            match &self.on {
                Grouping::By(names) => {
                    labels.to_mut().retain(|label, _| names.contains(label));
                    if !names.iter().any(|name| name == "__name__") {
                        name = Cow::Borrowed("");
                    }
                }
                Grouping::Without(names) if names.is_empty() => {}
                Grouping::Without(names) => labels.to_mut().retain(|label, _| !names.contains(label)),
            }
        }
        for label in &self.include {
            let value = one.label(label);
            if value.is_empty() {
                labels.to_mut().remove(label);
            } else {
                labels.to_mut().insert(label.clone(), value.to_owned());
            }
        }
        Column { name, labels, values, origin: None }
    }

    /// `and`, `or`, `unless`: keeps values by whether the other side has a match.
    pub(super) fn set<'a>(
        &self,
        op: Set,
        left: Vec<Column<'a>>,
        right: Vec<Column<'a>>,
        grid: Grid,
    ) -> Vec<Column<'a>> {
        let (mut kept, other, added) = match op {
            Set::And | Set::Unless => (left, right, Vec::new()),
            Set::Or => (right, left.clone(), left),
        };
        let there = presence(&self.on, &other, grid);
        for column in &mut kept {
            let mut values = std::mem::take(&mut column.values);
            match there.get(&self.on.key(column)) {
                Some(matched) => {
                    for (value, matched) in values.iter_mut().zip(matched) {
                        *value = value.filter(|_| *matched == (op == Set::And));
                    }
                }
                None if op == Set::And => values.fill(None),
                None => {}
            }
            column.values = values;
        }
        kept.extend(added);
        kept.retain(|column| !column.is_empty());
        kept
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    And,
    Or,
    Unless,
}

/// Marks the steps at which a series of the "many" side found a partner; a second one there is an error.
fn take(taken: &mut [bool], column: &Column<'_>, partners: &[Partner<'_, '_>]) -> Result<()> {
    for partner in partners {
        for ((taken, value), other) in taken.iter_mut().zip(&column.values).zip(partner.values.iter()) {
            if value.is_some() && other.is_some() && std::mem::replace(taken, true) {
                let what = describe(&column.name, &column.labels);
                return Err(bad(format!(
                    "multiple matches for labels: many-to-one matching must be explicit \
                     (group_left/group_right), at {what}"
                )));
            }
        }
    }
    Ok(())
}

/// For each group, at which steps it has any value.
fn presence<'c>(
    on: &'c Grouping,
    columns: &'c [Column<'_>],
    grid: Grid,
) -> HashMap<Vec<(&'c str, &'c str)>, Vec<bool>> {
    let mut groups: HashMap<_, Vec<bool>> = HashMap::new();
    for column in columns {
        let there = groups.entry(on.key(column)).or_insert_with(|| vec![false; grid.count]);
        for (there, value) in there.iter_mut().zip(&column.values) {
            *there |= value.is_some();
        }
    }
    groups
}
