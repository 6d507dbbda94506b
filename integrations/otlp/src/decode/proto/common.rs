use std::borrow::Cow;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource,
};
use quell_sdk::signal;

use crate::decode::wire::{self, Text};

pub(super) fn text(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text))
}

pub(super) fn trace_id(raw: &[u8]) -> wire::TraceId {
    wire::TraceId(signal::TraceId::from_bytes(raw))
}

pub(super) fn span_id(raw: &[u8]) -> wire::SpanId {
    wire::SpanId(signal::SpanId::from_bytes(raw))
}

pub(super) fn resource(resource: Option<&Resource>) -> wire::Resource<'_> {
    wire::Resource { attributes: resource.map(|resource| pairs(&resource.attributes)).unwrap_or_default() }
}

pub(super) fn pairs(pairs: &[KeyValue]) -> Vec<wire::KeyValue<'_>> {
    pairs
        .iter()
        .map(|pair| wire::KeyValue { key: text(&pair.key), value: value(pair.value.as_ref()) })
        .collect()
}

/// Depth is bounded by protobuf's decoder.
pub(super) fn value(value: Option<&AnyValue>) -> wire::Value<'_> {
    match value.and_then(|value| value.value.as_ref()) {
        None | Some(any_value::Value::StringValueStrindex(_)) => wire::Value::Empty,
        Some(any_value::Value::StringValue(text)) => wire::Value::Text(Cow::Borrowed(text)),
        Some(any_value::Value::BoolValue(flag)) => wire::Value::Bool(*flag),
        Some(any_value::Value::IntValue(number)) => wire::Value::Int(*number),
        Some(any_value::Value::DoubleValue(number)) => wire::Value::Double(*number),
        Some(any_value::Value::BytesValue(bytes)) => wire::Value::Bytes(Cow::Owned(base64(bytes))),
        Some(any_value::Value::ArrayValue(array)) => {
            wire::Value::Array(array.values.iter().map(|item| self::value(Some(item))).collect())
        }
        Some(any_value::Value::KvlistValue(list)) => wire::Value::Map(pairs(&list.values)),
    }
}

/// Standard base 64 with padding, as proto3's JSON has bytes.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from(word >> (18 - 6 * place) & 63).unwrap_or(0);
            let letter = if place <= chunk.len() { ALPHABET.get(digit).copied() } else { None };
            out.push(char::from(letter.unwrap_or(b'=')));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case("", "")]
    #[case("f", "Zg==")]
    #[case("fo", "Zm8=")]
    #[case("foo", "Zm9v")]
    #[case("foobar", "Zm9vYmFy")]
    fn base64(#[case] plain: &str, #[case] want: &str) {
        assert_eq!(super::base64(plain.as_bytes()), want);
    }
}
