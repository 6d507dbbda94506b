//! Labels of series: OTLP attributes under the names that PromQL knows.

use std::borrow::Cow;

use quell_sdk::signal::Labels;

use super::{
    attributes::{INSTANCE, POD, SERVICE, find},
    limits::{Dropped, Limits, Reason},
    names, value,
    wire::KeyValue,
};

const NODE: [&str; 2] = ["k8s.node.name", "host.name"];
/// Resource attributes that describe the sender's build. They say nothing of its behaviour, and a
/// command line as a label of every series fills memory.
const DESCRIPTIVE: [&str; 3] = ["telemetry.", "process.", "os."];

/// Where the labels of one point come from.
#[derive(Clone, Copy)]
pub(crate) struct LabelSource<'a, 'b> {
    pub(crate) resource: &'a [KeyValue<'b>],
    pub(crate) scope: &'a str,
    pub(crate) point: &'a [KeyValue<'b>],
    /// `le` or `quantile`, with its value.
    pub(crate) extra: Option<(&'static str, &'a str)>,
}

/// Builds the labels. Names that quell gives a meaning (`service`, `pod`, `node`, `le`, `quantile`) come
/// first; a point's own attribute of such a name becomes `exported_NAME`, as Prometheus has it.
pub(crate) fn build(from: LabelSource<'_, '_>, limits: &Limits, dropped: &mut Dropped) -> Labels {
    let mut labels = Builder { labels: Labels::new(), limits, dropped };
    let service = find(from.resource, SERVICE);
    let of_point = |names: &[&str]| names.iter().find_map(|name| find(from.point, name));
    let pod = find(from.resource, POD)
        .or_else(|| of_point(&[POD, "pod"]))
        .or_else(|| find(from.resource, INSTANCE));
    let node = find(from.resource, NODE[0])
        .or_else(|| of_point(&[NODE[0], "node"]))
        .or_else(|| find(from.resource, NODE[1]));
    for (name, text) in [("service", service), ("pod", pod), ("node", node)] {
        labels.put(Cow::Borrowed(name), text.unwrap_or_default());
    }
    if let Some((name, text)) = from.extra {
        labels.put(Cow::Borrowed(name), text);
    }
    labels.put(Cow::Borrowed("otel_scope_name"), value::cut(from.scope, limits.label_bytes));
    for pair in from.point {
        if [POD, NODE[0]].contains(&&*pair.key.0) {
            continue;
        }
        labels.put_pair(pair, true);
    }
    for pair in from.resource {
        let key = &*pair.key.0;
        let told = key == SERVICE
            || key == POD
            || key == NODE[0]
            || (key == INSTANCE && find(from.resource, INSTANCE) == pod)
            || (key == NODE[1] && find(from.resource, NODE[1]) == node);
        if told || DESCRIPTIVE.iter().any(|prefix| key.starts_with(prefix)) {
            continue;
        }
        labels.put_pair(pair, false);
    }
    labels.labels
}

struct Builder<'a> {
    labels: Labels,
    limits: &'a Limits,
    dropped: &'a mut Dropped,
}

impl Builder<'_> {
    fn put_pair(&mut self, pair: &KeyValue<'_>, exported: bool) {
        let name = names::label(value::cut(&pair.key.0, self.limits.key_bytes));
        let (text, was_cut) = value::text(&pair.value, self.limits.label_bytes);
        if was_cut {
            self.dropped.one(Reason::Cut);
        }
        match self.labels.get(&*name) {
            None => self.put(name, &text),
            Some(same) if *same == text => {}
            Some(_) if exported && !self.labels.contains_key(&format!("exported_{name}")) => {
                self.put(Cow::Owned(format!("exported_{name}")), &text);
            }
            Some(_) => self.dropped.one(Reason::TooManyLabels),
        }
    }

    /// An empty value is no label, and there is no label without a name.
    fn put(&mut self, name: Cow<'_, str>, text: &str) {
        if text.is_empty() || name.is_empty() {
            return;
        }
        if self.labels.len() >= self.limits.labels {
            self.dropped.one(Reason::TooManyLabels);
            return;
        }
        let text = value::cut(text, self.limits.label_bytes);
        self.labels.insert(name.into_owned(), text.to_owned());
    }
}
