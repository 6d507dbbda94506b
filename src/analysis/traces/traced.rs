//! The spans of now and of the healthy recording, side by side.

use quell_sdk::{
    local::plan::quoted,
    signal::{Series, Span, SpanKind, UnixNanos},
};

use super::{Forest, Operations, Peer, peer};
use crate::{
    analysis::{
        case::{Case, Periods, Telemetry},
        finding::Since,
        hash::{HashMap, HashSet},
        series::median,
    },
    domain::{Entity, EntityKind},
};

/// Both forests, with operations numbered alike.
pub struct Traced<'a> {
    pub operations: Operations,
    pub now: Forest<'a>,
    pub reference: Forest<'a>,
    /// Seconds that a whole request normally takes: the scale on which a delay is slow.
    pub request: f64,
    /// Services that report telemetry of any kind of their own now.
    services: HashSet<&'a str>,
    /// Those that do in the healthy recording.
    of_reference: HashSet<&'a str>,
    owners: Vec<Entity>,
}

/// Which side of the onset a span belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Normal,
    Incident,
}

impl<'a> Traced<'a> {
    pub fn new(case: &'a Case) -> Self {
        let mut operations = Operations::default();
        let now = Forest::new(&case.now.spans, &mut operations);
        let reference = Forest::new(&case.reference.spans, &mut operations);
        let [services, of_reference] = [&case.now, &case.reference].map(reporting);
        let request = request_seconds(&reference).or_else(|| request_seconds(&now)).unwrap_or(0.0);
        let mut traced =
            Self { operations, now, reference, request, services, of_reference, owners: Vec::new() };
        let mut known = HashMap::default();
        let of_now = traced.own(&traced.now, &mut known);
        let of_reference = traced.own(&traced.reference, &mut known);
        (traced.now.owners, traced.reference.owners) = (of_now, of_reference);
        let mut owners: Vec<(u32, Entity)> =
            known.into_iter().map(|(owner, number)| (number, owner)).collect();
        owners.sort_unstable_by_key(|(number, _)| *number);
        traced.owners = owners.into_iter().map(|(_, owner)| owner).collect();
        traced
    }

    /// Numbers the owners of all spans of a forest.
    fn own(&self, forest: &Forest<'_>, known: &mut HashMap<Entity, u32>) -> Vec<u32> {
        let mut number = |owner: Entity| {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            *known.entry(owner).or_insert(next)
        };
        // Most spans belong to their own service, whose name is mostly one text.
        let mut of_services: HashMap<*const u8, u32> = HashMap::default();
        let owners = forest.spans.iter().enumerate().map(|(index, span)| {
            match peer(span).filter(|_| forest.children(index).len() == 0) {
                None => *of_services
                    .entry(span.service.as_ptr())
                    .or_insert_with(|| number(Entity::service(&*span.service))),
                Some(peer) => number(self.face(span, peer)),
            }
        });
        owners.collect()
    }

    /// Least delay that counts, in seconds: a small part of what a whole request takes, and never less than two
    /// milliseconds. What nobody waits for is no symptom, however sure it is.
    pub fn noticeable(&self) -> f64 {
        (NOTICEABLE * self.request).max(0.002)
    }

    pub fn is_empty(&self) -> bool {
        self.now.spans.is_empty()
    }

    /// How much of a delay is felt, 0 to 1: what it adds to each call, or to each request, as a part of what a whole
    /// request takes.
    pub fn felt(&self, seconds: f64, calls: usize, requests: usize) -> f64 {
        let each = seconds / calls.min(requests).max(1) as f64;
        (each / (FELT * self.request).max(1e-6)).clamp(0.0, 1.0).sqrt()
    }

    /// Requests of the incident: spans that begin a trace.
    pub fn requests(&self, periods: &Periods) -> usize {
        self.now.spans.iter().filter(|span| span.parent.is_none() && periods.is_during(span.start)).count()
    }

    /// Whether a service reports anything.
    pub fn reports(&self, service: &str) -> bool {
        self.services.contains(service) || self.of_reference.contains(service)
    }

