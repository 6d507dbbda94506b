use std::collections::HashSet;

use super::{
    ast::{Id, Relation, Spanset},
    parse::parse,
};
use crate::{
    Result,
    local::Selected,
    signal::{Span, Window},
};

/// The spans that start within the window and fulfil a query: the newest `limit`, in ascending order of
/// their start, with how many there were. Parents and children count wherever they start.
///
/// # Errors
/// [`BadRequest`](crate::ErrorKind::BadRequest) with the column when it does not parse;
/// [`Unsupported`](crate::ErrorKind::Unsupported) names what is not evaluated here.
pub fn select<'a>(
    spans: impl IntoIterator<Item = &'a Span>,
    expr: &str,
    window: Window,
    limit: usize,
) -> Result<Selected<Span>> {
    let spanset = parse(expr)?;
    let spans: Vec<&Span> = spans.into_iter().collect();
    let mut found = spanset.of(&spans);
    found.retain(|span| window.contains(span.start));
    Ok(Selected::newest(found, limit, |span| span.start))
}

impl Spanset {
    fn of<'a>(&self, spans: &[&'a Span]) -> Vec<&'a Span> {
        match self {
            Self::Filter(filter) => spans.iter().copied().filter(|span| filter.holds(span)).collect(),
            Self::Related { of, relation, is, filter } => {
                let others = of.of(spans);
                let related: HashSet<Id> = match relation {
                    Relation::Child => others.into_iter().map(id).collect(),
                    Relation::Parent => others.into_iter().filter_map(parent).collect(),
                };
                let is_related = |span: &Span| match relation {
                    Relation::Child => parent(span).is_some_and(|parent| related.contains(&parent)),
                    Relation::Parent => related.contains(&id(span)),
                };
                let held = spans.iter().copied().filter(|span| filter.holds(span));
                held.filter(|span| is_related(span) == *is).collect()
            }
        }
    }
}

fn id(span: &Span) -> Id {
    (span.trace_id, span.span_id)
}

/// The parent of a span; none for one that says that it is its own.
fn parent(span: &Span) -> Option<Id> {
    span.parent.filter(|parent| *parent != span.span_id).map(|parent| (span.trace_id, parent))
}
