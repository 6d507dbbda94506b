//! Asks every source at once and puts together what came back.
//!
//! One dead source never stops an investigation: what failed becomes a blind spot, with the reason.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::join_all;
use quell_sdk::{
    Answer, Completeness, Error, MetricsSource,
    signal::{CallEdge, Change, LogRecord, Series, Span, Window},
    source::{Budget, Discover, LogsQuery, TracesQuery},
};
use tokio::time::{Instant, timeout_at};

use super::{Emit, Request, Sources, states::with_states};
use crate::{
    analysis::{Case, Telemetry, causal::Graph, kube},
    domain::{BlindSpot, Coverage, Payload, SignalKind},
};

/// Most records and spans that one investigation reads from one source.
const LOG_LIMIT: usize = 300_000;
const SPAN_LIMIT: usize = 600_000;
/// Most series that are read from a source that holds them itself: a cluster of thousands of pods has several of each,
/// most of them constant. Memory is bounded by their samples.
const HELD_SERIES: usize = 60_000;
/// How long before the window changes are asked for.
const BEFORE: Duration = Duration::from_secs(24 * 3600);
/// Neighbours of the alerted service whose metrics are asked for, in calls.
const NEIGHBOURHOOD: usize = 3;
const MOST_NEIGHBOURS: usize = 40;

/// What came back.
pub(super) struct Collected {
    pub case: Case,
    pub coverage: Vec<Coverage>,
    pub blind_spots: Vec<BlindSpot>,
    /// Names of the sources by signal, as evidence quotes them.
    pub names: BTreeMap<SignalKind, String>,
    /// Which source a series' query belongs to.
    pub series_source: BTreeMap<String, String>,
    /// Signals that came back at least in part.
    pub seen: Vec<SignalKind>,
}

struct Ledger<'a> {
    emit: &'a dyn Emit,
    coverage: Vec<Coverage>,
    blind_spots: Vec<BlindSpot>,
    names: BTreeMap<SignalKind, String>,
    seen: Vec<SignalKind>,
}

/// Collects all signals of the request's window and of the reference, until `deadline`.
pub(super) async fn collect(
    request: &Request,
    sources: &Sources,
    emit: &dyn Emit,
    deadline: Instant,
) -> Collected {
    let mut ledger = Ledger {
        emit,
        coverage: Vec::new(),
        blind_spots: Vec::new(),
        names: BTreeMap::new(),
        seen: Vec::new(),
    };
    for (signal, because) in &sources.absent {
        ledger.blind_spot("-", *signal, because.clone());
    }
    let window = request.window;
    let (edges, spans, logs, changes, reference, at_hand) = tokio::join!(
        edges(sources, window, deadline),
        spans(sources, window, deadline),
        logs(sources, window, deadline),
        changes(sources, window, deadline),
        reference(request, sources, deadline),
        // What is at hand is asked for everything, for which nothing need be known.
        metrics(request, sources, &[], |source| source.is_local(), (window, deadline)),
    );
    let mut all_edges: Vec<CallEdge> = ledger.take(SignalKind::Topology, edges);
    let mut all_spans: Vec<Span> = ledger.take(SignalKind::Traces, spans);
    let mut all_logs: Vec<LogRecord> = ledger.take(SignalKind::Logs, logs);
    let mut all_changes: Vec<Change> = ledger.take(SignalKind::Changes, changes);
    let (reference, reference_edges, lacking) = reference;
    for (source, signal, because) in lacking {
        ledger.blind_spot(&source, signal, format!("healthy recording: {because}"));
    }
    all_edges.extend(reference_edges);
    all_edges.sort();
    all_edges.dedup();
    all_spans.sort_by_key(|span| span.start);
    all_logs.sort_by_key(|record| record.at);
    all_changes.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    all_changes.dedup_by(|a, b| a.id == b.id && a.kind == b.kind && a.service == b.service);

    let services = neighbourhood(&request.service, &all_edges);
    let is_far = |source: &dyn MetricsSource| !source.is_local();
    let mut answers = metrics(request, sources, &services, is_far, (window, deadline)).await;
    answers.extend(at_hand);
    answers.sort_by_key(|(place, _)| *place);
    let answers: Asked<Series> = answers.into_iter().map(|(_, answer)| answer).collect();
    let mut series_source = BTreeMap::new();
    for (name, answer) in &answers {
        for series in answer.iter().flat_map(|answer| &answer.data) {
            series_source.entry(series.query.clone()).or_insert_with(|| name.clone());
        }
    }
    let mut all_series: Vec<Series> = ledger.take(SignalKind::Metrics, answers);
    all_series.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
    all_series.dedup_by(|a, b| a.name == b.name && a.labels == b.labels);

    Collected {
        case: Case {
            now: kube::apart(Telemetry {
                series: all_series,
                logs: all_logs,
                spans: all_spans,
                ..Telemetry::default()
            }),
            reference,
            changes: all_changes,
            edges: all_edges,
            service: request.service.clone(),
            namespace: namespace(request),
        },
        coverage: ledger.coverage,
        blind_spots: ledger.blind_spots,
        names: ledger.names,
        series_source,
        seen: ledger.seen,
    }
}

