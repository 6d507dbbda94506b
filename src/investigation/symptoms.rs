//! From signals to symptoms with evidence: runs the analysis and numbers what it found.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use quell_sdk::{
    Completeness,
    signal::{Series, UnixNanos, Window},
};

use super::collect::Collected;
use crate::{
    analysis::{
        Case, Finding, Periods, causal,
        causal::Graph,
        finding::Since,
        kube, logs,
        onset::{self, Onset},
        series, traces,
    },
    domain::{self, Entity, EntityKind, Evidence, EvidenceId, IndicatorKind, SignalKind, Symptom, SymptomId},
};

/// Most symptoms kept per class of indicator: what is weaker than forty others of its kind decides nothing.
const PER_KIND: usize = 40;

/// A symptom with the finding that it came from.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub symptom: Symptom,
    pub finding: Finding,
}

/// What the signals show.
pub(super) struct Observations {
    pub onset: Onset,
    pub periods: Periods,
    pub graph: Graph,
    /// Strongest first.
    pub symptoms: Vec<Observed>,
    pub evidence: Vec<Evidence>,
    /// The alerted service showed anything in the incident, or no service is named.
    pub is_seen: bool,
    /// Services that report anything at all.
    pub services: Vec<String>,
}

/// Analyses what was collected. Pure, and heavy: belongs off the runtime. `onset_shift` moves the onset that is
/// found, to measure robustness.
pub(super) fn observe(
    collected: &Collected,
    window: Window,
    at: Timestamp,
    onset_shift: SignedDuration,
) -> Observations {
    let case = &collected.case;
    let (start, end) = (first_signal(case).max(window.start_nanos()), window.end_nanos());
    let at = i64::try_from(at.as_nanosecond()).unwrap_or(end);
    let (healthy, traced, mut graph, cluster, votes, learnt) = std::thread::scope(|scope| {
        let of_lines = scope.spawn(|| logs::Learnt::new(case));
        let healthy = series::Healthy::new(case);
        let traced = traces::Traced::new(case);
        let graph = graph(case, &traced);
        let cluster = kube::Cluster::new(case, &graph);
        let votes = onset::Votes::new(case, &healthy, &traced, &cluster, (start, end), at);
        let learnt = of_lines.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (healthy, traced, graph, cluster, votes, learnt)
    });
    let mined = logs::Mined::new(case, &traced, learnt);
    let onset = shifted(onset::find(&votes, &traced, &mined, (start, end), at), onset_shift, start, end);
    let periods = onset::periods(&onset, start, end);
    let seen = (&healthy, &traced, &mined, &cluster);
    let mut findings = analyse(case, seen, &graph, &periods);
    if let Some(rival) = onset.rival {
        let since = Since { at: rival, earliest: rival, latest: rival };
        let periods = onset::periods(&Onset { since, ..onset }, start, end);
        join(&mut findings, analyse(case, seen, &graph, &periods));
    }
    for finding in findings.iter().filter(|finding| finding.entity.kind == EntityKind::External) {
        graph.add(&finding.entity.service, &finding.entity.name);
    }
    // A service needs the nodes that its pods run on as it needs what it calls.
    let is_faulty = |node: &str| {
        findings.iter().any(|finding| finding.entity.kind == EntityKind::Node && finding.entity.name == node)
    };
    for (service, node) in cluster.hosts().filter(|(_, node)| is_faulty(node)) {
        graph.add(service, node);
    }
    one_face(&mut findings, &traced);
    let findings = strongest(findings, &case.service);
    let services: Vec<String> = traced
        .services()
        .filter(|service| !service.is_empty())
        .map(str::to_owned)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut symptoms = Vec::with_capacity(findings.len());
    let mut evidence = Vec::with_capacity(findings.len());
    for (number, finding) in (1_u32..).zip(findings) {
        let id = EvidenceId(number);
        evidence.push(evidence_of(id, &finding, collected, window));
        symptoms.push(Observed { symptom: symptom_of(number, id, &finding), finding });
    }
    let is_seen = is_seen(case, &periods) || cluster.watches(&case.service);
    Observations { onset, periods, graph, symptoms, evidence, is_seen, services }
}

