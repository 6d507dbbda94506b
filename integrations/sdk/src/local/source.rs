use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use super::{Selected, Store, discover::discover, logql, plan::any_of, promql, traceql};
use crate::{
    Answer, ChangeSource, Completeness, Error, ErrorKind, LogsSource, MetricsSource, Result, TopologySource,
    TracesSource,
    signal::{CallEdge, Change, LogRecord, Series, Span, TraceId, Window},
    source::{Discover, LogsQuery, TracesQuery},
};

/// How complete a store is, by kind of signal. What was not recorded is
/// [`Missing`](Completeness::Missing): answers then are empty and say so.
#[derive(Clone, Debug)]
pub struct BySignal {
    pub metrics: Completeness,
    pub logs: Completeness,
    pub traces: Completeness,
    pub changes: Completeness,
    pub topology: Completeness,
}

impl Default for BySignal {
    fn default() -> Self {
        let full = Completeness::Full;
        Self {
            metrics: full.clone(),
            logs: full.clone(),
            traces: full.clone(),
            changes: full.clone(),
            topology: full,
        }
    }
}

/// A source of every kind of signal that answers from a [`Store`] in canonical order.
///
/// Answers depend on the store and the request alone, down to their order. They are computed off the
/// async runtime when there is one, and report no duration.
#[derive(Clone, Debug)]
pub struct StoreSource {
    name: String,
    store: Arc<Store>,
    completeness: BySignal,
}

impl StoreSource {
    /// `name` stands in every piece of evidence.
    pub fn new(name: impl Into<String>, store: Arc<Store>, completeness: BySignal) -> Self {
        Self { name: name.into(), store, completeness }
    }

    /// Runs arithmetic over the store where it holds up nothing else.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce(&Store) -> T + Send + 'static) -> Result<T> {
        let store = Arc::clone(&self.store);
        if tokio::runtime::Handle::try_current().is_err() {
            return Ok(work(&store));
        }
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|lost| {
            Error::new(ErrorKind::Unavailable, &self.name, "the query was cut off by the end of the program")
                .because(lost)
        })
    }

    /// An error of a query language, as this source's.
    fn own<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|mut error| {
            error.message = format!("{}: {}", error.origin, error.message);
            error.origin.clone_from(&self.name);
            error
        })
    }
}

#[async_trait]
impl MetricsSource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>> {
        let (window, query) = (request.window, any_of("service", &request.services));
        let request = request.clone();
        let (series, cut) = self.compute(move |store| discover(&store.series, &store.meta, &request)).await?;
        let answer = Answer::full(series, format!("{{{query}}}"), window);
        Ok(answer.with_completeness(self.completeness.metrics.clone()).with_completeness(cut))
    }

    async fn query_range(&self, expr: &str, window: Window, step: Duration) -> Result<Answer<Vec<Series>>> {
        let text = expr.to_owned();
        let series = self.compute(move |store| promql::range(&store.series, &text, window, step)).await?;
        let answer = Answer::full(self.own(series)?, expr, window);
        Ok(answer.with_completeness(self.completeness.metrics.clone()))
    }
}

#[async_trait]
impl LogsSource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn logs(&self, query: &LogsQuery) -> Result<Answer<Vec<LogRecord>>> {
        let (window, limit) = (query.window, query.limit);
        let text = match any_of("service", &query.services) {
            text if text.is_empty() => "{service=~\".*\"}".to_owned(),
            text => format!("{{{text}}}"),
        };
        let services = query.services.clone();
        let selected = self
            .compute(move |store| {
                let asked: BTreeSet<&str> = services.iter().map(String::as_str).collect();
                let within = store.logs.iter().filter(|record| window.contains(record.at));
                let wanted = within.filter(|record| asked.is_empty() || asked.contains(&*record.service));
                Selected::newest(wanted.collect(), limit, |record| record.at)
            })
            .await?;
        Ok(within(selected, "records", text, window, &self.completeness.logs))
    }

    async fn select(&self, expr: &str, window: Window, limit: usize) -> Result<Answer<Vec<LogRecord>>> {
        let text = expr.to_owned();
        let selected = self.compute(move |store| logql::select(&store.logs, &text, window, limit)).await?;
        Ok(within(self.own(selected)?, "records", expr, window, &self.completeness.logs))
    }

    async fn query_range(&self, expr: &str, window: Window, step: Duration) -> Result<Answer<Vec<Series>>> {
        let text = expr.to_owned();
        let series = self.compute(move |store| logql::range(&store.logs, &text, window, step)).await?;
        let answer = Answer::full(self.own(series)?, expr, window);
        Ok(answer.with_completeness(self.completeness.logs.clone()))
    }
}

#[async_trait]
impl TracesSource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn spans(&self, query: &TracesQuery) -> Result<Answer<Vec<Span>>> {
        let (window, limit) = (query.window, query.limit);
        let text = match any_of("resource.service.name", &query.services) {
            text if text.is_empty() => "{ }".to_owned(),
            text => format!("{{ {text} }}"),
        };
        let services = query.services.clone();
        let selected = self
            .compute(move |store| {
                let asked: BTreeSet<&str> = services.iter().map(String::as_str).collect();
                let within = || store.spans.iter().filter(|span| window.contains(span.start));
                let traces: HashSet<TraceId> = within()
                    .filter(|span| asked.is_empty() || asked.contains(&*span.service))
                    .map(|span| span.trace_id)
                    .collect();
                let through = within().filter(|span| traces.contains(&span.trace_id));
                Selected::newest(through.collect(), limit, |span| span.start)
            })
            .await?;
        Ok(within(selected, "spans", text, window, &self.completeness.traces))
    }

    async fn select(&self, expr: &str, window: Window, limit: usize) -> Result<Answer<Vec<Span>>> {
        let text = expr.to_owned();
        let selected = self.compute(move |store| traceql::select(&store.spans, &text, window, limit)).await?;
        Ok(within(self.own(selected)?, "spans", expr, window, &self.completeness.traces))
    }
}

/// What was selected, as an answer that says what is lacking in the store and what the limit cut off.
fn within<T>(
    selected: Selected<T>,
    what: &str,
    query: impl Into<String>,
    window: Window,
    store: &Completeness,
) -> Answer<Vec<T>> {
    let cut = selected.completeness(what);
    Answer::full(selected.found, query, window).with_completeness(store.clone()).with_completeness(cut)
}

#[async_trait]
impl ChangeSource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn changes(&self, window: Window) -> Result<Answer<Vec<Change>>> {
        let within = |change: &&Change| window.start <= change.at && change.at < window.end;
        let changes = self.store.changes.iter().filter(within).cloned().collect();
        Ok(Answer::full(changes, "changes", window).with_completeness(self.completeness.changes.clone()))
    }
}

#[async_trait]
impl TopologySource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn edges(&self, window: Window) -> Result<Answer<Vec<CallEdge>>> {
        let edges = self.compute(move |store| store.edges(window)).await?;
        Ok(Answer::full(edges, "call edges", window).with_completeness(self.completeness.topology.clone()))
    }
}
