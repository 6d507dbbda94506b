//! Reading JSON of which nothing is promised: a field of another shape is a field that is absent.

use serde_json::{Map, Value};

pub(crate) type Object = Map<String, Value>;

/// The object at a path of names.
pub(crate) fn object<'a>(from: &'a Object, path: &[&str]) -> Option<&'a Object> {
    path.iter().try_fold(from, |at, name| at.get(*name)?.as_object())
}

/// The text of a field; empty text counts as absent, and a number as its digits.
pub(crate) fn text(from: &Object, name: &str) -> Option<String> {
    let text = match from.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The first of the fields that has a text.
pub(crate) fn first_text(from: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(from, name))
}

/// The text of a field of the object in another field, as in `service.summary`.
pub(crate) fn nested(from: &Object, outer: &str, inner: &str) -> Option<String> {
    text(object(from, &[outer])?, inner)
}

/// The pairs that have a value.
pub(crate) fn present<const N: usize>(
    pairs: [(&'static str, Option<String>); N],
) -> impl Iterator<Item = (String, String)> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}
