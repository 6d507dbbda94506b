//! The window as a source: every query is computed over references to what is held at that moment.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use quell_sdk::{
    Answer, Completeness, LogsSource, MetricsSource, Result, TopologySource, TracesSource,
    local::{
        self,
        answering::{compute, logql_of, logs_of, own, spans_of, traceql_of},
        logql,
        plan::any_of,
        promql, traceql,
    },
    signal::{self, Attributes, CallEdge, LogRecord, Series, Span},
    source::{Discover, LogsQuery, TracesQuery},
};

use super::{
    push::{Signal, Window, lock},
    ring::{Chunk, Ring},
};
use crate::Reason;

/// Name of this source.
const NAME: &str = "otlp";

/// Chunks of one signal, and how whole it is.
struct Held<T> {
    chunks: Vec<Arc<Chunk<T>>>,
    completeness: Completeness,
}

impl<T> Held<T> {
    fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| &chunk.items)
    }
}

impl Window {
    fn held_logs(&self, window: signal::Window) -> Held<LogRecord> {
        held(&lock(&self.logs), "logs", window)
    }

    fn held_spans(&self, window: signal::Window) -> Held<Span> {
        held(&lock(&self.spans), "spans", window)
    }

    fn metrics_completeness(&self, loss: super::stats::Loss, window: signal::Window) -> Completeness {
        let completeness = loss.completeness("metrics", window);
        match self.refused(Signal::Metrics).get(Reason::TooManySeries) {
            0 => completeness,
            count => completeness.and(Completeness::partial(format!(
                "{count} points of new series were dropped beyond the limits of {} series and of memory",
                self.config.max_series
            ))),
        }
    }
}

fn held<T: super::ring::Item>(ring: &Ring<T>, what: &str, window: signal::Window) -> Held<T> {
    Held { chunks: ring.chunks(), completeness: ring.loss.completeness(what, window) }
}

/// Spans in canonical order: by start, then ids.
fn by_start<'a>(spans: impl Iterator<Item = &'a Span>) -> Vec<&'a Span> {
    let mut spans: Vec<_> = spans.collect();
    spans.sort_by_key(|span| (span.start, span.trace_id, span.span_id));
    spans
}

#[async_trait]
impl MetricsSource for Window {
    fn name(&self) -> &str {
        NAME
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>> {
        let (window, query) = (request.window, any_of("service", &request.services));
        let (series, meta, loss) = self.points.snapshot();
        let request = request.clone();
        let (found, cut) =
            compute(NAME, move || local::discover(series.iter().map(|series| &**series), &meta, &request))
                .await?;
        let answer = Answer::full(found, format!("{{{query}}}"), window);
        Ok(answer.with_completeness(self.metrics_completeness(loss, window)).with_completeness(cut))
    }

    async fn query_range(
        &self,
        expr: &str,
        window: signal::Window,
        step: Duration,
    ) -> Result<Answer<Vec<Series>>> {
        let (series, _, loss) = self.points.snapshot();
        let text = expr.to_owned();
        let found =
            compute(NAME, move || promql::range(series.iter().map(|series| &**series), &text, window, step))
                .await?;
        let answer = Answer::full(own(NAME, found)?, expr, window);
        Ok(answer.with_completeness(self.metrics_completeness(loss, window)))
    }
}

#[async_trait]
impl LogsSource for Window {
    fn name(&self) -> &str {
        NAME
    }

    async fn logs(&self, query: &LogsQuery) -> Result<Answer<Vec<LogRecord>>> {
        let held = self.held_logs(query.window);
        let (completeness, asked) = (held.completeness.clone(), query.clone());
        let selected = compute(NAME, move || logs_of(held.iter(), &asked)).await?;
        Ok(selected.answer("records", logql_of(query), query.window, completeness))
    }

    async fn select(
        &self,
        expr: &str,
        window: signal::Window,
        limit: usize,
    ) -> Result<Answer<Vec<LogRecord>>> {
        let (held, text) = (self.held_logs(window), expr.to_owned());
        let completeness = held.completeness.clone();
        let selected = compute(NAME, move || logql::select(held.iter(), &text, window, limit)).await?;
        Ok(own(NAME, selected)?.answer("records", expr, window, completeness))
    }

    async fn query_range(
        &self,
        expr: &str,
        window: signal::Window,
        step: Duration,
    ) -> Result<Answer<Vec<Series>>> {
        let (held, text) = (self.held_logs(window), expr.to_owned());
        let completeness = held.completeness.clone();
        let series = compute(NAME, move || logql::range(held.iter(), &text, window, step)).await?;
        Ok(Answer::full(own(NAME, series)?, expr, window).with_completeness(completeness))
    }
}

#[async_trait]
impl TracesSource for Window {
    fn name(&self) -> &str {
        NAME
    }

    async fn spans(&self, query: &TracesQuery) -> Result<Answer<Vec<Span>>> {
        let held = self.held_spans(query.window);
        let (completeness, asked) = (held.completeness.clone(), query.clone());
        let selected = compute(NAME, move || spans_of(&by_start(held.iter()), &asked)).await?;
        Ok(selected.answer("spans", traceql_of(query), query.window, completeness))
    }

    async fn select(&self, expr: &str, window: signal::Window, limit: usize) -> Result<Answer<Vec<Span>>> {
        let (held, text) = (self.held_spans(window), expr.to_owned());
        let completeness = held.completeness.clone();
        let selected =
            compute(NAME, move || traceql::select(by_start(held.iter()), &text, window, limit)).await?;
        Ok(own(NAME, selected)?.answer("spans", expr, window, completeness))
    }
}

#[async_trait]
impl TopologySource for Window {
    fn name(&self) -> &str {
        NAME
    }

    /// Call edges that spans show. A span whose parent never came, or is itself, shows none.
    async fn edges(&self, window: signal::Window) -> Result<Answer<Vec<CallEdge>>> {
        let held = self.held_spans(window);
        let completeness = held.completeness.clone();
        let edges = compute(NAME, move || {
            // Attributes say nothing of who calls whom, and are most of a span.
            let bare = |span: &Span| Span {
                trace_id: span.trace_id,
                span_id: span.span_id,
                parent: span.parent,
                service: span.service.clone(),
                pod: span.pod.clone(),
                operation: span.operation.clone(),
                kind: span.kind,
                start: span.start,
                end: span.end,
                status: span.status,
                message: span.message.clone(),
                attributes: Attributes::new(),
            };
            let store = local::Store { spans: held.iter().map(bare).collect(), ..Default::default() };
            store.edges(window)
        })
        .await?;
        Ok(Answer::full(edges, "call edges", window).with_completeness(completeness))
    }
}
