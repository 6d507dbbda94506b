use quell_sdk::signal::{LogRecord, Point, Series, Span, UnixNanos, Window};

use super::{Data, Reply};
use crate::{
    analysis::{
        Periods,
        kube::restarts,
        logs::CUT_SHORT,
        onset::{self, Onset},
        series::{median, shift},
    },
    domain::{Evidence, Language},
    runbook,
};

/// A number that evidence states, beside what its query gives now.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub name: String,
    pub unit: String,
    pub stated: f64,
    /// `None` where this query alone does not give the number: it was computed from more than one.
    pub found: Option<f64>,
}

/// Whether evidence is a runbook's check, whose numbers are those of its rows.
pub(super) fn of_check(evidence: &Evidence) -> bool {
    evidence.numbers.first().is_some_and(|number| {
        let name = number.name.as_str();
        name.starts_with("value")
            || matches!(name, "lines" | "spans" | "first" | "last")
            || percentile(name).is_some()
    })
}

/// The numbers of a piece of evidence, each with what the replies to its query give for it. `normal` are the
/// replies of the healthy recording, where there is one; `onset` is when the incident began, for evidence that
/// does not say itself where its before and after are divided.
pub fn figures(
    evidence: &Evidence,
    replies: &[Reply],
    normal: &[Reply],
    onset: Option<jiff::Timestamp>,
) -> Vec<Figure> {
    let periods = periods(evidence, onset);
    let mut measured: Vec<Option<f64>> = if of_check(evidence) {
        checked(evidence, replies, periods)
    } else {
        match (evidence.language, periods) {
            (Language::Promql, Some(periods)) => shifted(evidence, replies, normal, periods),
            (Language::Logql | Language::Traceql, Some(periods)) => counted(evidence, replies, periods),
            _ => Vec::new(),
        }
    };
    measured.resize(evidence.numbers.len(), None);
    evidence
        .numbers
        .iter()
        .zip(measured)
        .map(|(number, found)| Figure {
            name: number.name.clone(),
            unit: number.unit.clone(),
            stated: number.value,
            found,
        })
        .collect()
}

/// The stretches before and after the onset, as the analysis cut them.
fn periods(evidence: &Evidence, onset: Option<jiff::Timestamp>) -> Option<Periods> {
    let nanos = |at: jiff::Timestamp| i64::try_from(at.as_nanosecond()).ok();
    let (window, onset) = (evidence.window, nanos(evidence.divided_at.or(onset)?)?);
    if let Some(until) = evidence.normal_until.and_then(nanos) {
        let (start, end) = (window.start_nanos(), window.end_nanos());
        return Some(Periods { start, onset, end, guard: onset.saturating_sub(until).max(0) });
    }
    let since = crate::analysis::finding::Since { at: onset, earliest: onset, latest: onset };
    let onset = Onset { since, assumed: false, votes: 0, rival: None };
    Some(onset::periods(&onset, window.start_nanos(), window.end_nanos()))
}

fn series(replies: &[Reply]) -> impl Iterator<Item = &Series> {
    replies.iter().flat_map(|reply| reply.data.series())
}

fn values(points: &[Point], keep: impl Fn(UnixNanos) -> bool) -> Vec<f64> {
    points.iter().filter(|point| keep(point.at)).map(|point| point.value).collect()
}

fn finite(points: &[Point], keep: impl Fn(UnixNanos) -> bool) -> Vec<f64> {
    let mut values = values(points, keep);
    values.retain(|value| value.is_finite());
    values
}

/// A level before and during the incident: the analysis compares with the time just before or with a healthy
/// recording, so the one that gives the stated baseline is meant.
fn shifted(evidence: &Evidence, replies: &[Reply], normal: &[Reply], periods: Periods) -> Vec<Option<f64>> {
    let stated = |name: &str| evidence.numbers.iter().find(|number| number.name == name);
    let stated = |name: &str| stated(name).map(|number| number.value);
    let healthy: Vec<f64> = series(normal).flat_map(|series| values(&series.points, |_| true)).collect();
    let candidates = series(replies).flat_map(|series| {
        let during = values(&series.points, |at| periods.is_during(at));
        let before = values(&series.points, |at| periods.is_before(at));
        [shift(&before, &during, 0.0), shift(&healthy, &during, 0.0)]
    });
    let distance = |of: &str, value: f64| stated(of).map_or(0.0, |stated| (value - stated).abs());
    let found = candidates
        .flatten()
        .min_by(|a, b| distance("baseline", a.baseline).total_cmp(&distance("baseline", b.baseline)));
    let medians =
        series(replies).filter_map(|series| median(&finite(&series.points, |at| periods.is_before(at))));
    let healthy: Vec<f64> = healthy.iter().copied().filter(|value| value.is_finite()).collect();
    let usual = medians
        .chain(median(&healthy))
        .min_by(|a, b| distance("normal median", *a).total_cmp(&distance("normal median", *b)));
    let all = || series(replies).flat_map(|series| finite(&series.points, |at| at < periods.end));
    let highest = all().max_by(f64::total_cmp);
    // What is bad of it is told by which side of normal is stated.
    let worst =
        if stated("worst sample") < stated("normal median") { all().min_by(f64::total_cmp) } else { highest };
    let number = |name: &str| match name {
        "baseline" => found.map(|found| found.baseline),
        "observed" => found.map(|found| found.observed),
        "normal median" => usual,
        "worst sample" => worst,
        "highest" => highest,
        "lowest" => all().min_by(f64::total_cmp),
        "restarts" => stated("restarts").and_then(|stated| {
            let of = |series: &Series| restarts(&evidence.query, &series.points, periods.onset, periods.end);
            let distance = |value: &f64| (value - stated).abs();
            series(replies).map(of).min_by(|a, b| distance(a).total_cmp(&distance(b)))
        }),
        _ => None,
    };
    evidence.numbers.iter().map(|stated| number(&stated.name)).collect()
}

