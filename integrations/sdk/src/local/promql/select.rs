//! Selecting series and the samples that each step sees.

use std::{borrow::Cow, ops::Range, time::SystemTime};

use promql_parser::{
    label::{MatchOp, Matcher, Matchers},
    parser::{AtModifier, Offset, VectorSelector},
};

use super::value::{Column, Grid, bad, unsupported};
use crate::{
    Result,
    signal::{Labels, Point, Series, UnixNanos},
};

/// How far back an instant selector looks for its sample.
pub(super) const LOOKBACK: i64 = 300 * 1_000_000_000;

/// The samples of one series, from which each step takes a range.
pub(super) struct Track<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) labels: Cow<'a, Labels>,
    pub(super) points: Cow<'a, [Point]>,
}

/// Series that a selector selects, in order of name and labels so that sums come out the same whatever
/// order they are held in.
pub(super) fn select<'a>(series: &[&'a Series], selector: &VectorSelector) -> Result<Vec<&'a Series>> {
    let Matchers { matchers, or_matchers } = &selector.matchers;
    if !or_matchers.is_empty() {
        return Err(unsupported("`or` between label matchers"));
    }
    let name = selector.name.as_deref();
    let mut selected: Vec<&'a Series> = series
        .iter()
        .filter(|series| name.is_none_or(|name| name == series.name))
        .filter(|series| matchers.iter().all(|matcher| matches(matcher, series)))
        .copied()
        .collect();
    let order = |one: &&Series, other: &&Series| {
        one.name.cmp(&other.name).then_with(|| one.labels.cmp(&other.labels))
    };
    if !selected.is_sorted_by(|one, other| order(one, other).is_le()) {
        selected.sort_by(order);
    }
    Ok(selected)
}

fn matches(matcher: &Matcher, series: &Series) -> bool {
    let value = match matcher.name.as_str() {
        "__name__" => series.name.as_str(),
        label => series.labels.get(label).map_or("", String::as_str),
    };
    matcher.is_match(value)
}

/// Labels that a selector fixes by equality, which are those of `absent`.
pub(super) fn fixed_labels(matchers: &Matchers) -> Labels {
    let mut labels = Labels::new();
    let mut twice = Vec::new();
    for matcher in &matchers.matchers {
        if matcher.name == "__name__" {
            continue;
        }
        let fixed = matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty();
        let known = labels.contains_key(&matcher.name);
        if fixed && !known {
            labels.insert(matcher.name.clone(), matcher.value.clone());
        } else if known || !fixed {
            twice.push(&matcher.name);
        }
    }
    for name in twice {
        labels.remove(name);
    }
    labels
}

/// The moment that each step of the grid looks at, after `@` and `offset`.
#[derive(Clone, Copy)]
pub(super) struct Shift {
    at: Option<UnixNanos>,
    offset: i64,
}

impl Shift {
    pub(super) fn new(
        at: Option<&AtModifier>,
        offset: Option<&Offset>,
        window: (UnixNanos, UnixNanos),
    ) -> Result<Self> {
        let at = match at {
            None => None,
            Some(AtModifier::Start) => Some(window.0),
            Some(AtModifier::End) => Some(window.1),
            Some(AtModifier::At(time)) => Some(unix_nanos(*time)?),
        };
        let offset = match offset {
            None => 0,
            Some(Offset::Pos(length)) => nanos(*length)?,
            Some(Offset::Neg(length)) => -nanos(*length)?,
        };
        Ok(Self { at, offset })
    }

    pub(super) fn times(self, grid: Grid) -> impl Iterator<Item = UnixNanos> + Clone {
        grid.times().map(move |time| self.at.unwrap_or(time).saturating_sub(self.offset))
    }

    /// The grid as seen through this shift.
    pub(super) fn ends(self, grid: Grid) -> (UnixNanos, UnixNanos) {
        let mut times = self.times(grid);
        let first = times.next().unwrap_or(grid.start);
        (first, times.last().unwrap_or(first))
    }
}

fn unix_nanos(time: SystemTime) -> Result<UnixNanos> {
    let nanos = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).ok(),
        Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|nanos| -nanos),
    };
    nanos.ok_or_else(|| bad("the time after @ is out of bounds"))
}

/// Nanoseconds of a duration.
pub(super) fn nanos(length: std::time::Duration) -> Result<i64> {
    i64::try_from(length.as_nanos()).map_err(|_| bad("a duration is out of bounds"))
}

/// For each moment, which must ascend, the points in `(moment - length, moment]`.
pub(crate) fn spans_of(
    points: &[Point],
    times: impl Iterator<Item = UnixNanos>,
    length: i64,
) -> impl Iterator<Item = (UnixNanos, Range<usize>)> {
    let (mut low, mut high) = (0, 0);
    let mut first = true;
    times.map(move |time| {
        let floor = time.saturating_sub(length);
        if std::mem::take(&mut first) {
            low = points.partition_point(|point| point.at <= floor);
            high = low;
        }
        while points.get(low).is_some_and(|point| point.at <= floor) {
            low += 1;
        }
        high = high.max(low);
        while points.get(high).is_some_and(|point| point.at <= time) {
            high += 1;
        }
        (time, low..high)
    })
}

/// The latest sample that each step sees, if it is recent enough.
pub(super) fn instant<'a>(
    series: &'a Series,
    times: impl Iterator<Item = UnixNanos>,
    read: impl Fn(&Point) -> f64,
) -> Column<'a> {
    let values = spans_of(&series.points, times, LOOKBACK)
        .map(|(_, span)| series.points.get(span).and_then(<[Point]>::last).map(&read))
        .collect();
    Column {
        name: Cow::Borrowed(&series.name),
        labels: Cow::Borrowed(&series.labels),
        values,
        origin: Some(series),
    }
}
