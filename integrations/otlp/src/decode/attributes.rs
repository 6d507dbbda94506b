//! Attributes of resources, spans and records.

use std::sync::Arc;

use quell_sdk::signal::Attributes;

use super::{
    decoder::Decoder,
    limits::Reason,
    value,
    wire::{self, KeyValue, Value},
};

/// What the spans and records of one resource share.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) service: Arc<str>,
    /// Pod or instance; empty when unknown.
    pub(crate) pod: Arc<str>,
    /// Attributes other than service and pod.
    pub(crate) rest: Attributes,
}

pub(crate) const SERVICE: &str = "service.name";
pub(crate) const POD: &str = "k8s.pod.name";
pub(crate) const INSTANCE: &str = "service.instance.id";

/// The value of that attribute, when it is a text and not empty.
pub(crate) fn find<'a>(attributes: &'a [KeyValue<'_>], key: &str) -> Option<&'a str> {
    attributes.iter().find(|pair| pair.key.0 == key).and_then(|pair| match &pair.value {
        Value::Text(text) if !text.is_empty() => Some(&**text),
        _ => None,
    })
}

/// The service of a resource; empty when it names none.
pub(crate) fn service_of<'a>(resource: &'a wire::Resource<'_>) -> &'a str {
    find(&resource.attributes, SERVICE).unwrap_or_default()
}

impl Decoder {
    pub(crate) fn resource(&mut self, resource: &wire::Resource<'_>) -> Resource {
        let attributes = &resource.attributes;
        let service = find(attributes, SERVICE).unwrap_or_default();
        let (pod_key, pod) = match (find(attributes, POD), find(attributes, INSTANCE)) {
            (Some(pod), _) => (POD, pod),
            (None, Some(instance)) => (INSTANCE, instance),
            (None, None) => (POD, ""),
        };
        let (service, pod) = (self.share(service), self.share(pod));
        let mut rest = Attributes::new();
        let others = attributes.iter().filter(|pair| pair.key.0 != SERVICE && pair.key.0 != pod_key);
        self.attributes(others, &mut rest);
        Resource { service, pod, rest }
    }

    /// Appends attributes up to the limit.
    pub(crate) fn attributes<'a, 'b: 'a>(
        &mut self,
        from: impl Iterator<Item = &'a KeyValue<'b>>,
        to: &mut Attributes,
    ) {
        for pair in from {
            if to.len() >= self.limits.attributes {
                self.dropped.one(Reason::TooManyAttributes);
                continue;
            }
            let key = value::cut(&pair.key.0, self.limits.key_bytes);
            let (text, was_cut) = value::text(&pair.value, self.limits.value_bytes);
            if was_cut || key.len() < pair.key.0.len() {
                self.dropped.one(Reason::Cut);
            }
            to.push((self.interner.get(key), self.interner.get(&text)));
        }
    }

    /// Appends the resource's attributes up to the limit.
    pub(crate) fn attributes_of_resource(&mut self, resource: &Resource, to: &mut Attributes) {
        let room = self.limits.attributes.saturating_sub(to.len());
        let over = resource.rest.len().saturating_sub(room);
        self.dropped.add(Reason::TooManyAttributes, over as u64);
        to.extend(resource.rest.iter().take(room).cloned());
    }

    /// A text within the limit of values, shared when it is short.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        let kept = value::cut(text, self.limits.value_bytes);
        if kept.len() < text.len() {
            self.dropped.one(Reason::Cut);
        }
        self.interner.get(kept)
    }
}
