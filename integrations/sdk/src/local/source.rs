use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Store,
    answering::{compute, logql_of, logs_of, own, spans_of, traceql_of},
    discover::discover,
    logql,
    plan::any_of,
    promql, traceql,
};
use crate::{
    Answer, ChangeSource, Completeness, LogsSource, MetricsSource, Result, TopologySource, TracesSource,
    signal::{CallEdge, Change, LogRecord, Series, Span, Window},
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
        compute(&self.name, move || work(&store)).await
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
        let answer = Answer::full(own(&self.name, series)?, expr, window);
        Ok(answer.with_completeness(self.completeness.metrics.clone()))
    }
}

#[async_trait]
impl LogsSource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn logs(&self, query: &LogsQuery) -> Result<Answer<Vec<LogRecord>>> {
        let asked = query.clone();
        let selected = self.compute(move |store| logs_of(store.logs.iter(), &asked)).await?;
        Ok(selected.answer("records", logql_of(query), query.window, self.completeness.logs.clone()))
    }

    async fn select(&self, expr: &str, window: Window, limit: usize) -> Result<Answer<Vec<LogRecord>>> {
        let text = expr.to_owned();
        let selected = self.compute(move |store| logql::select(&store.logs, &text, window, limit)).await?;
        Ok(own(&self.name, selected)?.answer("records", expr, window, self.completeness.logs.clone()))
    }

    async fn query_range(&self, expr: &str, window: Window, step: Duration) -> Result<Answer<Vec<Series>>> {
        let text = expr.to_owned();
        let series = self.compute(move |store| logql::range(&store.logs, &text, window, step)).await?;
        let answer = Answer::full(own(&self.name, series)?, expr, window);
        Ok(answer.with_completeness(self.completeness.logs.clone()))
    }
}

#[async_trait]
impl TracesSource for StoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn spans(&self, query: &TracesQuery) -> Result<Answer<Vec<Span>>> {
        let asked = query.clone();
        let selected =
            self.compute(move |store| spans_of(&store.spans.iter().collect::<Vec<_>>(), &asked)).await?;
        Ok(selected.answer("spans", traceql_of(query), query.window, self.completeness.traces.clone()))
    }

    async fn select(&self, expr: &str, window: Window, limit: usize) -> Result<Answer<Vec<Span>>> {
        let text = expr.to_owned();
        let selected = self.compute(move |store| traceql::select(&store.spans, &text, window, limit)).await?;
        Ok(own(&self.name, selected)?.answer("spans", expr, window, self.completeness.traces.clone()))
    }
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
