use serde::Deserialize;

use super::{KeyValue, Text, nullable};

/// What sent the telemetry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Resource<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue<'a>>,
}

/// The instrumentation library within it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Scope<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
}
