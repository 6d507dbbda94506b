use std::time::Duration;

use promql_parser::parser::Expr;

use super::{
    eval::Evaluator,
    parse::{parse, shown},
    select::nanos,
    value::{Column, Grid, Value, bad, unite},
};
use crate::{
    Result,
    signal::{Labels, MetricKind, Point, Series, Window},
};

/// Most points that a series of an answer has, as at a Prometheus server.
const MAX_STEPS: usize = 11_000;

/// Evaluates an expression at each step of the window: at its start, and every `step` from there on,
/// before its end. A window of no length is one step.
///
/// Series come in order of name and labels, each with `expr` as its query. Only a plain selector keeps
/// the kind and unit of what it selects; anything computed is a gauge without a unit. What is not a
/// finite number (`0/0`) has no point. A scalar is one series without name and labels.
///
/// # Errors
/// [`BadRequest`](crate::ErrorKind::BadRequest) when it does not parse, would cost more than is allowed,
/// or cannot be evaluated (a many-to-one match); [`Unsupported`](crate::ErrorKind::Unsupported) names what
/// this evaluator does not know.
pub fn range<'a>(
    series: impl IntoIterator<Item = &'a Series>,
    expr: &str,
    window: Window,
    step: Duration,
) -> Result<Vec<Series>> {
    let grid = grid(window, step)?;
    let parsed = parse(expr)?;
    let evaluator = Evaluator::new(series.into_iter().collect(), (window.start_nanos(), window.end_nanos()));
    let columns = match evaluator.eval(&parsed, grid)? {
        Value::Vector(columns) => unite(columns)?,
        Value::Scalar(values) => {
            let values = values.into_iter().map(Some).collect();
            vec![Column::computed(std::borrow::Cow::Owned(Labels::new()), values)]
        }
        Value::Text(_) => return Err(bad(format!("`{}` is a string, not a series", shown(expr)))),
    };
    let plain = is_selector(&parsed);
    let origins: Vec<_> = columns.iter().map(|column| column.origin.filter(|_| plain)).collect();
    let mut answer = finish(columns, grid, expr);
    for (series, origin) in answer.iter_mut().zip(origins) {
        if let Some(origin) = origin {
            series.kind = origin.kind;
            series.unit.clone_from(&origin.unit);
        }
    }
    answer.retain(|series| !series.points.is_empty());
    Ok(answer)
}

/// The steps of a window.
pub(crate) fn grid(window: Window, step: Duration) -> Result<Grid> {
    let (start, end) = (window.start_nanos(), window.end_nanos());
    let step = nanos(step)?;
    if step == 0 {
        return Err(bad("the step is zero"));
    }
    let length = end.saturating_sub(start);
    let steps = if length == 0 { 1 } else { (length - 1) / step + 1 };
    match usize::try_from(steps) {
        Ok(count) if count <= MAX_STEPS => Ok(Grid { start, step, count }),
        _ => Err(bad(format!("{steps} points per series are more than {MAX_STEPS}: widen the step"))),
    }
}

/// Whether an expression is a plain selector, `NAME{...}`: it gives samples as they are.
pub fn is_plain(expr: &str) -> bool {
    parse(expr).is_ok_and(|expr| is_selector(&expr))
}

fn is_selector(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_selector(&inner.expr),
        Expr::VectorSelector(_) => true,
        _ => false,
    }
}

/// The columns as series: gauges without a unit, without what is not a finite number. A series may be
/// left without a point.
pub(crate) fn finish(columns: Vec<Column<'_>>, grid: Grid, expr: &str) -> Vec<Series> {
    let finish = |column: Column<'_>| {
        let mut points = Vec::with_capacity(column.values.len());
        let there =
            grid.times().zip(&column.values).filter_map(|(at, value)| Some(Point { at, value: (*value)? }));
        points.extend(there.filter(|point| point.value.is_finite()));
        Series {
            name: column.name.into_owned(),
            labels: column.labels.into_owned(),
            kind: MetricKind::Gauge,
            unit: String::new(),
            points,
            query: expr.to_owned(),
        }
    };
    columns.into_iter().map(finish).collect()
}
