//! From events to what happened: each occurrence once, and without what every start and every rollout brings.
//!
//! A receiver may deliver one event many times, as its count grows or with every listing; only what is new of it
//! counts, at the time at which it says that it happened. What was over within two minutes (a pod that waited for
//! a node and then got one), probes that fail while a container starts, and ends that somebody asked for are how
//! rollouts go.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use quell_sdk::signal::{LogRecord, UnixNanos};

use super::{
    Condition,
    cluster::{Key, Stories, node, service},
    event::{Event, read},
    owners::Owners,
    story::{From, Happened, Spread},
};
use crate::{analysis::causal::Graph, domain::SignalKind};

/// Most events that are read: the newest.
const EVENTS: usize = 100_000;
/// How long a start may take, and an end.
const START: UnixNanos = 120_000_000_000;
const END: UnixNanos = 60_000_000_000;

/// Kinds of objects that events are read of.
const KINDS: [&str; 9] = [
    "Pod",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "Node",
];

/// An object: kind, namespace, name.
type Object = (String, String, String);

fn object_of(event: &Event) -> Object {
    (event.kind.clone(), event.namespace.clone(), event.name.clone())
}

/// The events of a recording, each with the index of its record, in order of time.
pub(super) fn read_all(records: &[LogRecord]) -> Vec<(usize, Event)> {
    let skipped = records.len().saturating_sub(EVENTS);
    let mut events: Vec<(usize, Event)> = records
        .iter()
        .enumerate()
        .skip(skipped)
        .filter_map(|(index, record)| Some((index, read(record)?)))
        .filter(|(_, event)| KINDS.contains(&event.kind.as_str()))
        .collect();
    events.sort_by_key(|(index, event)| (event.at, *index));
    events
}

/// Adds what events tell to the stories.
pub(super) fn gather(events: &[(usize, Event)], owners: &Owners, graph: &Graph, stories: &mut Stories) {
    let mut steps: HashMap<Object, Vec<(UnixNanos, &str)>> = HashMap::new();
    for (_, event) in events {
        let is_step = matches!(
            event.reason.as_str(),
            "Scheduled" | "Pulled" | "Created" | "Started" | "Killing" | "SuccessfulCreate"
        ) || event.reason.starts_with("NodeReady")
            || event.reason.starts_with("NodeHas");
        if is_step {
            steps.entry(object_of(event)).or_default().push((event.at, &event.reason));
        }
    }
    let mut known: HashMap<String, f64> = HashMap::new();
    let mut troubles: BTreeMap<(Object, Condition), Trouble> = BTreeMap::new();
    for (index, event) in events {
        let of_node = event.kind == "Node";
        let Some(condition) = Condition::of_event(&event.reason, &event.message, of_node) else { continue };
        let object = object_of(event);
        let steps = steps.get(&object).map_or(&[][..], Vec::as_slice);
        if condition == Condition::ProbeFailing && is_passing(event, steps) {
            continue;
        }
        let identity = if event.uid.is_empty() {
            format!("{}/{}/{}/{}/{}", event.kind, event.namespace, event.name, event.reason, event.message)
        } else {
            event.uid.clone()
        };
        let seen = known.get(&identity).copied();
        let trouble = troubles.entry((object, condition)).or_default();
        match seen {
            // The same again, or an older count that came late.
            Some(seen) if event.count <= seen && event.count > 1.0 => continue,
            Some(_) if !event.uid.is_empty() && event.count <= 1.0 => continue,
            Some(seen) => trouble.happened.push((event.at, (event.count - seen).max(1.0), *index)),
            None => {
                trouble.happened.push((event.at, 1.0, *index));
                if let Some(first) = event.first.filter(|_| event.count > 1.0) {
                    trouble.spread.push(Spread { from: first, to: event.at, count: event.count - 1.0 });
                }
            }
        }
        known.insert(identity, event.count);
    }
    for (((kind, namespace, name), condition), trouble) in troubles {
        let steps =
            steps.get(&(kind.clone(), namespace.clone(), name.clone())).map_or(&[][..], Vec::as_slice);
        if trouble.is_over(condition, steps) {
            continue;
        }
        let entity = if kind == "Node" {
            node(&name)
        } else {
            match owners.of_object(&kind, &namespace, &name, graph) {
                Some(found) => service(&found),
                None => continue,
            }
        };
        let story = stories.entry(Key { entity, condition, signal: SignalKind::Logs }).or_default();
        if !namespace.is_empty() {
            story.namespaces.insert(namespace);
        }
        let object: Arc<str> = Arc::from(name);
        story.happened.extend(trouble.happened.into_iter().map(|(at, count, index)| Happened {
            at,
            count,
            object: object.clone(),
            from: From::Event(index),
        }));
        story.spread.extend(trouble.spread);
    }
}

/// What happened to one object.
#[derive(Default)]
struct Trouble {
    happened: Vec<(UnixNanos, f64, usize)>,
    spread: Vec<Spread>,
}

impl Trouble {
    /// Whether it passed as fast as it does in a healthy start.
    fn is_over(&self, condition: Condition, steps: &[(UnixNanos, &str)]) -> bool {
        let (Some((first, ..)), Some((last, ..))) = (self.happened.first(), self.happened.last()) else {
            return true;
        };
        let first = self.spread.iter().map(|spread| spread.from).min().unwrap_or(*first).min(*first);
        steps.iter().any(|(at, reason)| at >= last && at - first < START && condition.is_ended_by(reason))
    }
}

/// Whether a probe fails since its container starts or ends.
fn is_passing(event: &Event, steps: &[(UnixNanos, &str)]) -> bool {
    steps.iter().any(|(at, reason)| {
        let since = event.at - at;
        match *reason {
            "Scheduled" | "Pulled" | "Created" | "Started" => (0..START).contains(&since),
            "Killing" => (-1_000_000_000..END).contains(&since),
            _ => false,
        }
    })
}