type Asked<T> = Vec<(String, Result<Answer<Vec<T>>, Error>)>;

impl Ledger<'_> {
    fn take<T>(&mut self, signal: SignalKind, asked: Asked<T>) -> Vec<T> {
        let mut data = Vec::new();
        for (source, answer) in asked {
            let (completeness, items, queries, took) = match answer {
                Ok(answer) => {
                    let items = answer.data.len();
                    data.extend(answer.data);
                    (answer.completeness, items, answer.queries, answer.took)
                }
                Err(error) => (Completeness::missing(error.message), 0, 1, Duration::ZERO),
            };
            if let Some(reason) = completeness.reason() {
                self.blind_spot(&source, signal, reason.to_owned());
            }
            if !matches!(completeness, Completeness::Missing { .. }) && !self.seen.contains(&signal) {
                self.seen.push(signal);
            }
            self.names
                .entry(signal)
                .and_modify(|names| {
                    names.push('+');
                    names.push_str(&source);
                })
                .or_insert_with(|| source.clone());
            let coverage = Coverage { source, signal, completeness, items: items as u64, queries, took };
            self.emit.emit(Payload::CoverageReported { coverage: coverage.clone() });
            self.coverage.push(coverage);
        }
        data
    }

    fn blind_spot(&mut self, source: &str, signal: SignalKind, because: String) {
        self.blind_spots.push(BlindSpot { source: source.to_owned(), signal, because });
    }
}

/// Asks until the deadline; a source that has not answered by then is missing.
async fn by<T>(
    name: &str,
    deadline: Instant,
    asking: impl Future<Output = Result<Answer<T>, Error>>,
) -> (String, Result<Answer<T>, Error>) {
    let started = Instant::now();
    let answer = match timeout_at(deadline, asking).await {
        Ok(answer) => answer.map(|mut answer| {
            if answer.took.is_zero() {
                answer.took = started.elapsed();
            }
            answer
        }),
        Err(_) => Err(Error::new(
            quell_sdk::ErrorKind::Timeout,
            name,
            "no answer within the investigation's budget",
        )),
    };
    (name.to_owned(), answer)
}

async fn edges(sources: &Sources, window: Window, deadline: Instant) -> Asked<CallEdge> {
    join_all(sources.topology.iter().map(|source| by(source.name(), deadline, source.edges(window)))).await
}

async fn spans(sources: &Sources, window: Window, deadline: Instant) -> Asked<Span> {
    let query = Arc::new(TracesQuery { services: Vec::new(), window, limit: SPAN_LIMIT });
    join_all(sources.traces.iter().map(|source| {
        let query = query.clone();
        by(source.name(), deadline, async move { source.spans(&query).await })
    }))
    .await
}

async fn logs(sources: &Sources, window: Window, deadline: Instant) -> Asked<LogRecord> {
    let query = Arc::new(LogsQuery { services: Vec::new(), window, limit: LOG_LIMIT });
    join_all(sources.logs.iter().map(|source| {
        let query = query.clone();
        by(source.name(), deadline, async move { source.logs(&query).await })
    }))
    .await
}

async fn changes(sources: &Sources, window: Window, deadline: Instant) -> Asked<Change> {
    // What was done does not wait for the window that one looks at: leaks and full disks take their time.
    let window = Window::new(window.start - BEFORE, window.end);
    join_all(sources.changes.iter().map(|source| by(source.name(), deadline, source.changes(window)))).await
}

