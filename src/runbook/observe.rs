use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use quell_sdk::{
    Answer, Completeness, LogsSource, MetricsSource, TracesSource,
    signal::{Labels, Point, Series, UnixNanos, Window},
    source::{LogsQuery, TracesQuery},
};

use super::judge::{Observation, Row, median};

/// A source that can answer a check.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Metrics(&'a dyn MetricsSource),
    Logs(&'a dyn LogsSource),
    Traces(&'a dyn TracesSource),
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) query: &'a str,
    pub(super) service: &'a str,
    pub(super) window: Window,
}

/// An answer in the one form that all kinds of sources are judged in.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) series: Vec<(Labels, Vec<Point>)>,
    /// For logs and spans: how many were found. `None` for metrics, and where nothing was found by a source
    /// that may not know the subject at all.
    pub(super) count: Option<usize>,
    pub(super) texts: Vec<String>,
    pub(super) completeness: Completeness,
    /// What the count is about: narrower than what was asked for when the answer was cut at its limit.
    pub(super) window: Window,
    /// The answer was cut at [`MOST`]: a sample, large enough for rates and percentiles.
    pub(super) cut: bool,
    /// It was cut, and what came lies in a part of the window.
    pub(super) narrowed: bool,
}

/// Most records or spans that one check looks at.
pub const MOST: usize = 5_000;
const MOST_SERIES: usize = 2_000;
const MOST_TEXTS: usize = 1_000;

impl Asked<'_> {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Metrics(source) => source.name(),
            Self::Logs(source) => source.name(),
            Self::Traces(source) => source.name(),
        }
    }

    pub(super) async fn read(&self, question: Question<'_>) -> quell_sdk::Result<Reading> {
        let Question { query, window, .. } = question;
        match self {
            Self::Metrics(source) => {
                let answer = source.query_range(query, window, step(window)).await?;
                Ok(of_series(answer, window))
            }
            Self::Logs(source) if !query.trim_start().starts_with('{') => {
                let answer = source.query_range(query, window, step(window)).await?;
                Ok(of_series(answer, window))
            }
            Self::Logs(source) => {
                let answer = source.select(query, window, MOST).await?;
                let times: Vec<_> = answer.data.iter().map(|record| record.at).collect();
                let texts =
                    answer.data.iter().take(MOST_TEXTS).map(|record| record.body.to_string()).collect();
                let count = self.count(question, times.len(), &answer.completeness).await;
                let (window, cut, narrowed) = covered(&times, window);
                let series = vec![(Labels::new(), per_minute(&times, window))];
                Ok(Reading { series, count, texts, completeness: answer.completeness, window, cut, narrowed })
            }
            Self::Traces(source) => {
                let answer = source.select(query, window, MOST).await?;
                let spans = &answer.data;
                let points: Vec<_> =
                    spans.iter().map(|span| Point { at: span.start, value: span.seconds() }).collect();
                let times: Vec<_> = points.iter().map(|point| point.at).collect();
                let texts = spans.iter().filter(|span| !span.message.is_empty()).take(MOST_TEXTS);
                let texts = texts.map(|span| span.message.to_string()).collect();
                let count = self.count(question, points.len(), &answer.completeness).await;
                let (window, cut, narrowed) = covered(&times, window);
                let series = vec![(Labels::new(), points)];
                Ok(Reading { series, count, texts, completeness: answer.completeness, window, cut, narrowed })
            }
        }
    }

    /// How many were found. None found counts as zero only where the source holds something else of the
    /// same service at that time: otherwise it may simply not see the service.
    async fn count(
        &self,
        question: Question<'_>,
        found: usize,
        completeness: &Completeness,
    ) -> Option<usize> {
        if found > 0 {
            return Some(found);
        }
        if !completeness.is_full() || question.service.is_empty() {
            return None;
        }
        let services = vec![question.service.to_owned()];
        let window = question.window;
        let knows = match self {
            Self::Metrics(_) => false,
            Self::Logs(source) => {
                let answer = source.logs(&LogsQuery { services, window, limit: 1 }).await;
                answer.is_ok_and(|answer| !answer.data.is_empty())
            }
            Self::Traces(source) => {
                let answer = source.spans(&TracesQuery { services, window, limit: 1 }).await;
                answer.is_ok_and(|answer| !answer.data.is_empty())
            }
        };
        knows.then_some(0)
    }
}

fn of_series(answer: Answer<Vec<Series>>, window: Window) -> Reading {
    let mut completeness = answer.completeness;
    if answer.data.len() > MOST_SERIES {
        let reason = format!("only {MOST_SERIES} of {} series were looked at", answer.data.len());
        completeness = completeness.and(Completeness::partial(reason));
    }
    let series = answer.data.into_iter().take(MOST_SERIES);
    let series = series.map(|series| (series.labels, series.points)).collect();
    Reading { series, count: None, texts: Vec::new(), completeness, window, cut: false, narrowed: false }
}

