//! Walking the syntax tree.

use std::{borrow::Cow, cell::Cell};

use promql_parser::parser::{Call, Expr, MatrixSelector, SubqueryExpr};

use super::{
    aggregate, binary, functions,
    over_time::OverTime,
    rate::Counter,
    relabel,
    select::{self, Shift, Track, nanos, spans_of},
    value::{Column, Grid, Value, bad, unsupported},
};
use crate::{
    Result,
    signal::{Labels, Point, Series, UnixNanos},
};

/// Most values that one part of an expression may evaluate to: series times steps.
const MAX_VALUES: usize = 5_000_000;
/// Deepest nesting, operators in a row included: evaluation recurses.
const MAX_DEPTH: usize = 64;
/// Most samples that an expression may read or compute in all.
const MAX_WORK: usize = 50_000_000;
/// Most steps of a subquery.
const MAX_SUBQUERY_STEPS: usize = 50_000;
/// Step of a subquery that names none: Prometheus' default evaluation interval.
const SUBQUERY_STEP: i64 = 60 * 1_000_000_000;

pub(super) struct Evaluator<'a> {
    series: Vec<&'a Series>,
    /// What `@ start()` and `@ end()` mean.
    window: (UnixNanos, UnixNanos),
    work: Cell<usize>,
    depth: Cell<usize>,
}

