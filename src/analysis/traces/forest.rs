//! Spans as trees: parents, children, operations.
//!
//! Telemetry is hostile: parents that never came, spans that are their own ancestors and repeated ids are
//! all harmless here, since nothing walks further than one edge.

use std::{collections::hash_map::Entry, sync::Arc};

use quell_sdk::signal::{CallEdge, Span, SpanId, TraceId};

use crate::analysis::hash::{HashMap, HashSet};

/// Numbers for (service, operation) pairs, shared by the forests that are to be compared.
#[derive(Debug, Default)]
pub struct Operations {
    ids: HashMap<(Arc<str>, Arc<str>), u32>,
    names: Vec<(Arc<str>, Arc<str>)>,
}

impl Operations {
    fn id(&mut self, span: &Span) -> u32 {
        let key = (span.service.clone(), span.operation.clone());
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(key.clone());
        self.ids.insert(key, id);
        id
    }

    /// Service and name of an operation.
    pub fn name(&self, id: u32) -> (&str, &str) {
        self.names.get(id as usize).map_or(("", ""), |(service, operation)| (service, operation))
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Spans with their links. Spans are named by their index.
pub struct Forest<'a> {
    pub spans: &'a [Span],
    /// Index of each span's parent, if it is there.
    parents: Vec<Option<u32>>,
    operations: Vec<u32>,
    /// Children of span `i`: `children[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    children: Vec<u32>,
    /// The first span of an id, and the last one of those that came more than once.
    index: HashMap<(TraceId, SpanId), u32>,
    repeated: HashMap<(TraceId, SpanId), u32>,
    /// Numbers of the entities that spans belong to.
    pub(super) owners: Vec<u32>,
}

impl<'a> Forest<'a> {
    pub fn new(spans: &'a [Span], operations: &mut Operations) -> Self {
        let mut index: HashMap<(TraceId, SpanId), u32> =
            HashMap::with_capacity_and_hasher(spans.len(), Default::default());
        let mut repeated: HashMap<(TraceId, SpanId), u32> = HashMap::default();
        for (number, span) in (0_u32..).zip(spans) {
            let id = (span.trace_id, span.span_id);
            match index.entry(id) {
                Entry::Vacant(vacant) => {
                    vacant.insert(number);
                }
                Entry::Occupied(_) => {
                    repeated.insert(id, number);
                }
            }
        }
        let parents: Vec<Option<u32>> = (0_u32..)
            .zip(spans)
            .map(|(number, span)| {
                let parent = index.get(&(span.trace_id, span.parent?)).copied()?;
                (parent != number).then_some(parent)
            })
            .collect();
        let mut counts = vec![0_u32; spans.len() + 1];
        for parent in parents.iter().flatten() {
            if let Some(count) = counts.get_mut(*parent as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for count in &mut counts {
            total += *count;
            *count = total;
        }
        let starts = counts;
        let mut next = starts.clone();
        let mut children = vec![0; total as usize];
        for (number, parent) in (0_u32..).zip(&parents) {
            let Some(parent) = parent else { continue };
            if let Some(slot) = next.get_mut(*parent as usize) {
                if let Some(child) = children.get_mut(*slot as usize) {
                    *child = number;
                }
                *slot += 1;
            }
        }
        // Equal names are mostly one allocation, and telling that they are is quicker than reading them.
        let mut known: HashMap<(*const u8, *const u8), u32> = HashMap::default();
        let operations = spans
            .iter()
            .map(|span| {
                let place = (span.service.as_ptr(), span.operation.as_ptr());
                *known.entry(place).or_insert_with(|| operations.id(span))
            })
            .collect();
        Self { spans, parents, operations, starts, children, index, repeated, owners: Vec::new() }
    }

    /// The last span of that id.
    pub fn find(&self, trace: TraceId, span: SpanId) -> Option<usize> {
        let id = (trace, span);
        self.repeated.get(&id).or_else(|| self.index.get(&id)).map(|span| *span as usize)
    }

    pub fn parent(&self, span: usize) -> Option<usize> {
        self.parents.get(span).copied().flatten().map(|parent| parent as usize)
    }

    pub fn operation(&self, span: usize) -> u32 {
        self.operations.get(span).copied().unwrap_or(u32::MAX)
    }

    pub fn children(&self, span: usize) -> impl ExactSizeIterator<Item = usize> + '_ {
        let start = self.starts.get(span).copied().unwrap_or(0) as usize;
        let end = self.starts.get(span + 1).copied().unwrap_or(0) as usize;
        self.children.get(start..end).unwrap_or_default().iter().map(|child| *child as usize)
    }

    /// Children in another service.
    pub fn remote_children(&self, span: usize) -> impl Iterator<Item = usize> + '_ {
        let service = self.spans.get(span).map(|span| span.service.clone());
        self.children(span)
            .filter(move |child| self.spans.get(*child).map(|span| &span.service) != service.as_ref())
    }

    /// Nanoseconds of a span that none of its children covers.
    pub fn self_nanos(&self, span: usize) -> i64 {
        let Some(parent) = self.spans.get(span) else { return 0 };
        let mut intervals: Vec<(i64, i64)> = self
            .children(span)
            .filter_map(|child| self.spans.get(child))
            .map(|child| (child.start.max(parent.start), child.end.min(parent.end)))
            .filter(|(start, end)| end > start)
            .collect();
        intervals.sort_unstable();
        let mut covered = 0;
        let mut until = i64::MIN;
        for (start, end) in intervals {
            if end > until {
                covered += end - start.max(until);
                until = end;
            }
        }
        (parent.end - parent.start - covered).max(0)
    }

    /// Call edges between services that the spans show, in order and without repeats.
    pub fn edges(&self) -> Vec<CallEdge> {
        // Most edges are seen often, between the same two texts.
        let mut known: HashSet<(*const u8, *const u8)> = HashSet::default();
        let mut edges: Vec<CallEdge> = (0..self.spans.len())
            .filter_map(|child| {
                let caller = &self.spans.get(self.parent(child)?)?.service;
                let callee = &self.spans.get(child)?.service;
                let is_fresh = known.insert((caller.as_ptr(), callee.as_ptr()));
                (is_fresh && caller != callee)
                    .then(|| CallEdge { caller: caller.clone(), callee: callee.clone() })
            })
            .collect();
        edges.sort();
        edges.dedup();
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::{Recorder, call};

    #[test]
    fn of_spans_that_share_an_id_the_last_is_found() {
        let mut recorder = Recorder::default();
        recorder.request(0, &call("shop", "GET /cart", 40).calls(call("cart", "get", 20)));
        let mut spans = recorder.finish().spans;
        let ids: Vec<_> = spans.iter().map(|span| (span.trace_id, span.span_id)).collect();
        spans.push(spans[0].clone());
        spans.push(spans[0].clone());
        let forest = Forest::new(&spans, &mut Operations::default());
        let found: Vec<_> = ids.iter().map(|(trace, span)| forest.find(*trace, *span)).collect();
        assert_eq!(found, [Some(3), Some(1)]);
    }
}
