//! Receivers of alerts: the vendor half of a webhook.
//!
//! A receiver authenticates and parses; it keeps nothing and does not know what an incident is. It sees
//! the raw body, since signatures are over raw bytes.

mod access;
pub mod limits;
pub mod raw;

use bytes::Bytes;
use jiff::Timestamp;

pub use access::{Access, BasicAuth, same_secret};

use crate::signal::{Alert, Change};

/// One delivery as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Header names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub received_at: Timestamp,
}

impl Request {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What a delivery held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// A resolved one that names nothing but its group ends the whole group: [`Alert::ends_group`].
    pub alerts: Vec<Alert>,
    /// The sender gave no start times: `starts_at` of the alerts is about when the delivery came, and so
    /// does not tell one firing of an alert from the next.
    pub undated: bool,
    pub changes: Vec<Change>,
    /// Facts for the timeline of an incident: somebody acknowledged, escalated, ran something.
    pub notes: Vec<Note>,
    /// Identity of this delivery over its re-tries; a second one of the same id is dropped.
    pub delivery_id: Option<String>,
    /// Parts that were left out, as `what: why`, e.g. labels beyond the limit. Counted and logged.
    pub dropped: Vec<String>,
    /// Answer body that the sender expects beside the status, e.g. Events v2's `dedup_key`.
    pub reply: Option<serde_json::Value>,
}

/// A fact for an incident's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The group of alerts it is about: see [`Alert::group_key`]; or the fingerprint of one of its alerts,
    /// for senders that name the group in some messages only.
    pub group_key: String,
    pub at: Timestamp,
    pub author: String,
    pub text: String,
}

/// Why a delivery was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Signature or token missing or wrong: 401, nothing stored.
    #[error("unauthorized: {0}")]
    Unauthorized(String),
    /// Not what this endpoint takes: 400 with the reason. Senders drop such deliveries, so it is only
    /// for bodies from which nothing can be read.
    #[error("malformed: {0}")]
    Malformed(String),
}

/// Takes a vendor's deliveries apart.
pub trait AlertReceiver: Send + Sync {
    /// Name in counters and as [`Alert::source`].
    fn name(&self) -> &str;

    /// Authenticates and parses one delivery.
    fn receive(&self, request: &Request) -> Result<Received, Rejection>;
}