/// Who calls whom, as it is known and as it was traced.
fn graph(case: &Case, traced: &traces::Traced<'_>) -> Graph {
    let mut graph = Graph::new(&case.edges);
    for edge in traced.now.edges().iter().chain(&traced.reference.edges()) {
        graph.add(&edge.caller, &edge.callee);
    }
    for span in &case.now.spans {
        if let Some(peer) = traces::peer(span) {
            graph.add(&span.service, &peer.name);
        }
    }
    graph
}

/// What was made of the signals before it was known when it began.
type Seen<'a> = (&'a series::Healthy<'a>, &'a traces::Traced<'a>, &'a logs::Mined<'a>, &'a kube::Cluster);

/// What deviates, given when it began. Traces and lines on one thread, metrics on another.
fn analyse(
    case: &Case,
    (healthy, traced, mined, cluster): Seen<'_>,
    graph: &Graph,
    periods: &Periods,
) -> Vec<Finding> {
    std::thread::scope(|scope| {
        let of_others = scope.spawn(|| {
            let of_lines = logs::find(mined, traced, periods);
            let mut found = logs::find_outside(mined, traced, periods, &of_lines);
            found.extend(of_lines);
            found.extend(traces::find_delays(traced, periods));
            found.extend(traces::find_structure(traced, periods, mined));
            found.extend(traces::find_failures(traced, periods));
            found.extend(traces::find_traffic(traced, periods));
            found
        });
        let mut findings = series::find(case, healthy, periods);
        findings.extend(series::find_growth(case, periods));
        if traced.is_empty() {
            // Spans say where time was spent better than any metric.
            let excess = causal::find_excess(case, graph, periods);
            for finding in &mut findings {
                // What a service lost is weighed once, against what the alerted one lost.
                let share = excess.share(finding.kind, &finding.entity.name, &case.service);
                finding.share = finding.share.or(share);
            }
            findings.extend(excess.findings);
        }
        findings.extend(cluster.find(case, periods));
        // Half an analysis would read as a healthy half: a defect there ends the whole, and is said.
        findings.extend(of_others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        findings.iter_mut().for_each(|finding| finding.stamp(periods));
        findings
    })
}

/// What the second look for an onset costs a finding: it had two chances.
const SECOND: f64 = 2.0;

/// Adds what another onset shows, where that is more.
fn join(findings: &mut Vec<Finding>, others: Vec<Finding>) {
    let key = |finding: &Finding| (finding.entity.clone(), finding.kind, finding.indicator.clone());
    let mut known: BTreeMap<_, usize> =
        findings.iter().enumerate().map(|(index, finding)| (key(finding), index)).collect();
    for mut other in others {
        // Traffic and levels are told from one point of view: two would contradict each other.
        if matches!(other.kind, IndicatorKind::Traffic) {
            continue;
        }
        other.decibans -= SECOND;
        if other.decibans <= 0.0 {
            continue;
        }
        match known.get(&key(&other)).and_then(|index| findings.get_mut(*index)) {
            Some(finding) if finding.decibans < other.decibans => *finding = other,
            Some(_) => {}
            None => {
                known.insert(key(&other), findings.len());
                findings.push(other);
            }
        }
    }
}

/// The onset moved by as much, within the recording.
fn shifted(mut onset: Onset, by: SignedDuration, start: UnixNanos, end: UnixNanos) -> Onset {
    if by.is_zero() {
        return onset;
    }
    let by = i64::try_from(by.as_nanos()).unwrap_or(0);
    let moments = [&mut onset.since.at, &mut onset.since.earliest, &mut onset.since.latest];
    for at in moments.into_iter().chain(&mut onset.rival) {
        *at = at.saturating_add(by).clamp(start, end.max(start));
    }
    onset
}

/// Gives what is one thing one name. A database may show itself in its callers' spans and in metrics and logs
/// of its own; an external provider is called by several services, and belongs to the one that it hurts most.
fn one_face(findings: &mut [Finding], traced: &traces::Traced<'_>) {
    let mut faces: BTreeMap<String, (f64, Entity)> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.entity.kind != EntityKind::Service) {
        if matches!(finding.entity.kind, EntityKind::Node | EntityKind::Pod | EntityKind::Host) {
            continue;
        }
        let weight = finding.decibans * finding.share.unwrap_or(1.0);
        let mut entity = finding.entity.clone();
        if traced.reports(&entity.name) {
            entity.service.clone_from(&entity.name);
        }
        let face = faces.entry(entity.name.clone()).or_insert_with(|| (weight, entity.clone()));
        if (weight, &entity) > (face.0, &face.1) {
            *face = (weight, entity);
        }
    }
    for finding in findings {
        if let Some((_, face)) = faces.get(&finding.entity.name) {
            finding.entity.clone_from(face);
        }
    }
}

