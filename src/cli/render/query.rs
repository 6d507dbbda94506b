//! What a query gave: evidence beside its numbers, then series, lines, spans or changes.

use std::fmt::Write;

use quell_proto::v1::{QueryAnswer, QueryResponse, QuerySeries};

use super::{
    style::{bad, bold, dim, heading},
    table,
    text::{clean, clock, date, span, wrap},
};
use crate::analysis::series::{figure, median};

/// Series whose points are all told, with `-o wide`.
const POINTS: usize = 20;
/// Series, lines, spans and changes that are told.
const MOST: usize = 50;

/// The answers of all sources.
pub(crate) fn query(answer: &QueryResponse, wide: bool, width: usize) -> String {
    let mut text = String::new();
    if let Some(evidence) = &answer.evidence {
        writeln!(text, "{} {}", bold(&evidence.id), wrap(&evidence.summary, width, 5)).ok();
        text.push('\n');
    }
    let query = if answer.query.is_empty() { "all".to_owned() } else { clean(&answer.query) };
    writeln!(text, "{} {query}", heading(&answer.language)).ok();
    if let Some(window) = &answer.window {
        let step = answer.answers.iter().find_map(|answer| answer.step.as_ref());
        let step = step.map(|step| format!(", every {}", span(Some(step)))).unwrap_or_default();
        let shown = format!("{} to {} UTC{step}", date(window.start.as_ref()), clock(window.end.as_ref()));
        writeln!(text, "{}", dim(&shown)).ok();
    }
    figures(&mut text, answer, width);
    for answer in &answer.answers {
        text.push('\n');
        of_source(&mut text, answer, wide, width);
    }
    text
}

fn figures(text: &mut String, answer: &QueryResponse, width: usize) {
    if answer.figures.is_empty() {
        return;
    }
    let rows = answer.figures.iter().map(|item| {
        let found = item.found.map_or_else(|| "-".to_owned(), |found| shown(found, &item.unit));
        vec![clean(&item.name), shown(item.stated, &item.unit), found]
    });
    text.push('\n');
    text.push_str(&table(&["NUMBER", "STATED", "NOW"], rows.collect(), width));
    if answer.figures.iter().any(|item| item.found.is_none()) {
        writeln!(text, "{}", dim("-: computed from more than this query")).ok();
    }
}

fn of_source(text: &mut String, answer: &QueryAnswer, wide: bool, width: usize) {
    let what = if answer.step.is_some() {
        "series"
    } else if !answer.spans.is_empty() {
        "spans"
    } else if !answer.changes.is_empty() {
        "changes"
    } else if !answer.lines.is_empty() {
        "lines"
    } else {
        "found"
    };
    let lacking = answer
        .completeness
        .as_ref()
        .filter(|state| state.state != "full")
        .map(|state| format!("  {}", bad(&format!("{}: {}", state.state, clean(&state.reason)))));
    let count =
        if answer.found == 0 { "nothing found".to_owned() } else { format!("{} {what}", answer.found) };
    writeln!(text, "{} {count}{}", heading(&clean(&answer.source)), lacking.unwrap_or_default()).ok();
    let shown = if wide { usize::MAX } else { MOST };
    if !answer.series.is_empty() {
        let rows = answer.series.iter().take(shown).map(of_series);
        let head = ["SERIES", "POINTS", "FIRST", "LEAST", "MEDIAN", "MOST", "LAST"];
        text.push_str(&table(&head, rows.collect(), width));
        if wide {
            answer.series.iter().take(POINTS).for_each(|series| points(text, series));
        }
    }
    // The newest are last, as in a log.
    let from = |all: usize| all.saturating_sub(shown);
    for line in answer.lines.iter().skip(from(answer.lines.len())) {
        let place = format!("{} {} {}", clock(line.at.as_ref()), clean(&line.service), line.severity);
        let severe = matches!(line.severity.as_str(), "error" | "fatal");
        let line = wrap(&format!("{place} {}", line.body), width, 4);
        // The place has a colour of its own, and counts in the length of the line.
        let body = line.strip_prefix(&place).unwrap_or(&line);
        let place = if severe { bad(&place) } else { dim(&place) };
        writeln!(text, "{place}{body}").ok();
    }
    for item in answer.spans.iter().skip(from(answer.spans.len())) {
        let line = format!(
            "{} {} {} {} {}",
            dim(&clock(item.start.as_ref())),
            span(item.duration.as_ref()),
            clean(&item.service),
            clean(&item.operation),
            if item.status == "error" { bad("error") } else { dim(&item.kind) },
        );
        let message =
            if item.message.is_empty() { String::new() } else { format!(" {}", clean(&item.message)) };
        writeln!(text, "{line}{message} {}", dim(&item.trace_id)).ok();
    }
    for change in answer.changes.iter().skip(from(answer.changes.len())) {
        let versions = match (change.version_from.as_str(), change.version_to.as_str()) {
            ("", "") => String::new(),
            ("", to) => format!(" to {to}"),
            (from, to) => format!(" from {from} to {to}"),
        };
        let line = format!(
            "{} {} {}{} {}",
            clock(change.at.as_ref()),
            change.kind,
            change.service,
            versions,
            change.title
        );
        writeln!(text, "{} {}", wrap(&line, width, 4), dim(&clean(&change.id))).ok();
    }
    let told = answer.series.len().max(answer.lines.len()).max(answer.spans.len()).max(answer.changes.len());
    if told > shown {
        writeln!(text, "{}", dim(&format!("and {} more: -o wide shows them", told - shown))).ok();
    }
}

/// A number with its unit; of one that is out of all proportion, its order.
fn shown(value: f64, unit: &str) -> String {
    if value.abs() >= 1e12 { format!("{value:.1e} {unit}") } else { figure(value, unit) }
}

fn of_series(series: &QuerySeries) -> Vec<String> {
    let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
    let told = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| shown(value, &series.unit));
    vec![
        clean(&name(series)),
        values.len().to_string(),
        told(values.first().copied()),
        told(values.iter().copied().reduce(f64::min)),
        told(median(&values)),
        told(values.iter().copied().reduce(f64::max)),
        told(values.last().copied()),
    ]
}

fn name(series: &QuerySeries) -> String {
    let mut labels: Vec<_> = series.labels.iter().collect();
    labels.sort();
    let labels: Vec<String> = labels.into_iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{}{{{}}}", series.name, labels.join(", "))
}

fn points(text: &mut String, series: &QuerySeries) {
    writeln!(text, "\n{}", clean(&name(series))).ok();
    for point in &series.points {
        writeln!(text, "   {}  {}", clock(point.at.as_ref()), clean(&shown(point.value, &series.unit))).ok();
    }
}
