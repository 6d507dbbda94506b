use super::parse::parse;
use crate::{
    Result,
    local::Selected,
    signal::{Span, Window},
};

/// The spans that start within the window and fulfil a filter: the newest `limit`, in ascending order of
/// their start, with how many there were.
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
    let filter = parse(expr)?;
    let within = spans.into_iter().filter(|span| window.contains(span.start));
    Ok(Selected::newest(within.filter(|span| filter.holds(span)).collect(), limit, |span| span.start))
}
