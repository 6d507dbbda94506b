use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::signal::{CallEdge, Change, LogRecord, MetricMeta, Point, Series, Span, Window};

/// Signals held in memory, raw: counters are cumulative, classic histograms are their
/// `NAME_bucket{le}`, `NAME_sum` and `NAME_count` counters with `NAME` a histogram in `meta`.
///
/// Readers expect the canonical order that [`Store::sort`] makes.
#[derive(Clone, Debug, Default)]
pub struct Store {
    pub series: Vec<Series>,
    /// What is known of each metric, by its name (a histogram under its family's name).
    pub meta: BTreeMap<String, MetricMeta>,
    pub logs: Vec<LogRecord>,
    pub spans: Vec<Span>,
    pub changes: Vec<Change>,
    /// Call edges that were told; those that spans show are added by [`Store::edges`].
    pub edges: Vec<CallEdge>,
}

impl Store {
    /// Puts everything in canonical order: series by name and labels, with series of one identity joined
    /// and the later of two samples of one moment kept; points, logs, spans and changes by time; edges in
    /// order without repeats. Equal content then gives equal answers, however it arrived.
    pub fn sort(&mut self) {
        self.series
            .sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.labels.cmp(&other.labels)));
        self.series.dedup_by(|next, kept| {
            let same = next.name == kept.name && next.labels == kept.labels;
            if same {
                kept.points.append(&mut next.points);
            }
            same
        });
        for series in &mut self.series {
            sort_points(&mut series.points);
        }
        self.logs.sort_by_key(|record| record.at);
        self.spans.sort_by_key(|span| (span.start, span.trace_id, span.span_id));
        self.changes.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.id.cmp(&other.id)));
        self.edges.sort();
        self.edges.dedup();
    }

    /// Call edges: those that were told, and those visible in spans that start within the window, from the
    /// parent's service to the child's. In order, without repeats.
    pub fn edges(&self, window: Window) -> Vec<CallEdge> {
        let mut services: HashMap<_, _, RandomState> =
            HashMap::with_capacity_and_hasher(self.spans.len(), RandomState::default());
        services.extend(self.spans.iter().map(|span| ((span.trace_id, span.span_id), &span.service)));
        let window = window.nanos();
        let seen = self.spans.iter().filter(|span| window.contains(&span.start)).filter_map(|span| {
            let caller = services.get(&(span.trace_id, span.parent?))?;
            (**caller != span.service && !caller.is_empty() && !span.service.is_empty())
                .then_some((*caller, &span.service))
        });
        // Most edges are seen often, between the same two texts.
        let mut known: HashSet<(*const u8, *const u8), RandomState> = HashSet::default();
        let fresh = seen.filter(|(caller, callee)| known.insert((caller.as_ptr(), callee.as_ptr())));
        let mut edges: BTreeSet<_> = fresh.collect();
        edges.extend(self.edges.iter().map(|edge| (&edge.caller, &edge.callee)));
        edges
            .into_iter()
            .map(|(caller, callee)| CallEdge { caller: caller.clone(), callee: callee.clone() })
            .collect()
    }
}

/// Ascending order; of two samples of one moment the one that came later stays.
fn sort_points(points: &mut Vec<Point>) {
    if points.is_sorted_by(|one, other| one.at < other.at) {
        return;
    }
    points.sort_by_key(|point| point.at);
    points.dedup_by(|next, kept| {
        let same = next.at == kept.at;
        if same {
            *kept = *next;
        }
        same
    });
}