    /// Services that report anything now, in any order.
    pub fn services(&self) -> impl Iterator<Item = &'a str> {
        self.services.iter().copied()
    }

    /// All spans of either side: the forest, the index in it, and the side. Spans between the guard and the
    /// onset belong to neither.
    pub fn sided(&'a self, periods: &'a Periods) -> impl Iterator<Item = (&'a Forest<'a>, usize, Side)> + 'a {
        let now = self
            .now
            .spans
            .iter()
            .enumerate()
            .filter_map(move |(index, span)| side(span, periods).map(|side| (&self.now, index, side)));
        let reference =
            (0..self.reference.spans.len()).map(move |index| (&self.reference, index, Side::Normal));
        now.chain(reference)
    }

    /// Whose time and errors a span's own are: its service's, or its peer's when it is an outgoing call
    /// that left no span at the other end. As a number, to be counted by; see [`owners`](Self::owners).
    pub fn owner(&self, forest: &Forest<'_>, index: usize) -> Option<usize> {
        forest.owners.get(index).map(|owner| *owner as usize)
    }

    /// The entities that spans belong to, by their numbers.
    pub fn owners(&self) -> &[Entity] {
        &self.owners
    }

    /// The other end of a call that left no span there.
    fn face(&self, span: &Span, Peer { kind, name }: Peer) -> Entity {
        if name == *span.service {
            return Entity::service(name);
        }
        if self.reports(&name) {
            // It has a face of its own: it is its own service, of the kind that its callers say it is.
            let kind = if kind == EntityKind::External { EntityKind::Service } else { kind };
            return Entity { kind, service: name.clone(), name };
        }
        Entity { kind, name, service: span.service.to_string() }
    }

    /// Whether a span is the caller's half of a call whose other half was seen.
    pub fn is_caller_half(&self, forest: &Forest<'_>, index: usize) -> bool {
        let Some(span) = forest.spans.get(index) else { return false };
        let mut children = forest.children(index);
        let (Some(child), None) = (children.next(), children.next()) else { return false };
        let remote = forest.spans.get(child).is_some_and(|child| child.service != span.service);
        remote && matches!(span.kind, SpanKind::Client | SpanKind::Producer | SpanKind::Unspecified)
    }
}

/// Names of the services that report anything.
fn reporting(telemetry: &Telemetry) -> HashSet<&str> {
    let spans = telemetry.spans.iter().map(|span| &*span.service);
    let records = telemetry.logs.iter().map(|record| &*record.service);
    // Equal names are mostly one text, and most of them are the same.
    let mut texts: HashSet<*const u8> = HashSet::default();
    let fresh = spans.chain(records).filter(|service| texts.insert(service.as_ptr()));
    fresh.chain(telemetry.series.iter().map(Series::service)).collect()
}

/// Part of a whole request that a delay must reach to be noticed.
const NOTICEABLE: f64 = 0.05;
/// Part of a whole request that is felt in full.
const FELT: f64 = 0.1;

/// Median duration of the spans that begin a trace.
fn request_seconds(forest: &Forest<'_>) -> Option<f64> {
    let roots = forest.spans.iter().filter(|span| span.parent.is_none()).map(Span::seconds);
    median(&roots.collect::<Vec<_>>())
}

fn side(span: &Span, periods: &Periods) -> Option<Side> {
    // What matters is when a call was served, and a slow call is served at its end.
    if periods.is_during(span.end) || (periods.is_during(span.start)) {
        Some(Side::Incident)
    } else if periods.is_before(span.start) {
        Some(Side::Normal)
    } else {
        None
    }
}

/// When deviations at these moments began: their first tenth, within their first third.
pub fn since(mut moments: Vec<UnixNanos>) -> Option<Since> {
    moments.sort_unstable();
    let at = |part: usize| moments.get(moments.len() / part).copied();
    Some(Since { at: at(10)?, earliest: *moments.first()?, latest: at(3)? })
}

/// TraceQL that selects an operation.
pub(super) fn traceql(entity: &Entity, service: &str, operation: &str) -> String {
    let (service, operation) = (quoted(service), quoted(operation));
    match entity.kind {
        EntityKind::Service => format!("{{ resource.service.name = {service} && name = {operation} }}"),
        _ => format!("{{ resource.service.name = {service} && name = {operation} && kind = client }}"),
    }
}
