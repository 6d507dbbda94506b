use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::{Double, Flag, Int, Text, nullable};

/// OTLP's `AnyValue`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    #[default]
    Empty,
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// In base 64, as JSON has it.
    Bytes(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Map(Vec<KeyValue<'a>>),
}

/// An attribute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct KeyValue<'a> {
    #[serde(borrow)]
    pub(crate) key: Text<'a>,
    #[serde(borrow)]
    pub(crate) value: Value<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Values<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    values: Vec<Value<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pairs<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    values: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    StringValue,
    BoolValue,
    IntValue,
    DoubleValue,
    BytesValue,
    ArrayValue,
    KvlistValue,
    #[serde(other)]
    Other,
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object such as {\"stringValue\": ...}")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Empty)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Value<'de>, M::Error> {
        let mut value = Value::Empty;
        while let Some(field) = map.next_key::<Field>()? {
            value = match field {
                Field::StringValue => Value::Text(map.next_value::<Text<'de>>()?.0),
                Field::BoolValue => Value::Bool(map.next_value::<Flag>()?.0),
                Field::IntValue => Value::Int(map.next_value::<Int>()?.0),
                Field::DoubleValue => Value::Double(map.next_value::<Double>()?.0),
                Field::BytesValue => Value::Bytes(map.next_value::<Text<'de>>()?.0),
                Field::ArrayValue => Value::Array(map.next_value::<Values<'de>>()?.values),
                Field::KvlistValue => Value::Map(map.next_value::<Pairs<'de>>()?.values),
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                    value
                }
            };
        }
        Ok(value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ValueVisitor)
    }
}
