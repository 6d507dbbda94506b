//! Arithmetic, comparison and set operators.

use promql_parser::parser::{
    BinaryExpr,
    token::{self, TokenType},
};

use super::{
    matching::{Matching, Set},
    value::{Column, Grid, Value, bad, unsupported},
};
use crate::Result;

/// An operator between two numbers.
#[derive(Clone, Copy)]
enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    Comparison(fn(&f64, &f64) -> bool),
}

impl Operator {
    fn of(op: TokenType) -> Result<Self> {
        Ok(match op.id() {
            token::T_ADD => Self::Arithmetic(|left, right| left + right),
            token::T_SUB => Self::Arithmetic(|left, right| left - right),
            token::T_MUL => Self::Arithmetic(|left, right| left * right),
            token::T_DIV => Self::Arithmetic(|left, right| left / right),
            token::T_MOD => Self::Arithmetic(|left, right| left % right),
            token::T_POW => Self::Arithmetic(f64::powf),
            token::T_ATAN2 => Self::Arithmetic(f64::atan2),
            token::T_EQLC => Self::Comparison(f64::eq),
            token::T_NEQ => Self::Comparison(f64::ne),
            token::T_GTR => Self::Comparison(f64::gt),
            token::T_LSS => Self::Comparison(f64::lt),
            token::T_GTE => Self::Comparison(f64::ge),
            token::T_LTE => Self::Comparison(f64::le),
            _ => return Err(unsupported(format_args!("operator {op}"))),
        })
    }

    /// The value of `left OP right`; a comparison that fails gives none, and one that holds gives the
    /// value to keep, unless it is to tell the outcome as 0 or 1.
    fn combine(self, left: f64, right: f64, keep: f64, tell: bool) -> Option<f64> {
        match self {
            Self::Arithmetic(compute) => Some(compute(left, right)),
            Self::Comparison(holds) if tell => Some(f64::from(u8::from(holds(&left, &right)))),
            Self::Comparison(holds) => holds(&left, &right).then_some(keep),
        }
    }
}

pub(super) fn apply<'a>(
    expr: &BinaryExpr,
    left: Value<'a>,
    right: Value<'a>,
    grid: Grid,
) -> Result<Value<'a>> {
    let matching = Matching::of(expr.modifier.as_ref())?;
    let set = match expr.op.id() {
        token::T_LAND => Some(Set::And),
        token::T_LOR => Some(Set::Or),
        token::T_LUNLESS => Some(Set::Unless),
        _ => None,
    };
    if let Some(set) = set {
        let (left, right) = (left.into_vector("a set operator")?, right.into_vector("a set operator")?);
        return Ok(Value::Vector(matching.set(set, left, right, grid)));
    }
    let operator = Operator::of(expr.op)?;
    let tell = expr.return_bool();
    let filter = matches!(operator, Operator::Comparison(_)) && !tell;
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            if filter {
                return Err(bad("comparisons between scalars must use `bool`"));
            }
            let pairs = left.into_iter().zip(right);
            let combined = pairs.map(|(left, right)| operator.combine(left, right, left, tell));
            Value::Scalar(combined.map(|value| value.unwrap_or(f64::NAN)).collect())
        }
        (Value::Vector(columns), Value::Scalar(scalar)) => {
            with_scalar(columns, &scalar, filter, |value, scalar| {
                operator.combine(value, scalar, value, tell)
            })
        }
        (Value::Scalar(scalar), Value::Vector(columns)) => {
            with_scalar(columns, &scalar, filter, |value, scalar| {
                operator.combine(scalar, value, value, tell)
            })
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let combine = |left, right| operator.combine(left, right, left, tell);
            Value::Vector(matching.pair(left, right, grid, filter, combine)?)
        }
        (Value::Text(_), _) | (_, Value::Text(_)) => return Err(bad("strings have no operators")),
    })
}

fn with_scalar<'a>(
    columns: Vec<Column<'a>>,
    scalar: &[f64],
    filter: bool,
    combine: impl Fn(f64, f64) -> Option<f64>,
) -> Value<'a> {
    let combined = columns.into_iter().map(|mut column| {
        for (value, scalar) in column.values.iter_mut().zip(scalar) {
            *value = value.and_then(|value| combine(value, *scalar));
        }
        if filter { column } else { column.unnamed() }
    });
    Value::Vector(combined.filter(|column| !column.is_empty()).collect())
}
