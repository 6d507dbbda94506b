use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Spanned};

use super::finding::{Findings, Place, Placed};

/// YAML as it stands in the file, every node with its place, so that the reader can report all that is
/// wrong at once rather than the first thing.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Place,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    /// Pairs as written, repeats included.
    Map(Vec<(Placed<String>, Node)>),
}

impl Value {
    /// What it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Reads one YAML document that starts `first_line - 1` lines into its file. What a front matter never
/// needs (thousands of nodes, deep nesting, aliases that multiply) is refused while it is read.
pub(super) fn read(yaml: &str, first_line: usize, findings: &mut Findings) -> Option<Node> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 40_000,
            max_nodes: 20_000,
            max_depth: 16,
            flow_nesting_limit: 16,
            max_aliases: 32,
            max_anchors: 32,
            max_recorded_anchor_events: 2_000,
            max_recorded_anchor_bytes: 65_536,
            max_merge_keys: 16,
            max_documents: 1,
            max_total_scalar_bytes: 524_288,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 16,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Raw>(yaml, options) {
        Ok(raw) => Some(raw.into_node(first_line)),
        Err(error) => {
            let at = error.location().map_or(Place { line: first_line, column: 1 }, |location| {
                place(location.line(), location.column(), first_line)
            });
            let text = error.to_string();
            let text = match text.split(" at line ").next().unwrap_or(&text).trim() {
                breach if breach.starts_with("budget breached") => {
                    "it holds more than a front matter needs (aliases?)"
                }
                text => text,
            };
            findings.error("RB002", at, format!("the front matter is not usable YAML: {text}"));
            None
        }
    }
}

fn place(line: u64, column: u64, first_line: usize) -> Place {
    let line = usize::try_from(line).unwrap_or(0).max(1);
    Place { line: line + first_line - 1, column: usize::try_from(column).unwrap_or(0).max(1) }
}

/// A node before its place is that of the whole file.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Plain(Value),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl Raw {
    fn into_node(self, first_line: usize) -> Node {
        let at = place(self.0.referenced.line(), self.0.referenced.column(), first_line);
        let value = match self.0.value {
            RawValue::Plain(value) => value,
            RawValue::List(items) => {
                Value::List(items.into_iter().map(|item| item.into_node(first_line)).collect())
            }
            RawValue::Map(pairs) => Value::Map(
                pairs
                    .into_iter()
                    .map(|(key, value)| {
                        let at = place(key.referenced.line(), key.referenced.column(), first_line);
                        (Placed::new(key.value, at), value.into_node(first_line))
                    })
                    .collect(),
            ),
        };
        Node { value, at }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = RawValue;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Number(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Number(value as f64)))
    }

    fn visit_i128<E>(self, value: i128) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Number(value as f64)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Number(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Number(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Text(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Null))
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Plain(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(RawValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(RawValue::Map(pairs))
    }
}