/// When the recording really begins: a window may reach back further than anything was kept.
fn first_signal(case: &Case) -> UnixNanos {
    let first = |series: &Series| series.points.first().map(|point| point.at);
    case.now
        .spans
        .first()
        .map(|span| span.start)
        .into_iter()
        .chain(case.now.logs.first().map(|record| record.at))
        .chain(case.now.series.iter().chain(&case.now.states).filter_map(first))
        .chain(case.now.events.first().map(|record| record.at))
        .min()
        .unwrap_or(UnixNanos::MIN)
}

/// Whether the alerted service shows anything in the incident: by telemetry of its own or in calls to it.
fn is_seen(case: &Case, periods: &Periods) -> bool {
    let service = case.service.as_str();
    let during = |at: UnixNanos| periods.is_during(at);
    service.is_empty()
        || case.now.spans.iter().any(|span| {
            (during(span.end) || during(span.start))
                && (&*span.service == service || traces::peer(span).is_some_and(|peer| peer.name == service))
        })
        || case.now.logs.iter().any(|record| &*record.service == service && during(record.at))
        || case
            .now
            .series
            .iter()
            .any(|series| series.service() == service && series.points.iter().any(|point| during(point.at)))
}

fn strongest(mut findings: Vec<Finding>, alerted: &str) -> Vec<Finding> {
    findings.sort_by(|a, b| {
        b.decibans
            .total_cmp(&a.decibans)
            .then_with(|| b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0)))
            .then_with(|| (a.kind, &a.entity, &a.indicator).cmp(&(b.kind, &b.entity, &b.indicator)))
    });
    let mut counts: BTreeMap<IndicatorKind, usize> = BTreeMap::new();
    findings.retain(|finding| {
        let count = counts.entry(finding.kind).or_default();
        *count += 1;
        *count <= PER_KIND || finding.entity.service == alerted
    });
    findings
}

fn symptom_of(number: u32, evidence: EvidenceId, finding: &Finding) -> Symptom {
    Symptom {
        id: SymptomId(number),
        entity: finding.entity.clone(),
        indicator: finding.indicator.clone(),
        kind: finding.kind,
        direction: finding.direction,
        onset: finding.since.as_ref().map(onset_of),
        baseline: finding.baseline,
        observed: finding.observed,
        unit: finding.unit.clone(),
        decibans: finding.decibans,
        evidence,
    }
}

/// An interval of nanoseconds as moments.
pub(super) fn onset_of(since: &Since) -> domain::Onset {
    domain::Onset { at: moment(since.at), earliest: moment(since.earliest), latest: moment(since.latest) }
}

/// Nanoseconds as a moment.
pub(super) fn moment(at: UnixNanos) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn evidence_of(id: EvidenceId, finding: &Finding, collected: &Collected, window: Window) -> Evidence {
    let source = match finding.signal {
        SignalKind::Metrics => collected.series_source.get(&finding.query).cloned(),
        _ => None,
    };
    let completeness = collected
        .coverage
        .iter()
        .filter(|coverage| coverage.signal == finding.signal)
        .fold(Completeness::Full, |sum, coverage| sum.and(coverage.completeness.clone()));
    Evidence {
        id,
        signal: finding.signal,
        source: source
            .or_else(|| collected.names.get(&finding.signal).cloned())
            .unwrap_or_else(|| "-".to_owned()),
        language: finding.language,
        query: finding.query.clone(),
        window,
        divided_at: finding.divided_at.map(moment),
        normal_until: finding.normal_until.map(moment),
        completeness,
        summary: finding.summary.clone(),
        numbers: finding.numbers.clone(),
        link: None,
        trust: finding.trust,
    }
}
