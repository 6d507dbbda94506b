//! An alert as Alertmanager writes it in JSON; its relatives (Grafana, the details that Alertmanager
//! gives to PagerDuty) write the same.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer},
};
use serde_json::Value;

use super::limits::{Limiter, MAX_KEY_BYTES, MAX_TEXT_BYTES};
use crate::signal::{Alert, AlertStatus};

/// Names and values in the order of the names; of a name that came twice the last counts. Values should be
/// strings, and numbers or lists do no harm; null is nothing.
#[derive(Clone, Debug, Default)]
pub struct RawLabels(Vec<(String, Option<String>)>);

/// A text that is read and then forgotten, where possible without a copy.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct RawText<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// One alert as it came. Every field may be absent or null.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RawAlert<'a> {
    #[serde(borrow)]
    pub status: Option<RawText<'a>>,
    pub labels: Option<RawLabels>,
    pub annotations: Option<RawLabels>,
    #[serde(borrow)]
    pub starts_at: Option<RawText<'a>>,
    #[serde(borrow)]
    pub ends_at: Option<RawText<'a>>,
    #[serde(rename = "generatorURL")]
    pub generator_url: Option<String>,
    pub fingerprint: Option<String>,
}

/// What an alert takes over from the delivery around it.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub source: &'a str,
    pub group_key: Option<&'a str>,
    /// For an alert that has no status of its own.
    pub status: AlertStatus,
    /// For an alert that has no start of its own.
    pub at: Timestamp,
}

impl RawAlert<'_> {
    /// The alert within the limits, and whether it came with a start of its own.
    pub fn into_alert(self, around: Around<'_>, limiter: &mut Limiter) -> (Alert, bool) {
        let status = self.status.as_ref().and_then(|word| status(&word.0)).unwrap_or(around.status);
        let starts_at = limiter.time(self.starts_at.as_ref().map(|at| &*at.0));
        let ends_at = match status {
            AlertStatus::Firing => None,
            AlertStatus::Resolved => limiter.time(self.ends_at.as_ref().map(|at| &*at.0)),
        };
        let generator_url = self.generator_url.filter(|url| !url.is_empty());
        let alert = Alert {
            source: around.source.to_owned(),
            status,
            labels: limiter.labels(plain(self.labels)),
            annotations: limiter.annotations(plain(self.annotations)),
            starts_at: starts_at.unwrap_or(around.at),
            ends_at,
            generator_url: generator_url.map(|url| limiter.text(url, MAX_TEXT_BYTES)),
            fingerprint: limiter.text(self.fingerprint.unwrap_or_default(), MAX_KEY_BYTES),
            group_key: around.group_key.map(str::to_owned),
        };
        (alert, starts_at.is_some())
    }
}

/// The status of that name; `None` for words that nobody agreed on.
pub fn status(word: &str) -> Option<AlertStatus> {
    match word.trim().to_ascii_lowercase().as_str() {
        "firing" | "alerting" => Some(AlertStatus::Firing),
        "resolved" | "ok" | "normal" => Some(AlertStatus::Resolved),
        _ => None,
    }
}

/// A value as text: strings as they are, other things as JSON, null as nothing.
pub fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn plain(given: Option<RawLabels>) -> impl Iterator<Item = (String, String)> {
    given.unwrap_or_default().0.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

impl<'de> Deserialize<'de> for RawLabels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = RawLabels;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawLabels, A::Error> {
        let mut pairs: Vec<(String, Option<String>)> = Vec::with_capacity(8);
        while let Some((name, PlainText(value))) = map.next_entry()? {
            pairs.push((name, value));
        }
        // Go sends them sorted.
        if !pairs.is_sorted_by(|(one, _), (next, _)| one < next) {
            pairs.reverse();
            pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
            pairs.dedup_by(|(one, _), (before, _)| one == before);
        }
        Ok(RawLabels(pairs))
    }
}

/// A value as [`text_of`] has it.
struct PlainText(Option<String>);

impl<'de> Deserialize<'de> for PlainText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Option<String>, E> {
        Ok(Some(text))
    }

    fn visit_unit<E>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Option<String>, E> {
        Ok(text_of(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<String>, E> {
        Ok(text_of(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<String>, E> {
        Ok(text_of(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<String>, E> {
        Ok(text_of(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Option<String>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(text_of)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<String>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(text_of)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pairs(json: &str) -> Vec<(String, String)> {
        plain(Some(serde_json::from_str(json).expect("labels"))).collect()
    }

    #[test]
    fn the_last_of_a_name_counts_and_names_are_in_order() {
        let given = r#"{"b": "1", "a": null, "c": 7, "a": "2", "b": null, "d": [1, {"x": "y"}], "e": {}}"#;
        let expected = [("a", "2"), ("c", "7"), ("d", r#"[1,{"x":"y"}]"#), ("e", "{}")];
        assert_eq!(pairs(given), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(serde_json::from_str::<RawLabels>("[]").is_err());
        assert!(serde_json::from_str::<RawLabels>("7").is_err());
    }

    #[test]
    fn texts_with_escapes_are_read_as_those_without() {
        let read = |json: &str| {
            let raw: RawAlert<'_> = serde_json::from_str(json).expect("an alert");
            raw.status.map(|status| status.0.into_owned())
        };
        assert_eq!(read(r#"{"status": "firing"}"#).as_deref(), Some("firing"));
        assert_eq!(read(r#"{"status": "fir\u0069ng", "startsAt": null}"#).as_deref(), Some("firing"));
        let value = json!({"status": "firing", "labels": {"a": true}});
        assert!(RawAlert::deserialize(value).is_ok());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 9, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,3}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_their_own_text(values in prop::collection::btree_map(".{0,4}", any_value(), 0..9)) {
            let text = serde_json::to_string(&values).expect("JSON");
            let again: BTreeMap<String, Value> = serde_json::from_str(&text).expect("JSON");
            let expected: Vec<_> =
                again.into_iter().filter_map(|(name, value)| Some((name, text_of(value)?))).collect();
            prop_assert_eq!(pairs(&text), expected);
        }
    }
}
