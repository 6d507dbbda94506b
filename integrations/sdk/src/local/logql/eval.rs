//! Running queries.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use super::{
    ast::{Function, Metric, Query, label},
    parse::parse,
};
use crate::{
    Error, ErrorKind, Result,
    local::{
        Selected,
        promql::{self, Column, Grouping, Parameter},
    },
    signal::{Labels, LogRecord, Point, Series, Window},
};

/// Labels that tell streams apart, besides those that an aggregation groups by.
const STREAM: [&str; 3] = ["service", "pod", "severity"];
/// Most streams of one query, and most values of its answer: streams times steps.
const MAX_STREAMS: usize = 5_000;
const MAX_VALUES: usize = 5_000_000;

fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadRequest, "logql", message)
}

/// The records of the window that a query selects: the newest `limit`, oldest first, with how many
/// there were.
///
/// # Errors
/// [`BadRequest`](ErrorKind::BadRequest) with the column when it does not parse, or is not about records;
/// [`Unsupported`](ErrorKind::Unsupported) names what is not evaluated here.
pub fn select<'a>(
    logs: impl IntoIterator<Item = &'a LogRecord>,
    expr: &str,
    window: Window,
    limit: usize,
) -> Result<Selected<LogRecord>> {
    let Query::Records(filter) = parse(expr)? else {
        return Err(bad("this query gives numbers, not records; ask for its range"));
    };
    let within = logs.into_iter().filter(|record| window.contains(record.at));
    Ok(Selected::newest(within.filter(|record| filter.holds(record)).collect(), limit, |record| record.at))
}

/// Evaluates a query that gives numbers at each step of the window, as [`promql::range`] does: each
/// step counts the records of the range that ends there, its start excluded. Where nothing was counted
/// there is no point.
///
/// Streams are told apart by `service`, `pod` and `severity`, and by what aggregations group by.
///
/// # Errors
/// As [`select`]; also [`BadRequest`](ErrorKind::BadRequest) when it would give too much.
pub fn range<'a>(
    logs: impl IntoIterator<Item = &'a LogRecord>,
    expr: &str,
    window: Window,
    step: Duration,
) -> Result<Vec<Series>> {
    let Query::Metric(metric) = parse(expr)? else {
        return Err(bad("this query selects records; count them, as in `count_over_time(... [5m])`"));
    };
    let grid = promql::grid(window, step)?;
    let streams = streams(logs, &metric, window)?;
    if streams.len().saturating_mul(grid.count) > MAX_VALUES {
        return Err(bad(format!(
            "{} streams at {} steps are more than {MAX_VALUES} values: select fewer or widen the step",
            streams.len(),
            grid.count
        )));
    }
    let mut columns: Vec<Column<'_>> = streams
        .into_iter()
        .map(|(labels, mut points)| {
            points.sort_by_key(|point| point.at);
            let sums = running_sums(&points);
            let values = promql::spans_of(&points, grid.times(), metric.length)
                .map(|(_, span)| {
                    let counted = sums.get(span.end)? - sums.get(span.start)?;
                    (!span.is_empty()).then(|| match metric.function {
                        Function::Count | Function::Bytes => counted,
                        Function::Rate | Function::BytesRate => counted / (metric.length as f64 / 1e9),
                    })
                })
                .collect();
            Column::computed(Cow::Owned(labels), values)
        })
        .collect();
    for (kind, by) in &metric.aggregations {
        columns = promql::aggregate(*kind, by, &Parameter::None, columns, grid)?;
    }
    if let Some((compare, bound)) = metric.compare {
        for column in &mut columns {
            for value in &mut column.values {
                *value =
                    value.filter(|value| value.partial_cmp(&bound).is_some_and(|order| compare.holds(order)));
            }
        }
    }
    let mut series = promql::finish(promql::unite(columns)?, grid, expr);
    series.retain(|series| !series.points.is_empty());
    for series in &mut series {
        metric.function.unit().clone_into(&mut series.unit);
    }
    Ok(series)
}

/// What is counted, by the labels of its stream.
fn streams<'a>(
    logs: impl IntoIterator<Item = &'a LogRecord>,
    metric: &Metric,
    window: Window,
) -> Result<BTreeMap<Labels, Vec<Point>>> {
    let mut names: Vec<&str> = STREAM.to_vec();
    for (_, by) in &metric.aggregations {
        if let Grouping::By(by) = by {
            names.extend(by.iter().map(String::as_str));
        }
    }
    let earliest = window.start_nanos().saturating_sub(metric.length);
    // A window of no length is one step, at its start.
    let latest = window.end_nanos().max(window.start_nanos().saturating_add(1));
    let mut streams: BTreeMap<Vec<Cow<'a, str>>, Vec<Point>> = BTreeMap::new();
    for record in logs {
        if record.at <= earliest || record.at >= latest || !metric.filter.holds(record) {
            continue;
        }
        let key = names.iter().map(|name| label(record, name)).collect();
        let value = match metric.function {
            Function::Count | Function::Rate => 1.0,
            Function::Bytes | Function::BytesRate => record.body.len() as f64,
        };
        streams.entry(key).or_default().push(Point { at: record.at, value });
        if streams.len() > MAX_STREAMS {
            return Err(bad(format!(
                "more than {MAX_STREAMS} streams: select fewer or group by fewer labels"
            )));
        }
    }
    let labelled = |key: Vec<Cow<'a, str>>| -> Labels {
        let pairs = names.iter().zip(key).filter(|(_, value)| !value.is_empty());
        pairs.map(|(name, value)| ((*name).to_owned(), value.into_owned())).collect()
    };
    Ok(streams.into_iter().map(|(key, points)| (labelled(key), points)).collect())
}

/// The sum of all points before each, and of all.
fn running_sums(points: &[Point]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = vec![sum];
    sums.extend(points.iter().map(|point| {
        sum += point.value;
        sum
    }));
    sums
}
