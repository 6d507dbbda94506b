//! Asks the HTTP API, through the guard.
//!
//! Requests are built by prometheus-http-query where it can; bodies are always read here, bounded, since
//! its own decoding drops warnings and reads without a limit.

use std::{fmt, time::Duration};

use prometheus_http_query::{Client as Api, RuleKind};
use quell_sdk::{
    Error, ErrorKind, Result,
    guard::{Guard, GuardStats, Limits},
    http::{self, read_limited, request_error},
    signal::{Labels, Window},
};
use reqwest::Response;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    Config,
    decode::{self, BuildInfo, List, Matrix, QueryData, Rules, Said, Targets},
    kinds::Catalogue,
};

/// Largest body of one answer.
const MAX_BODY: usize = http::MAX_BODY;
/// Points per series beyond which Prometheus refuses a query.
const MAX_POINTS: u32 = 11_000;

/// The API of one Prometheus.
pub(crate) struct Client {
    api: Api,
    guard: Guard,
    /// Told to the server, so that it gives up when we have.
    timeout: Duration,
}

impl fmt::Debug for Client {
    // Neither the URL nor its headers: they may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(name: &str, config: &Config) -> Result<Self> {
        config.check(name)?;
        let client = http::client(&config.http())?;
        let mut base = config.url.clone();
        base.set_query(None);
        base.set_fragment(None);
        // The library puts a slash between this and its own paths.
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        let api = Api::from(client, base.as_str())
            .map_err(|cause| Error::new(ErrorKind::BadRequest, name, "url cannot be used").because(cause))?;
        let limits = Limits { deadline: config.timeout, ..Limits::default() };
        Ok(Self { api, guard: Guard::new(name, limits), timeout: config.timeout })
    }

    pub(crate) fn name(&self) -> &str {
        self.guard.name()
    }

    pub(crate) fn stats(&self) -> GuardStats {
        self.guard.stats()
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.guard.limits().concurrency
    }

    /// Evaluates an expression at every `step` of a window. `limit` series are asked for at most
    /// (Prometheus 3 honours it).
    pub(crate) async fn range(
        &self,
        until: Instant,
        expr: &str,
        window: Window,
        step: Duration,
        limit: usize,
    ) -> Result<Said<Matrix>> {
        let Some((start, end)) = seconds(window) else {
            return Ok(Said { data: Matrix::default(), warnings: Vec::new() });
        };
        let said: Said<QueryData> = self
            .ask(until, "query_range", || {
                let query = self
                    .api
                    .query_range(expr, start, end, step.as_secs_f64())
                    .timeout(self.timeout_millis())
                    .query("limit", limit);
                async { query.post_raw().await.map_err(|cause| self.failed(&cause)) }
            })
            .await?;
        Ok(Said { data: said.data.matrix(Some(window)), warnings: said.warnings })
    }

    /// Evaluates an expression at one moment, or now.
    pub(crate) async fn instant(&self, until: Instant, expr: &str, at: Option<i64>) -> Result<Said<Matrix>> {
        let said: Said<QueryData> = self
            .ask(until, "query", || {
                let mut query = self.api.query(expr).timeout(self.timeout_millis());
                if let Some(at) = at {
                    query = query.at(at);
                }
                async { query.post_raw().await.map_err(|cause| self.failed(&cause)) }
            })
            .await?;
        Ok(Said { data: said.data.matrix(None), warnings: said.warnings })
    }

    /// Names of the labels of what the selectors match.
    pub(crate) async fn labels(
        &self,
        until: Instant,
        matches: &[String],
        window: Window,
    ) -> Result<Said<List<String>>> {
        let form = scope(matches, window, 10_000);
        self.ask(until, "labels", || self.post("api/v1/labels", &form)).await
    }

    /// Values of a label among what a selector matches.
    pub(crate) async fn values(
        &self,
        until: Instant,
        label: &str,
        matching: &str,
        window: Window,
    ) -> Result<Said<List<String>>> {
        let form = scope(&[matching.to_owned()], window, 10_000);
        let label: String = percent_encoding::utf8_percent_encode(label, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%5F", "_");
        let path = format!("api/v1/label/{label}/values");
        self.ask(until, "label_values", || self.get(&path, &form)).await
    }

    /// Labels of the series that the selectors match.
    pub(crate) async fn series(
        &self,
        until: Instant,
        matches: &[String],
        window: Window,
        limit: usize,
    ) -> Result<Said<List<Labels>>> {
        let form = scope(matches, window, limit);
        self.ask(until, "series", || self.post("api/v1/series", &form)).await
    }

    /// What the server knows of metrics' kinds and units.
    pub(crate) async fn metadata(&self, until: Instant) -> Result<Said<Catalogue>> {
        self.ask(until, "metadata", || {
            let query = self.api.metric_metadata().limit_per_metric(2);
            async { query.get_raw().await.map_err(|cause| self.failed(&cause)) }
        })
        .await
    }

    /// Targets that are scraped now.
    pub(crate) async fn targets(&self, until: Instant) -> Result<Said<Targets>> {
        let form = vec![("state", "active".to_owned())];
        self.ask(until, "targets", || self.get("api/v1/targets", &form)).await
    }

    /// Expressions of the alert rules of a name whose labels agree with an alert's.
    pub(crate) async fn rules(&self, until: Instant, name: &str, alert: &Labels) -> Result<Vec<String>> {
        let said: Said<Rules> = self
            .ask(until, "rules", || {
                let query = self.api.rules().kind(RuleKind::Alerting).name(name);
                async { query.get_raw().await.map_err(|cause| self.failed(&cause)) }
            })
            .await?;
        // Servers before 2.44 ignore the name.
        let rules = said.data.groups.items.into_iter().flat_map(|group| group.rules.items);
        let agrees = |rule: &decode::Rule| {
            rule.name == name
                && rule.labels.iter().all(|(key, value)| {
                    alert.get(key).is_none_or(|other| other == value || value.contains("{{"))
                })
        };
        let mut found: Vec<String> = rules.filter(agrees).map(|rule| rule.query).collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    pub(crate) async fn build_info(&self, until: Instant) -> Result<Said<BuildInfo>> {
        self.ask(until, "buildinfo", || self.get("api/v1/status/buildinfo", &[])).await
    }

    async fn ask<T, Send>(
        &self,
        until: Instant,
        what: &'static str,
        send: impl Fn() -> Send,
    ) -> Result<Said<T>>
    where
        T: DeserializeOwned,
        Send: Future<Output = Result<Response>>,
    {
        self.guard
            .run_until(until, what, || {
                let sent = send();
                async {
                    let response = sent.await?;
                    let (status, headers) = (response.status(), response.headers().clone());
                    let body = read_limited(self.name(), response, MAX_BODY).await?;
                    decode::answer(self.name(), status, &headers, &body)
                }
            })
            .await
    }

    fn get(&self, path: &str, query: &[(&'static str, String)]) -> impl Future<Output = Result<Response>> {
        self.send(self.api.inner().get(self.url(path)).query(query))
    }

    /// As a form, since many selectors make long URLs.
    fn post(&self, path: &str, form: &[(&'static str, String)]) -> impl Future<Output = Result<Response>> {
        self.send(self.api.inner().post(self.url(path)).form(form))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        request.send().await.map_err(|cause| request_error(self.name(), &cause))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.api.base_url().as_str().trim_end_matches('/'))
    }

    fn timeout_millis(&self) -> i64 {
        i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX).max(1)
    }

    fn failed(&self, cause: &prometheus_http_query::Error) -> Error {
        match cause {
            prometheus_http_query::Error::Client(client) if client.inner().is_some() => {
                client.inner().map_or_else(
                    || Error::new(ErrorKind::Unavailable, self.name(), "no answer"),
                    |inner| request_error(self.name(), inner),
                )
            }
            other => Error::new(ErrorKind::BadRequest, self.name(), other.to_string()),
        }
    }
}

/// Distance of points, widened so that Prometheus does not refuse the query.
pub(crate) fn widen(step: Duration, window: Window) -> Duration {
    let step = if step.is_zero() { Duration::from_secs(1) } else { step };
    let least = window.length() / MAX_POINTS;
    if step > least { step } else { Duration::from_secs(least.as_secs() + 1) }
}

/// First and last whole second of a window; nothing if there is none within.
fn seconds(window: Window) -> Option<(i64, i64)> {
    let start = window.start.as_second() + i64::from(window.start.subsec_nanosecond() > 0);
    let end = window.end.as_second();
    (start <= end).then_some((start, end))
}

fn scope(matches: &[String], window: Window, limit: usize) -> Vec<(&'static str, String)> {
    let mut form: Vec<_> = matches.iter().map(|selector| ("match[]", selector.clone())).collect();
    form.push(("start", window.start.as_second().to_string()));
    form.push(("end", window.end.as_second().to_string()));
    form.push(("limit", limit.to_string()));
    form
}