/// What a range function reads: series, and for each step the end of its range.
struct Ranges<'a> {
    tracks: Vec<Track<'a>>,
    shift: Shift,
    /// Nanoseconds.
    length: i64,
    /// Labels that the selector fixes, for `absent_over_time`.
    fixed: Labels,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(series: Vec<&'a Series>, window: (UnixNanos, UnixNanos)) -> Self {
        Self { series, window, work: Cell::new(0), depth: Cell::new(0) }
    }

    pub(super) fn eval(&self, expr: &Expr, grid: Grid) -> Result<Value<'a>> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(bad(format!("expression nests more than {MAX_DEPTH} deep")));
        }
        self.depth.set(depth + 1);
        let value = self.node(expr, grid);
        self.depth.set(depth);
        value
    }

    fn node(&self, expr: &Expr, grid: Grid) -> Result<Value<'a>> {
        match expr {
            Expr::Paren(inner) => self.eval(&inner.expr, grid),
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; grid.count])),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::VectorSelector(selector) => {
                let shift = Shift::new(selector.at.as_ref(), selector.offset.as_ref(), self.window)?;
                self.instant(expr, shift, grid, |point| point.value)
            }
            Expr::Unary(unary) => Ok(match self.eval(&unary.expr, grid)? {
                Value::Scalar(values) => Value::Scalar(values.into_iter().map(|value| -value).collect()),
                other => {
                    let columns = other.into_vector("unary minus")?;
                    Value::Vector(columns.into_iter().map(|column| column.map(|value| -value)).collect())
                }
            }),
            Expr::Aggregate(aggregate) => {
                let columns = self.vector(&aggregate.expr, grid, "an aggregation")?;
                let parameter = match &aggregate.param {
                    None => aggregate::Parameter::None,
                    Some(param) => match self.eval(param, grid)? {
                        Value::Scalar(values) => aggregate::Parameter::Numbers(values),
                        Value::Text(text) => aggregate::Parameter::Label(text),
                        Value::Vector(_) => return Err(bad("the parameter of an aggregation is a scalar")),
                    },
                };
                self.spend(columns.len().saturating_mul(grid.count))?;
                let kind = aggregate::Aggregator::of(aggregate.op)?;
                let by = aggregate::Grouping::of(aggregate.modifier.as_ref());
                Ok(Value::Vector(aggregate::aggregate(kind, &by, &parameter, columns, grid)?))
            }
            Expr::Binary(operation) => {
                let left = self.eval(&operation.lhs, grid)?;
                let right = self.eval(&operation.rhs, grid)?;
                self.spend(grid.count)?;
                let value = binary::apply(operation, left, right, grid)?;
                if let Value::Vector(columns) = &value {
                    self.hold(columns.len(), grid)?;
                }
                Ok(value)
            }
            Expr::Call(call) => self.call(call, grid),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                Err(bad("a range of samples needs a function around it"))
            }
            Expr::Extension(_) => Err(unsupported("an extension of the syntax")),
        }
    }

    fn vector(&self, expr: &Expr, grid: Grid, place: &str) -> Result<Vec<Column<'a>>> {
        self.eval(expr, grid)?.into_vector(place)
    }

    /// Evaluates an instant selector, reading something from each step's sample.
    fn instant(
        &self,
        expr: &Expr,
        shift: Shift,
        grid: Grid,
        read: impl Fn(&Point) -> f64,
    ) -> Result<Value<'a>> {
        let Expr::VectorSelector(selector) = expr else { return Err(bad("a selector is needed")) };
        let selected = select::select(&self.series, selector)?;
        self.hold(selected.len(), grid)?;
        let columns = selected.into_iter().map(|series| select::instant(series, shift.times(grid), &read));
        Ok(Value::Vector(columns.filter(|column| !column.is_empty()).collect()))
    }

    fn call(&self, call: &Call, grid: Grid) -> Result<Value<'a>> {
        let name = call.func.name;
        let args: Vec<&Expr> = call.args.args.iter().map(|arg| &**arg).collect();
        if let Some(at) = args.iter().position(|arg| is_range(arg)) {
            return self.over_time(name, &args, at, grid);
        }
        match (name, args.as_slice()) {
            ("timestamp", [arg]) => {
                if let Expr::VectorSelector(selector) = bare(arg) {
                    let shift = Shift::new(selector.at.as_ref(), selector.offset.as_ref(), self.window)?;
                    let columns = self.instant(bare(arg), shift, grid, |point| point.at as f64 / 1e9)?;
                    let columns = columns.into_vector(name)?;
                    return Ok(Value::Vector(columns.into_iter().map(Column::unnamed).collect()));
                }
                let mut columns = self.vector(arg, grid, name)?;
                for column in &mut columns {
                    for (time, value) in grid.times().zip(&mut column.values) {
                        *value = value.map(|_| time as f64 / 1e9);
                    }
                }
                Ok(Value::Vector(columns.into_iter().map(Column::unnamed).collect()))
            }
            ("absent", [arg]) => {
                let columns = self.vector(arg, grid, name)?;
                let fixed = match bare(arg) {
                    Expr::VectorSelector(selector) => select::fixed_labels(&selector.matchers),
                    _ => Labels::new(),
                };
                Ok(Value::Vector(functions::absent(&columns, fixed, grid)))
            }
            _ => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(self.eval(arg, grid)?);
                }
                self.spend(grid.count)?;
                match name {
                    "label_replace" | "label_join" => relabel::apply(name, values),
                    _ => functions::apply(name, values, grid),
                }
            }
        }
    }

    /// A function of a range, which is the argument `at`; another argument is its parameter.
    fn over_time(&self, name: &str, args: &[&Expr], at: usize, grid: Grid) -> Result<Value<'a>> {
        let absent = name == "absent_over_time";
        let function = if absent { OverTime::Present } else { OverTime::named(name)? };
        let mut parameter = vec![f64::NAN; grid.count];
        for (index, arg) in args.iter().enumerate() {
            if index != at {
                parameter = self.eval(arg, grid)?.into_scalar(name)?;
            }
        }
        let Some(ranges) = args.get(at) else { return Err(bad(format!("{name} needs a range"))) };
        let ranges = self.ranges(ranges, grid)?;
        let mut columns = Vec::with_capacity(ranges.tracks.len());
        for track in ranges.tracks {
            let column = self.reduce(function, &track, (ranges.shift, ranges.length), &parameter, grid)?;
            if column.iter().any(Option::is_some) {
                let keep = function.keeps_name();
                let name = if keep { track.name } else { Cow::Borrowed("") };
                columns.push(Column { name, labels: track.labels, values: column, origin: None });
            }
        }
        Ok(Value::Vector(if absent { functions::absent(&columns, ranges.fixed, grid) } else { columns }))
    }

    fn reduce(
        &self,
        function: OverTime,
        track: &Track<'_>,
        (shift, length): (Shift, i64),
        parameter: &[f64],
        grid: Grid,
    ) -> Result<Vec<Option<f64>>> {
        let points: &[Point] = &track.points;
        let counter = if function.counts() { Counter::new(points) } else { Counter::without_resets(points) };
        let mut values = Vec::with_capacity(grid.count);
        for ((end, span), parameter) in spans_of(points, shift.times(grid), length).zip(parameter) {
            if function.reads_all() {
                self.spend(span.len())?;
            }
            values.push(function.apply(counter.view(span, end, length), *parameter));
        }
        Ok(values)
    }

    fn ranges(&self, expr: &Expr, grid: Grid) -> Result<Ranges<'a>> {
        match bare(expr) {
            Expr::MatrixSelector(MatrixSelector { vs, range }) => {
                let shift = Shift::new(vs.at.as_ref(), vs.offset.as_ref(), self.window)?;
                let selected = select::select(&self.series, vs)?;
                self.hold(selected.len(), grid)?;
                let tracks = selected
                    .into_iter()
                    .map(|series| Track {
                        name: Cow::Borrowed(&series.name),
                        labels: Cow::Borrowed(&series.labels),
                        points: Cow::Borrowed(&series.points),
                    })
                    .collect();
                Ok(Ranges {
                    tracks,
                    shift,
                    length: nanos(*range)?,
                    fixed: select::fixed_labels(&vs.matchers),
                })
            }
            Expr::Subquery(subquery) => self.subquery(subquery, grid),
            _ => Err(bad("a range of samples is needed")),
        }
    }

    /// Evaluates a subquery on its own grid, whose steps are multiples of its step since the epoch.
    fn subquery(&self, subquery: &SubqueryExpr, grid: Grid) -> Result<Ranges<'a>> {
        let shift = Shift::new(subquery.at.as_ref(), subquery.offset.as_ref(), self.window)?;
        let length = nanos(subquery.range)?;
        let step = subquery.step.map(nanos).transpose()?.unwrap_or(SUBQUERY_STEP);
        if step == 0 {
            return Err(bad("the step of a subquery is zero"));
        }
        let (first, last) = shift.ends(grid);
        let start = first.saturating_sub(length).div_euclid(step).saturating_add(1).saturating_mul(step);
        let steps = last.saturating_sub(start).div_euclid(step).saturating_add(1).max(0);
        let count = usize::try_from(steps).ok().filter(|count| *count <= MAX_SUBQUERY_STEPS);
        let Some(count) = count else {
            return Err(bad(format!("{steps} steps of a subquery are more than {MAX_SUBQUERY_STEPS}")));
        };
        let inner = Grid { start, step, count };
        let columns = self.vector(&subquery.expr, inner, "a subquery")?;
        self.hold(columns.len(), inner)?;
        self.hold(columns.len(), grid)?;
        let tracks = columns
            .into_iter()
            .map(|column| {
                let points = inner
                    .times()
                    .zip(&column.values)
                    .filter_map(|(at, value)| Some(Point { at, value: (*value)? }))
                    .collect();
                Track { name: column.name, labels: column.labels, points: Cow::Owned(points) }
            })
            .collect();
        Ok(Ranges { tracks, shift, length, fixed: Labels::new() })
    }

    /// Accounts for a vector of this many series.
    fn hold(&self, series: usize, grid: Grid) -> Result<()> {
        let values = series.saturating_mul(grid.count);
        if values > MAX_VALUES {
            return Err(bad(format!(
                "{series} series at {} steps are more than {MAX_VALUES} values: select fewer or widen the step",
                grid.count
            )));
        }
        self.spend(values)
    }

    fn spend(&self, samples: usize) -> Result<()> {
        let work = self.work.get().saturating_add(samples);
        self.work.set(work);
        if work > MAX_WORK {
            return Err(bad(format!(
                "expression touches more than {MAX_WORK} samples: select fewer, shorten its ranges or widen the step"
            )));
        }
        Ok(())
    }
}

/// The expression without parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        other => other,
    }
}

fn is_range(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::MatrixSelector(_) | Expr::Subquery(_))
}
