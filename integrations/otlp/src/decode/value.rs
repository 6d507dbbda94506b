//! Values as bounded text.

use std::{borrow::Cow, hash::Hasher};

use super::wire::{KeyValue, Value};

/// The value as text, numbers and truth values as OTLP JSON prints them, lists and maps as JSON, and
/// whether it was cut to `limit` bytes.
pub(crate) fn text<'a>(value: &'a Value<'_>, limit: usize) -> (Cow<'a, str>, bool) {
    match value {
        Value::Empty => (Cow::Borrowed(""), false),
        Value::Text(text) | Value::Bytes(text) => {
            let kept = cut(text, limit);
            (Cow::Borrowed(kept), kept.len() < text.len())
        }
        Value::Bool(flag) => (Cow::Borrowed(if *flag { "true" } else { "false" }), false),
        Value::Int(number) => (Cow::Owned(number.to_string()), false),
        Value::Double(number) => (Cow::Owned(double(*number)), false),
        Value::Array(_) | Value::Map(_) => {
            let mut out = Bounded { text: String::new(), limit, full: false };
            write(&mut out, value);
            (Cow::Owned(out.text), out.full)
        }
    }
}

/// The longest prefix of at most `limit` bytes that ends between characters.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// Feeds the value to a hasher, so that equal values hash alike.
pub(crate) fn hash(value: &Value<'_>, hasher: &mut impl Hasher) {
    match value {
        Value::Empty => hasher.write_u8(0),
        Value::Text(text) => hash_text(text, 1, hasher),
        Value::Bool(flag) => hasher.write_u16(u16::from(*flag)),
        Value::Int(number) => {
            hasher.write_u8(3);
            hasher.write_i64(*number);
        }
        Value::Double(number) => {
            hasher.write_u8(4);
            hasher.write_u64(number.to_bits());
        }
        Value::Bytes(text) => hash_text(text, 5, hasher),
        Value::Array(values) => {
            hasher.write_u8(6);
            hasher.write_usize(values.len());
            values.iter().for_each(|value| hash(value, hasher));
        }
        Value::Map(pairs) => {
            hasher.write_u8(7);
            hash_pairs(pairs, hasher);
        }
    }
}

/// Feeds attributes to a hasher, in their order.
pub(crate) fn hash_pairs(pairs: &[KeyValue<'_>], hasher: &mut impl Hasher) {
    hasher.write_usize(pairs.len());
    for pair in pairs {
        hash_text(&pair.key.0, 8, hasher);
        hash(&pair.value, hasher);
    }
}

fn hash_text(text: &str, tag: u8, hasher: &mut impl Hasher) {
    hasher.write_u8(tag);
    hasher.write_usize(text.len());
    hasher.write(text.as_bytes());
}

fn double(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        number.to_string()
    }
}

struct Bounded {
    text: String,
    limit: usize,
    full: bool,
}

impl Bounded {
    fn push(&mut self, text: &str) {
        if self.full {
            return;
        }
        let kept = cut(text, self.limit.saturating_sub(self.text.len()));
        self.full = kept.len() < text.len();
        self.text.push_str(kept);
    }

    fn push_quoted(&mut self, text: &str) {
        if self.full {
            return;
        }
        let kept = cut(text, self.limit);
        self.push(&serde_json::Value::from(kept).to_string());
        self.full |= kept.len() < text.len();
    }
}

fn write(out: &mut Bounded, value: &Value<'_>) {
    match value {
        Value::Empty => out.push("null"),
        Value::Text(text) | Value::Bytes(text) => out.push_quoted(text),
        Value::Double(number) if !number.is_finite() => out.push_quoted(&double(*number)),
        Value::Bool(_) | Value::Int(_) | Value::Double(_) => out.push(&text(value, usize::MAX).0),
        Value::Array(values) => {
            out.push("[");
            for (index, value) in values.iter().enumerate() {
                if out.full {
                    return;
                }
                out.push(if index == 0 { "" } else { "," });
                write(out, value);
            }
            out.push("]");
        }
        Value::Map(pairs) => {
            out.push("{");
            for (index, pair) in pairs.iter().enumerate() {
                if out.full {
                    return;
                }
                out.push(if index == 0 { "" } else { "," });
                out.push_quoted(&pair.key.0);
                out.push(":");
                write(out, &pair.value);
            }
            out.push("}");
        }
    }
}