/// Asks the sources that `wanted` likes; each answer has the place of its source.
async fn metrics(
    request: &Request,
    sources: &Sources,
    services: &[String],
    wanted: impl Fn(&dyn MetricsSource) -> bool,
    (window, deadline): (Window, Instant),
) -> Vec<(usize, (String, Result<Answer<Vec<Series>>, Error>))> {
    let first = request.alerts.first();
    let ask = Discover {
        services: services.to_vec(),
        labels: first.map(|alert| alert.labels.clone()).unwrap_or_default(),
        expr: request.alerts.iter().find_map(quell_sdk::signal::Alert::expr),
        window,
        step: step(window),
        budget: Budget::default(),
    };
    let budget = Budget { series: HELD_SERIES, ..Budget::default() };
    let everything = Discover { services: Vec::new(), budget, ..ask.clone() };
    let namespace = namespace(request);
    let wanted = sources.metrics.iter().enumerate().filter(|(_, source)| wanted(&***source));
    let asking = wanted.map(|(place, source)| {
        let (ask, everything, namespace) = (&ask, &everything, &namespace);
        let answer = async move {
            if source.is_local() {
                return source.discover(everything).await;
            }
            with_states(&**source, source.discover(ask), namespace, window).await
        };
        async move { (place, by(source.name(), deadline, answer).await) }
    });
    join_all(asking).await
}

/// Distance of the samples that an investigation reads: about 240 over the window, and never finer than a
/// second.
pub fn step(window: Window) -> Duration {
    Duration::from_secs((window.length().as_secs() / 240).clamp(1, 300))
}

/// What a healthy recording lacks: source, signal, why.
type Lacking = Vec<(String, SignalKind, String)>;

async fn reference(
    request: &Request,
    sources: &Sources,
    deadline: Instant,
) -> (Telemetry, Vec<CallEdge>, Lacking) {
    let Some(reference) = &sources.reference else {
        return (Telemetry::default(), Vec::new(), Vec::new());
    };
    let window = reference.window;
    let of = &*reference.sources;
    let (series, spans, logs, edges) = tokio::join!(
        metrics(request, of, &[], |_| true, (window, deadline)),
        spans(of, window, deadline),
        logs(of, window, deadline),
        edges(of, window, deadline),
    );
    let mut lacking = Vec::new();
    let telemetry = kube::apart(Telemetry {
        series: data(
            series.into_iter().map(|(_, answer)| answer).collect(),
            SignalKind::Metrics,
            &mut lacking,
        ),
        logs: data(logs, SignalKind::Logs, &mut lacking),
        spans: data(spans, SignalKind::Traces, &mut lacking),
        ..Telemetry::default()
    });
    let edges = data(edges, SignalKind::Topology, &mut lacking);
    (telemetry, edges, lacking)
}

fn data<T>(asked: Asked<T>, signal: SignalKind, lacking: &mut Lacking) -> Vec<T> {
    let mut data = Vec::new();
    for (source, answer) in asked {
        match answer {
            Ok(answer) => {
                if let Some(reason) = answer.completeness.reason() {
                    lacking.push((source, signal, reason.to_owned()));
                }
                data.extend(answer.data);
            }
            Err(error) => lacking.push((source, signal, error.message)),
        }
    }
    data
}

/// The Kubernetes namespace that the alerts are about.
fn namespace(request: &Request) -> String {
    let names = ["namespace", "k8s_namespace_name", "kubernetes_namespace"];
    let mut labels =
        request.alerts.iter().flat_map(|alert| names.iter().filter_map(|name| alert.labels.get(*name)));
    labels.find(|value| !value.is_empty()).cloned().unwrap_or_default()
}

/// The suspect and what it calls or is called by, nearest first.
fn neighbourhood(service: &str, edges: &[CallEdge]) -> Vec<String> {
    if service.is_empty() {
        return Vec::new();
    }
    let graph = Graph::new(edges);
    let mut near: Vec<(usize, String)> = graph
        .below(service)
        .into_iter()
        .chain(graph.above(service))
        .filter(|(_, distance)| *distance <= NEIGHBOURHOOD)
        .map(|(name, distance)| (distance, name))
        .collect();
    near.push((0, service.to_owned()));
    near.sort();
    near.dedup_by(|a, b| a.1 == b.1);
    near.truncate(MOST_NEIGHBOURS);
    near.into_iter().map(|(_, name)| name).collect()
}
