//! The spans of now and of the healthy recording, side by side.

use quell_sdk::{
    local::plan::quoted,
    signal::{Span, SpanKind, UnixNanos},
};

use super::{Forest, Operations, Peer, peer};
use crate::{
    analysis::{
        case::{Case, Periods},
        finding::Since,
    },
    domain::{Entity, EntityKind},
};

/// Both forests, with operations numbered alike.
pub struct Traced<'a> {
    pub operations: Operations,
    pub now: Forest<'a>,
    pub reference: Forest<'a>,
    /// Services that report telemetry of any kind of their own.
    services: std::collections::HashSet<std::sync::Arc<str>>,
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
        let mut services: std::collections::HashSet<std::sync::Arc<str>> = std::collections::HashSet::new();
        for telemetry in [&case.now, &case.reference] {
            services.extend(telemetry.spans.iter().map(|span| span.service.clone()));
            services.extend(telemetry.logs.iter().map(|record| record.service.clone()));
            services.extend(telemetry.series.iter().map(|series| series.service().into()));
        }
        Self { operations, now, reference, services }
    }

    pub fn is_empty(&self) -> bool {
        self.now.spans.is_empty()
    }

    /// Whether a service reports anything.
    pub fn reports(&self, service: &str) -> bool {
        self.services.contains(service)
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
    /// that left no span at the other end.
    pub fn owner(&self, forest: &Forest<'_>, index: usize) -> Option<Entity> {
        let span = forest.spans.get(index)?;
        let Some(Peer { kind, name }) = peer(span).filter(|_| forest.children(index).len() == 0) else {
            return Some(Entity::service(&*span.service));
        };
        if name == *span.service {
            return Some(Entity::service(name));
        }
        if self.reports(&name) {
            // It has a face of its own: it is its own service, of the kind that its callers say it is.
            let kind = if kind == EntityKind::External { EntityKind::Service } else { kind };
            return Some(Entity { kind, service: name.clone(), name });
        }
        Some(Entity { kind, name, service: span.service.to_string() })
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
