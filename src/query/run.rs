use std::time::Duration;

use futures::future::join_all;
use quell_sdk::{
    Answer, Completeness, Error, ErrorKind, Result,
    signal::{Change, LogRecord, Series, Span, Window},
};

use crate::{
    domain::{Evidence, Language},
    investigation::{self, Sources},
    runbook,
};

/// A query, and what it is asked over.
#[derive(Clone, Debug)]
pub struct Question {
    pub language: Language,
    /// For changes: the id, kind or service of those wanted; empty for all.
    pub query: String,
    pub window: Window,
    /// Distance of points; about 240 over the window when unset.
    pub step: Option<Duration>,
    /// Sources to ask; empty for all that answer the language.
    pub sources: Vec<String>,
    pub limits: Limits,
}

/// Most that one source's answer holds; what is beyond is cut, and said.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Points, over all series.
    pub points: usize,
    /// Log records, spans or changes.
    pub items: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { points: 100_000, items: 1_000 }
    }
}

impl Limits {
    /// As much as an investigation reads, so that counts of evidence are whole.
    pub const WHOLE: Self = Self { points: 2_000_000, items: 600_000 };
}

/// What one source answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub source: String,
    pub data: Data,
    pub completeness: Completeness,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Data {
    Series { series: Vec<Series>, step: Duration },
    Lines(Vec<LogRecord>),
    Spans(Vec<Span>),
    Changes(Vec<Change>),
}

impl Data {
    pub fn len(&self) -> usize {
        match self {
            Self::Series { series, .. } => series.len(),
            Self::Lines(lines) => lines.len(),
            Self::Spans(spans) => spans.len(),
            Self::Changes(changes) => changes.len(),
        }
    }

