//! Attributes and resources.

use std::borrow::Cow;

use super::cursor::Cursor;
use crate::decode::wire::{KeyValue, Text, Value};

pub(super) fn attributes<'a>(cursor: &mut Cursor<'a>) -> Option<Vec<KeyValue<'a>>> {
    if cursor.peek()? != b'[' {
        return cursor.by_serde_or_default();
    }
    cursor.array(|cursor| {
        let mut pair = KeyValue::default();
        cursor.object(&["key", "value"], |cursor, key| {
            match key {
                "key" => pair.key = cursor.scalar()?,
                "value" => pair.value = value(cursor)?,
                _ => return None,
            }
            Some(())
        })?;
        Some(pair)
    })
}

/// An `AnyValue`: mostly a text.
pub(super) fn value<'a>(cursor: &mut Cursor<'a>) -> Option<Value<'a>> {
    if !cursor.take("{\"stringValue\":") {
        return cursor.by_serde();
    }
    let text: Cow<'a, str> = cursor.scalar::<Text<'a>>()?.0;
    cursor.expect("}")?;
    Some(Value::Text(text))
}

/// Reads a request that holds nothing but one list of what several resources sent.
pub(super) fn request<'a, T>(
    text: &'a str,
    list: &str,
    mut group: impl FnMut(&mut Cursor<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut cursor = Cursor::new(text);
    cursor.expect("{\"")?;
    cursor.expect(list)?;
    cursor.expect("\":")?;
    let groups = cursor.array(&mut group)?;
    cursor.expect("}")?;
    cursor.end()?;
    Some(groups)
}