/// Counts and rates of what a query selects, in the incident and before it.
fn counted(evidence: &Evidence, replies: &[Reply], periods: Periods) -> Vec<Option<f64>> {
    let (mut during, mut before) = (0_u32, 0_u32);
    for reply in replies {
        match &reply.data {
            Data::Lines(lines) => {
                let count =
                    |keep: &dyn Fn(&LogRecord) -> bool| lines.iter().filter(|line| keep(line)).count();
                during += u32::try_from(count(&|line| periods.is_during(line.at))).unwrap_or(u32::MAX);
                before += u32::try_from(count(&|line| periods.is_before(line.at))).unwrap_or(u32::MAX);
            }
            Data::Spans(spans) => {
                // A call belongs to the moment at which it was served.
                let of_incident = |span: &&Span| periods.is_during(span.end) || periods.is_during(span.start);
                let (now, rest): (Vec<_>, Vec<_>) = spans.iter().partition(of_incident);
                let rest = rest.iter().filter(|span| periods.is_before(span.start)).count();
                during += u32::try_from(now.len()).unwrap_or(u32::MAX);
                before += u32::try_from(rest).unwrap_or(u32::MAX);
            }
            Data::Series { .. } | Data::Changes(_) => {}
        }
    }
    let (during, before) = (f64::from(during), f64::from(before));
    let errors = evidence.numbers.iter().any(|number| number.name == "errors that begin here");
    let in_part = evidence.numbers.iter().any(|number| number.name == CUT_SHORT);
    let number = |name: &str, unit: &str| match (name, unit) {
        ("count" | "executions" | "errors that begin here" | "requests" | "lines with its name", _) => {
            Some(during)
        }
        ("calls", _) if !errors => Some(during),
        ("normal requests", _) => Some(before),
        ("rate", "1/second") if !in_part => Some(during / periods.seconds_during()),
        _ => None,
    };
    evidence.numbers.iter().map(|stated| number(&stated.name, &stated.unit)).collect()
}

/// The numbers of a check: of the row that decided, which is the one nearest to what is stated. Those of
/// normal times repeat the names, and are of another window.
fn checked(evidence: &Evidence, replies: &[Reply], periods: Option<Periods>) -> Vec<Option<f64>> {
    let onset = periods.map(|periods| periods.onset);
    let mut seen: Vec<&str> = Vec::new();
    evidence
        .numbers
        .iter()
        .map(|stated| {
            if seen.contains(&stated.name.as_str()) {
                return None;
            }
            seen.push(&stated.name);
            let distance = |value: &f64| (value - stated.value).abs();
            let of_rows = |level: &dyn Fn(&[Point]) -> Option<f64>| {
                series(replies)
                    .filter_map(|series| level(&series.points))
                    .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            };
            let all = |points: &[Point]| values(points, |_| true);
            match stated.name.as_str() {
                "lines" | "spans" => Some(per_minute(replies, evidence.window)),
                "first" => of_rows(&|points| points.first().map(|point| point.value)),
                "last" => of_rows(&|points| points.last().map(|point| point.value)),
                name => match percentile(name) {
                    Some(percent) => {
                        let seconds = seconds(replies);
                        if seconds.is_empty() {
                            of_rows(&|points| runbook::quantile(&all(points), percent))
                        } else {
                            runbook::quantile(&seconds, percent)
                        }
                    }
                    None => of_rows(&|points| level(points, evidence.window, onset)),
                },
            }
        })
        .collect()
}

/// The level of a row: at the onset its last sample, else the median of the newest third of the incident, of
/// five minutes at most.
fn level(points: &[Point], window: Window, onset: Option<UnixNanos>) -> Option<f64> {
    let length = window.end_nanos().saturating_sub(onset.unwrap_or_else(|| window.start_nanos()));
    if length <= 30_000_000_000 {
        return points.last().map(|point| point.value);
    }
    let from = window.end_nanos() - (length / 3).min(300_000_000_000);
    runbook::quantile(&values(points, |at| at >= from), 50.0)
}

fn per_minute(replies: &[Reply], window: Window) -> f64 {
    let count: usize = replies.iter().map(|reply| reply.data.len()).sum();
    count as f64 / (window.length().as_secs_f64().max(1.0) / 60.0)
}

fn seconds(replies: &[Reply]) -> Vec<f64> {
    let spans = replies.iter().flat_map(|reply| match &reply.data {
        Data::Spans(spans) => spans.as_slice(),
        _ => &[],
    });
    spans.map(Span::seconds).collect()
}

/// The percentile in a name such as `p95`.
fn percentile(name: &str) -> Option<f64> {
    name.strip_prefix('p')?.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))
}