    /// The series, if it is series.
    pub fn series(&self) -> &[Series] {
        match self {
            Self::Series { series, .. } => series,
            _ => &[],
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The question that a piece of evidence answered.
pub fn of_evidence(evidence: &Evidence) -> Question {
    let is_check = super::figures::of_check(evidence);
    // A check looks at no more than a sample, and is repeated on the same one.
    let (step, items) = if is_check {
        (runbook::step(evidence.window), runbook::MOST)
    } else {
        (investigation::step(evidence.window), Limits::WHOLE.items)
    };
    // Where several sources were read together, evidence names them all: `otlp+tempo`.
    let sources = evidence.source.split('+').filter(|name| !name.is_empty() && *name != "-");
    Question {
        language: evidence.language,
        query: evidence.query.clone(),
        window: evidence.window,
        step: Some(step),
        sources: sources.map(str::to_owned).collect(),
        limits: Limits { items, ..Limits::WHOLE },
    }
}

/// Asks every source of the question's language, side by side. A source that fails has an empty reply that
/// says why. Takes as long as the sources take: callers set the deadline.
///
/// # Errors
/// [`BadRequest`](ErrorKind::BadRequest) when the query cannot be run by any of them,
/// [`NotFound`](ErrorKind::NotFound) when no such source is there; else the first source's error when all
/// failed.
pub async fn run(sources: &Sources, question: &Question) -> Result<Vec<Reply>> {
    let answers = match question.language {
        Language::Promql | Language::Logql | Language::Traceql | Language::Change => {
            ask(sources, question).await
        }
        Language::Sh | Language::Text | Language::None => {
            return Err(super::check(question.language, &question.query)
                .err()
                .unwrap_or_else(|| Error::new(ErrorKind::Unsupported, "query", "there is nothing to run")));
        }
    };
    if answers.is_empty() {
        return Err(no_source(sources, question));
    }
    let mut replies = Vec::with_capacity(answers.len());
    let mut failed = Vec::new();
    for (source, answer) in answers {
        match answer {
            Ok(reply) => replies.push(reply),
            Err(error) => failed.push((source, error)),
        }
    }
    if replies.is_empty()
        && let Some(first) =
            failed.iter().position(|(_, error)| error.kind == ErrorKind::BadRequest).or(Some(0))
        && first < failed.len()
    {
        return Err(failed.swap_remove(first).1);
    }
    replies.extend(failed.into_iter().map(|(source, error)| Reply {
        source,
        data: Data::Lines(Vec::new()),
        completeness: Completeness::missing(error.message),
    }));
    Ok(replies)
}

type Answered = Vec<(String, Result<Reply>)>;

async fn ask(sources: &Sources, question: &Question) -> Answered {
    let Question { query, window, limits, .. } = question;
    let window = *window;
    let wanted =
        |name: &str| question.sources.is_empty() || question.sources.iter().any(|source| source == name);
    let step = question.step.unwrap_or_else(|| investigation::step(window));
    match question.language {
        Language::Promql => {
            let asked = sources.metrics.iter().filter(|source| wanted(source.name()));
            join_all(asked.map(|source| async move {
                let answer = source.query_range(query, window, step).await;
                named(source.name(), answer, |series| Data::Series { series, step }, *limits)
            }))
            .await
        }
        Language::Logql if query.trim_start().starts_with('{') => {
            let asked = sources.logs.iter().filter(|source| wanted(source.name()));
            join_all(asked.map(|source| async move {
                let answer = source.select(query, window, limits.items).await;
                named(source.name(), answer, Data::Lines, *limits)
            }))
            .await
        }
        Language::Logql => {
            let asked = sources.logs.iter().filter(|source| wanted(source.name()));
            join_all(asked.map(|source| async move {
                let answer = source.query_range(query, window, step).await;
                named(source.name(), answer, |series| Data::Series { series, step }, *limits)
            }))
            .await
        }
        Language::Traceql => {
            let asked = sources.traces.iter().filter(|source| wanted(source.name()));
            join_all(asked.map(|source| async move {
                let answer = source.select(query, window, limits.items).await;
                named(source.name(), answer, Data::Spans, *limits)
            }))
            .await
        }
        _ => {
            let text = query.trim();
            let meant = |change: &Change| {
                matches!(text, "" | "changes")
                    || [&*change.id, &*change.service, change.kind.as_str()].contains(&text)
            };
            let asked = sources.changes.iter().filter(|source| wanted(source.name()));
            join_all(asked.map(|source| async move {
                let answer = source.changes(window).await.map(|answer| {
                    answer.map(|mut changes| {
                        changes.retain(meant);
                        changes
                    })
                });
                named(source.name(), answer, Data::Changes, *limits)
            }))
            .await
        }
    }
}

fn named<T>(
    source: &str,
    answer: Result<Answer<T>>,
    data: impl FnOnce(T) -> Data,
    limits: Limits,
) -> (String, Result<Reply>) {
    let reply = answer.map(|answer| {
        let mut reply =
            Reply { source: source.to_owned(), data: data(answer.data), completeness: answer.completeness };
        reply.cut(limits);
        reply
    });
    (source.to_owned(), reply)
}

impl Reply {
    /// Keeps to the limits: the first series, the newest records, spans and changes.
    pub fn cut(&mut self, limits: Limits) {
        fn newest<T>(items: &mut Vec<T>, most: usize, what: &str) -> Completeness {
            let all = items.len();
            if all <= most {
                return Completeness::Full;
            }
            items.drain(..all - most);
            Completeness::partial(format!("the newest {most} of {all} {what}"))
        }
        let cut = match &mut self.data {
            Data::Series { series, .. } => {
                let all = series.len();
                let mut points = 0_usize;
                series.retain(|series| {
                    points = points.saturating_add(series.points.len());
                    points <= limits.points
                });
                if series.len() == all {
                    Completeness::Full
                } else {
                    Completeness::partial(format!(
                        "{} of {all} series: the limit is {} points",
                        series.len(),
                        limits.points
                    ))
                }
            }
            Data::Lines(lines) => newest(lines, limits.items, "records"),
            Data::Spans(spans) => newest(spans, limits.items, "spans"),
            Data::Changes(changes) => newest(changes, limits.items, "changes"),
        };
        let whole = std::mem::replace(&mut self.completeness, Completeness::Full);
        self.completeness = whole.and(cut);
    }
}

fn no_source(sources: &Sources, question: &Question) -> Error {
    let (what, known): (_, Vec<&str>) = match question.language {
        Language::Promql => ("metrics", sources.metrics.iter().map(|source| source.name()).collect()),
        Language::Logql => ("logs", sources.logs.iter().map(|source| source.name()).collect()),
        Language::Traceql => ("traces", sources.traces.iter().map(|source| source.name()).collect()),
        _ => ("changes", sources.changes.iter().map(|source| source.name()).collect()),
    };
    let message = if known.is_empty() {
        format!("there is no source of {what}, which {} asks", question.language.as_str())
    } else {
        format!(
            "no source of {what} is called {}; there is {}",
            question.sources.join(", "),
            known.join(", ")
        )
    };
    Error::new(ErrorKind::NotFound, "query", message)
}