/// The part of the window that an answer covers, whether it was cut at its limit, and whether that part is
/// less than the whole: most sources cut away the oldest, so that what came lies close together.
fn covered(times: &[UnixNanos], window: Window) -> (Window, bool, bool) {
    if times.len() < MOST {
        return (window, false, false);
    }
    let moment = |nanos: Option<&UnixNanos>| Timestamp::from_nanosecond(i128::from(*nanos?)).ok();
    let Some((first, last)) = moment(times.iter().min()).zip(moment(times.iter().max())) else {
        return (window, true, false);
    };
    let part = Window::new(first, last);
    let left_out = window.length().saturating_sub(part.length()).as_secs_f64();
    // far more than lies between two of them by chance
    let narrowed = left_out > 20.0 * part.length().as_secs_f64() / times.len() as f64;
    (if narrowed { part } else { window }, true, narrowed)
}

/// Distance of samples: some sixty over the window, between a second and five minutes.
pub fn step(window: Window) -> Duration {
    let seconds = (window.length().as_secs_f64() / 60.0).round().clamp(1.0, 300.0);
    Duration::from_secs(seconds as u64)
}

/// Records per minute in twenty equal parts of the window; nothing when there are no records.
fn per_minute(times: &[UnixNanos], window: Window) -> Vec<Point> {
    const PARTS: i64 = 20;
    let length = window.end_nanos().saturating_sub(window.start_nanos()) / PARTS;
    if times.is_empty() || length <= 0 {
        return Vec::new();
    }
    let mut counts: BTreeMap<i64, u32> = (0..PARTS).map(|part| (part, 0)).collect();
    for at in times {
        let part = (at.saturating_sub(window.start_nanos()) / length).clamp(0, PARTS - 1);
        *counts.entry(part).or_default() += 1;
    }
    let minutes = length as f64 / 60e9;
    counts
        .into_iter()
        .map(|(part, count)| Point {
            at: window.start_nanos().saturating_add(part.saturating_mul(length)),
            value: f64::from(count) / minutes,
        })
        .collect()
}

/// Which samples of a series make its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The median of those at or after this moment.
    Since(UnixNanos),
    /// The last one.
    Last,
    /// Each for itself: one row per sample.
    Each,
}

/// Puts an answer and its baseline together.
pub(super) fn observe(now: &Reading, baseline: Option<&Reading>, level: Level) -> Observation {
    let complete = now.completeness.is_full() || now.cut;
    let rows = if let Some(count) = now.count {
        let samples: Vec<f64> = now.series.iter().flat_map(|(_, points)| values(points)).collect();
        // a cut that is spread over all of the time tells no rate
        let normal = baseline.filter(|b| !b.cut || b.narrowed);
        vec![Row {
            name: String::new(),
            level: Some(rate(count, now.window)),
            baseline_level: normal.and_then(|b| b.count.map(|count| rate(count, b.window))),
            samples: if count == 0 { Vec::new() } else { samples },
            baseline: baseline
                .map_or_else(Vec::new, |b| b.series.iter().flat_map(|(_, p)| values(p)).collect()),
            at_least: !complete || (now.cut && !now.narrowed),
        }]
    } else {
        series_rows(now, baseline, level)
    };
    Observation {
        rows,
        texts: now.texts.clone(),
        complete,
        sampled: now.cut || now.texts.len() >= MOST_TEXTS,
    }
}

fn series_rows(now: &Reading, baseline: Option<&Reading>, level: Level) -> Vec<Row> {
    let normal: BTreeMap<&Labels, Vec<f64>> = baseline
        .into_iter()
        .flat_map(|reading| &reading.series)
        .map(|(labels, points)| (labels, values(points).collect()))
        .collect();
    // a pod that has been replaced has no past of its own: the others' stands in
    let all_normal: Vec<f64> = normal.values().filter_map(|values| median(values)).collect();
    let pooled = median(&all_normal);
    let mut rows = Vec::new();
    for (labels, points) in &now.series {
        let samples: Vec<f64> = values(points).collect();
        let own = normal.get(labels).filter(|values| !values.is_empty());
        let row = |level: Option<f64>| Row {
            name: name(labels),
            level,
            baseline_level: own.and_then(|values| median(values)).or(pooled),
            samples: samples.clone(),
            baseline: own.cloned().unwrap_or_else(|| all_normal.clone()),
            at_least: false,
        };
        match level {
            Level::Each => rows.extend(samples.iter().map(|sample| row(Some(*sample)))),
            Level::Last => rows.extend(samples.last().map(|last| row(Some(*last)))),
            Level::Since(from) => {
                let recent: Vec<f64> =
                    points.iter().filter(|point| point.at >= from).map(|point| point.value).collect();
                // a series that ended before is no longer there to be judged
                rows.extend(median(&recent).map(|level| row(Some(level))));
            }
        }
    }
    rows
}

fn values(points: &[Point]) -> impl Iterator<Item = f64> {
    points.iter().map(|point| point.value).filter(|value| value.is_finite())
}

fn rate(count: usize, window: Window) -> f64 {
    count as f64 / (window.length().as_secs_f64().max(1.0) / 60.0)
}

fn name(labels: &Labels) -> String {
    const MOST_LABELS: usize = 6;
    let shown: Vec<_> =
        labels.iter().take(MOST_LABELS).map(|(name, value)| format!("{name}={value:?}")).collect();
    if shown.is_empty() { String::new() } else { format!("{{{}}}", shown.join(", ")) }
}
