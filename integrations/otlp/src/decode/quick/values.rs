//! Attributes and resources.

use std::borrow::Cow;

use super::cursor::{Cursor, Once};
use crate::decode::wire::{KeyValue, Text, Value};

pub(super) fn attributes<'a>(cursor: &mut Cursor<'a>) -> Option<Vec<KeyValue<'a>>> {
    if cursor.peek()? != b'[' {
        return cursor.by_serde_or_default();
    }
    cursor.array(|cursor| {
        let (mut pair, mut once) = (KeyValue::default(), Once::default());
        cursor.object(|cursor, key| {
            match key {
                "key" => {
                    once.first(0)?;
                    pair.key = cursor.scalar()?;
                }
                "value" => {
                    once.first(1)?;
                    pair.value = value(cursor)?;
                }
                _ => cursor.skip()?,
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
