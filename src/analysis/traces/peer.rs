//! The other end of a call that left no span of its own: a database, a cache, somebody else's API.

use quell_sdk::signal::{Span, SpanKind};

use crate::domain::EntityKind;

/// Who was called, as the caller's span names it (OpenTelemetry semantic conventions, with the older
/// spellings).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    pub kind: EntityKind,
    pub name: String,
}

const CACHES: [&str; 4] = ["redis", "memcached", "valkey", "keydb"];

/// The peer of a call, or `None` for a span that is not an outgoing call.
pub fn peer(span: &Span) -> Option<Peer> {
    let first =
        |keys: &[&str]| keys.iter().find_map(|key| span.attribute(key)).filter(|name| !name.is_empty());
    let system = first(&["db.system.name", "db.system"]);
    let queue = first(&["messaging.system"]);
    let named =
        first(&["peer.service", "server.address", "net.peer.name", "upstream.host", "net.sock.peer.addr"]);
    if !matches!(span.kind, SpanKind::Client | SpanKind::Producer)
        && system.is_none()
        && span.attribute("peer.service").is_none()
    {
        return None;
    }
    if let Some(system) = system {
        let kind = if CACHES.contains(&system) { EntityKind::Cache } else { EntityKind::Database };
        let name = first(&["peer.service", "db.namespace", "db.name"]).or(named).unwrap_or(system);
        return Some(Peer { kind, name: name.to_owned() });
    }
    if let Some(queue) = queue {
        let name = first(&["messaging.destination.name", "messaging.destination"]).unwrap_or(queue);
        return Some(Peer { kind: EntityKind::Queue, name: name.to_owned() });
    }
    named.map(|name| Peer { kind: EntityKind::External, name: name.to_owned() })
}
