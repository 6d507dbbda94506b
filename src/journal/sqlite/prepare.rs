//! What the caller's task does before an append reaches the writer: checks and JSON.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::failure::Place;
use crate::{
    domain::{IncidentId, Payload},
    journal::{Append, Error, Result},
};

/// Largest payload, as JSON.
const MAX_PAYLOAD: usize = 16 << 20;
/// Longest incident id.
const MAX_ID: usize = 200;

/// An append that can be written without further thought.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) incident: IncidentId,
    pub(super) expected: Option<u64>,
    pub(super) at: Timestamp,
    pub(super) at_nanoseconds: i64,
    pub(super) message_id: Option<String>,
    pub(super) entries: Vec<Entry>,
}

/// A payload and its JSON.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) payload: Payload,
    pub(super) json: String,
}

impl Prepared {
    pub(super) fn new(append: Append, place: &Place) -> Result<Self> {
        let Append { incident, expected, at, payloads, message_id } = append;
        if incident.0.is_empty() || incident.0.len() > MAX_ID {
            return Err(
                place.storage(format!("incident id of {} bytes; use 1 to {MAX_ID}", incident.0.len()))
            );
        }
        let at_nanoseconds = i64::try_from(at.as_nanosecond()).map_err(|_| {
            place.storage(format!("{incident}: {at} is no time of an event; use one from 1678 to 2261"))
        })?;
        let entries = payloads
            .into_iter()
            .map(|payload| entry(payload).map_err(|message| place.storage(format!("{incident}: {message}"))))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { incident, expected, at, at_nanoseconds, message_id: message_id.map(stored_id), entries })
    }

    /// What it takes in the queue of writes.
    pub(super) fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.json.len()).sum::<usize>() + self.incident.0.len()
    }
}

fn entry(payload: Payload) -> Result<Entry, String> {
    let name = payload.name();
    let json =
        serde_json::to_string(&payload).map_err(|error| format!("{name} cannot be written: {error}"))?;
    if json.len() > MAX_PAYLOAD {
        return Err(format!("{name} has {} bytes, more than {MAX_PAYLOAD}; send less at once", json.len()));
    }
    // A number that is not finite turns into null, which cannot be read back: it would spoil the whole
    // incident. Nothing else does, so only payloads with a null are tried.
    if json.contains("null") {
        serde_json::from_str::<Payload>(&json)
            .map_err(|error| format!("{name} could not be read back ({error}); is a number not finite?"))?;
    }
    Ok(Entry { payload, json })
}

/// Senders choose message ids: a long one is stored as its digest.
fn stored_id(id: String) -> String {
    if id.len() <= 128 { id } else { format!("sha256:{}", hex::encode(Sha256::digest(id.as_bytes()))) }
}
