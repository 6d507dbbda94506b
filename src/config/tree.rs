//! The parsed file as a tree of values that know where they stand.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::error::{Fault, Place};

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    /// Text from a reference or an override, which also serves where a number is wanted.
    Loose(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

impl Node {
    /// Parses YAML; an empty text is an empty mapping.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let options = serde_saphyr::options! {
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 10_000 },
        };
        let parsed = serde_saphyr::from_str_with_options::<Option<Self>>(text, options).map_err(|error| {
            let place = error.location().map(|at| Place::At { line: at.line(), column: at.column() });
            Fault { place, message: error.without_snippet().to_string() }
        })?;
        Ok(parsed.unwrap_or(Self { place: Place::Whole, value: Value::Map(Vec::new()) }))
    }

    /// Puts `a.b=c` on top; mappings on the way are made, list items must be there. What reads as a list
    /// or mapping of YAML is one, all else is text.
    pub(super) fn set(&mut self, set: &str) -> Result<(), Fault> {
        let place = Place::Set(set.split('=').next().unwrap_or(set).to_owned());
        let (path, text) = set
            .split_once('=')
            .filter(|(path, _)| !path.is_empty())
            .ok_or_else(|| Fault::new(&place, "not of the form key.key=value"))?;
        let value = match Self::parse(text) {
            Ok(mut parsed) if text.starts_with(['[', '{']) => {
                parsed.relocate(&place);
                parsed
            }
            _ if text == "null" => Self { place: place.clone(), value: Value::Null },
            _ => Self { place: place.clone(), value: Value::Loose(text.to_owned()) },
        };
        let mut here = self;
        for segment in path.split('.') {
            here = here.child(segment, &place)?;
        }
        *here = value;
        Ok(())
    }

    fn child(&mut self, segment: &str, place: &Place) -> Result<&mut Self, Fault> {
        if matches!(self.value, Value::Null) {
            self.value = Value::Map(Vec::new());
        }
        match &mut self.value {
            Value::Map(entries) => {
                let index = match entries.iter().position(|(key, _)| key.name == segment) {
                    Some(index) => index,
                    None => {
                        let key = Key { name: segment.to_owned(), place: place.clone() };
                        entries.push((key, Self { place: place.clone(), value: Value::Null }));
                        entries.len() - 1
                    }
                };
                entries.get_mut(index).map(|(_, node)| node)
            }
            Value::List(items) => segment.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        }
        .ok_or_else(|| Fault::new(place, format!("there is nothing at `{segment}` to set")))
    }

    fn relocate(&mut self, place: &Place) {
        self.place = place.clone();
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.relocate(place)),
            Value::Map(entries) => entries.iter_mut().for_each(|(key, node)| {
                key.place = place.clone();
                node.relocate(place);
            }),
            _ => {}
        }
    }

    /// Calls `change` with the dotted path and each scalar text.
    pub(super) fn each_text(
        &mut self,
        path: &str,
        change: &mut dyn FnMut(&str, &Place, &mut Value) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match &mut self.value {
            Value::Text(_) | Value::Loose(_) => change(path, &self.place, &mut self.value),
            Value::List(items) => items.iter_mut().try_for_each(|item| item.each_text(path, change)),
            Value::Map(entries) => entries.iter_mut().try_for_each(|(key, node)| {
                let path = if path.is_empty() { key.name.clone() } else { format!("{path}.{}", key.name) };
                node.each_text(&path, change)
            }),
            _ => Ok(()),
        }
    }
}

fn place(at: &serde_saphyr::Location) -> Place {
    Place::At { line: at.line(), column: at.column() }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { place: place(&spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            if entries.iter().any(|(known, _)| known.name == key.value) {
                return Err(de::Error::custom(format_args!("key `{}` stands here twice", key.value)));
            }
            entries.push((Key { place: place(&key.referenced), name: key.value }, map.next_value()?));
        }
        Ok(Value::Map(entries))
    }
}
