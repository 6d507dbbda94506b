//! The source itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use quell_sdk::{
    Answer, Capabilities, Completeness, Health, Integration, MetricsSource, Result,
    guard::GuardStats,
    signal::{MetricKind, Series, Window},
    source::Discover,
};
use tokio::time::Instant;

use crate::{
    Config,
    client::{Client, widen},
    decode::Matrix,
    discover::discover,
    health::health,
    kinds,
    labels::Naming,
};

/// Most series of one expression.
const MAX_SERIES: usize = 10_000;

/// A Prometheus, or what answers its query API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prometheus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    naming: Naming,
    discover_timeout: Duration,
}

impl Prometheus {
    /// A source of this name. Nothing is asked yet.
    ///
    /// # Errors
    /// [`quell_sdk::ErrorKind::BadRequest`] when the configuration cannot work; the message says why.
    pub fn new(name: &str, config: &Config) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            client: Client::new(name, config)?,
            naming: Naming::new(config),
            discover_timeout: config.discover_timeout,
        })))
    }

    /// Counters of its queries.
    pub fn stats(&self) -> GuardStats {
        self.0.client.stats()
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn naming(&self) -> &Naming {
        &self.0.naming
    }

    pub(crate) fn discover_timeout(&self) -> Duration {
        self.0.discover_timeout
    }

    /// What an expression gave, with labels translated. A series whose name the expression took away
    /// bears the expression instead. `service` is that of series which name none.
    pub(crate) fn series_of(&self, expr: &str, matrix: Matrix, service: Option<&str>) -> Vec<Series> {
        let series = matrix.series.into_iter().map(|(labels, points)| {
            let name = labels.get("__name__").cloned();
            let own = self.naming().service_of(&labels);
            Series {
                kind: name.as_deref().map_or(MetricKind::Gauge, kinds::by_name),
                unit: name
                    .as_deref()
                    .map(|name| kinds::unit(name, &kinds::Catalogue::new()))
                    .unwrap_or_default(),
                name: name.unwrap_or_else(|| expr.to_owned()),
                labels: self.naming().translate(labels, own.as_deref().or(service)),
                points,
                query: expr.to_owned(),
            }
        });
        series.collect()
    }
}

#[async_trait]
impl MetricsSource for Prometheus {
    fn name(&self) -> &str {
        self.client().name()
    }

    async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>> {
        discover(self, request).await
    }

    async fn query_range(&self, expr: &str, window: Window, step: Duration) -> Result<Answer<Vec<Series>>> {
        let begin = Instant::now();
        let until = begin + self.discover_timeout();
        let said = self.client().range(until, expr, window, widen(step, window), MAX_SERIES).await?;
        let mut lacks = said.warnings;
        let mut matrix = said.data;
        let beyond = matrix.series.len().saturating_sub(MAX_SERIES);
        matrix.series.truncate(MAX_SERIES);
        for (count, what) in [
            (matrix.left_out + beyond, "series left out: too many, or labels too large"),
            (matrix.not_finite, "samples left out: not a finite number"),
            (matrix.histograms, "series hold native histograms, which have no single value"),
        ] {
            if count > 0 {
                lacks.push(format!("{count} {what}"));
            }
        }
        Ok(Answer {
            data: self.series_of(expr, matrix, None),
            completeness: if lacks.is_empty() {
                Completeness::Full
            } else {
                Completeness::partial(lacks.join("; "))
            },
            query: expr.to_owned(),
            window,
            queries: 1,
            took: begin.elapsed(),
        })
    }
}

#[async_trait]
impl Integration for Prometheus {
    fn name(&self) -> &str {
        self.client().name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { metrics: Some(Arc::new(self.clone())), ..Capabilities::default() }
    }

    async fn health(&self) -> Health {
        health(self).await
    }
}
