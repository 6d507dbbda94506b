//! What sources that hold their signals themselves have in common: selecting by service, and answering.

use std::collections::{BTreeSet, HashSet};

use super::{Selected, plan::any_of};
use crate::{
    Answer, Completeness, Error, ErrorKind, Result,
    signal::{LogRecord, Span, TraceId, Window},
    source::{LogsQuery, TracesQuery},
};

/// Runs arithmetic over what the source of that name holds where it holds up nothing else: off the async
/// runtime, when there is one.
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) when the program ends first.
pub async fn compute<T: Send + 'static>(
    source: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(|lost| {
        Error::new(ErrorKind::Unavailable, source, "the query was cut off by the end of the program")
            .because(lost)
    })
}

/// An error of a query language, as the source's of that name.
pub fn own<T>(source: &str, result: Result<T>) -> Result<T> {
    result.map_err(|mut error| {
        error.message = format!("{}: {}", error.origin, error.message);
        source.clone_into(&mut error.origin);
        error
    })
}

/// LogQL that selects the records of a request.
pub fn logql_of(request: &LogsQuery) -> String {
    match any_of("service", &request.services) {
        text if text.is_empty() => "{service=~\".*\"}".to_owned(),
        text => format!("{{{text}}}"),
    }
}

/// TraceQL that selects the spans of a request's services; their traces come with them.
pub fn traceql_of(request: &TracesQuery) -> String {
    match any_of("resource.service.name", &request.services) {
        text if text.is_empty() => "{ }".to_owned(),
        text => format!("{{ {text} }}"),
    }
}

/// The records that a request is about.
pub fn logs_of<'a>(logs: impl Iterator<Item = &'a LogRecord>, request: &LogsQuery) -> Selected<LogRecord> {
    let asked: BTreeSet<&str> = request.services.iter().map(String::as_str).collect();
    let window = request.window.nanos();
    let within = logs.filter(|record| window.contains(&record.at));
    let wanted = within.filter(|record| asked.is_empty() || asked.contains(&*record.service));
    Selected::newest(wanted.collect(), request.limit, |record| record.at)
}

/// The spans that a request is about: all of the traces that pass through its services.
pub fn spans_of(spans: &[&Span], request: &TracesQuery) -> Selected<Span> {
    let asked: BTreeSet<&str> = request.services.iter().map(String::as_str).collect();
    let window = request.window.nanos();
    let within = || spans.iter().copied().filter(|span| window.contains(&span.start));
    if asked.is_empty() {
        return Selected::newest(within().collect(), request.limit, |span| span.start);
    }
    let traces: HashSet<TraceId> =
        within().filter(|span| asked.contains(&*span.service)).map(|span| span.trace_id).collect();
    let through = within().filter(|span| traces.contains(&span.trace_id));
    Selected::newest(through.collect(), request.limit, |span| span.start)
}

impl<T> Selected<T> {
    /// What was selected, as an answer that says what the source lacks and what the limit cut off; `what`
    /// names what they are, in the plural.
    pub fn answer(
        self,
        what: &str,
        query: impl Into<String>,
        window: Window,
        source: Completeness,
    ) -> Answer<Vec<T>> {
        let cut = self.completeness(what);
        Answer::full(self.found, query, window).with_completeness(source).with_completeness(cut)
    }
}
