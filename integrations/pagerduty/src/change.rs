use quell_sdk::{
    AlertReceiver, Received, Rejection, Request,
    receiver::limits::{Limiter, MAX_KEY_BYTES, MAX_LABELS, MAX_TEXT_BYTES, MAX_VALUE_BYTES},
    signal::{Change, ChangeKind},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    json::{Object, first_text, object, text},
    routing::EventsConfig,
};

/// Takes `POST /v2/change/enqueue` of the Events API v2.
///
/// The format knows a summary and free details only. Details of these names are understood: `service`,
/// `kind` (a [`ChangeKind`]), `author`, `version_from`, `version_to` or `version`, `commit` or `commits`,
/// `files`, `patch`, `id`.
#[derive(Clone, Debug, Default)]
pub struct ChangesReceiver {
    config: EventsConfig,
}

impl ChangesReceiver {
    /// Name in counters.
    pub const NAME: &str = "events-v2-changes";

    pub fn new(config: EventsConfig) -> Self {
        Self { config }
    }
}

impl AlertReceiver for ChangesReceiver {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn receive(&self, request: &Request) -> Result<Received, Rejection> {
        let body = self.config.open(request)?;
        let Some(payload) = object(&body, &["payload"]) else {
            return Err(Rejection::Malformed("'payload' is missing".to_owned()));
        };
        let Some(summary) = text(payload, "summary") else {
            return Err(Rejection::Malformed("'payload.summary' is missing or blank".to_owned()));
        };
        let mut limiter = Limiter::new(request.received_at);
        let change = change(&body, payload, summary, request, &mut limiter);
        Ok(Received {
            changes: vec![change],
            dropped: limiter.finish(),
            reply: Some(json!({ "status": "success", "message": "Change event processed" })),
            ..Received::default()
        })
    }
}

fn change(
    body: &Object,
    payload: &Object,
    summary: String,
    request: &Request,
    limiter: &mut Limiter,
) -> Change {
    let nothing = Object::new();
    let custom = object(payload, &["custom_details"]).unwrap_or(&nothing);
    let given_at = limiter.time(text(payload, "timestamp").as_deref());
    let at = given_at.unwrap_or(request.received_at);
    let kind = first_text(custom, &["kind", "change_kind", "type"])
        .and_then(|word| ChangeKind::parse(&word.to_ascii_lowercase()))
        .unwrap_or_else(|| kind_of(&summary));
    let id = text(body, "dedup_key").or_else(|| first_text(custom, &["dedup_key", "id"]));
    let id = id.unwrap_or_else(|| {
        // Two equal deploys without a time of their own are two deploys.
        let when = given_at.map_or_else(|| format!("received {at}"), |at| at.to_string());
        let digits = hex::encode(Sha256::digest(format!("{when}\n{}", Value::Object(payload.clone()))));
        digits.get(..16).unwrap_or_default().to_owned()
    });
    let service = text(custom, "service").or_else(|| text(payload, "source")).unwrap_or_default();
    let link = body.get("links").and_then(Value::as_array).and_then(|links| links.first());
    let link = link.and_then(|link| text(link.as_object()?, "href"));
    let mut word =
        |names: &[&str]| limiter.text(first_text(custom, names).unwrap_or_default(), MAX_VALUE_BYTES);
    let author = word(&["author", "user", "deployed_by", "triggered_by"]);
    let version_from = word(&["version_from", "previous_version", "from"]);
    let version_to = word(&["version_to", "new_version", "version", "release", "to"]);
    let commits = list(custom, &["commits", "commit", "sha", "revision"], limiter);
    let files = list(custom, &["files"], limiter);
    Change {
        kind,
        id: limiter.text(id, MAX_KEY_BYTES),
        service: limiter.text(service, MAX_VALUE_BYTES),
        at,
        title: limiter.text(summary, MAX_TEXT_BYTES),
        author,
        version_from,
        version_to,
        commits,
        files,
        patch: limiter.text(text(custom, "patch").unwrap_or_default(), 4 * MAX_TEXT_BYTES),
        url: limiter.text(link.unwrap_or_default(), MAX_TEXT_BYTES),
    }
}

/// A deploy, unless the summary has a word for something else.
fn kind_of(summary: &str) -> ChangeKind {
    let lower = summary.to_lowercase();
    let has = |starts: &[&str]| {
        lower
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| starts.iter().any(|start| word.starts_with(start)))
    };
    if has(&["flag", "toggle"]) {
        ChangeKind::Flag
    } else if has(&["config"]) {
        ChangeKind::Config
    } else if has(&["scale", "scaling", "autoscal", "replica"]) {
        ChangeKind::Scale
    } else {
        ChangeKind::Deploy
    }
}

/// Texts of a list, or the one text that stands in its place.
fn list(custom: &Object, names: &[&str], limiter: &mut Limiter) -> Vec<String> {
    let Some(value) = names.iter().find_map(|name| custom.get(*name)) else {
        return Vec::new();
    };
    let given: Vec<&str> = match value {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return Vec::new(),
    };
    limiter.count("commits or files: more than 64", given.len().saturating_sub(MAX_LABELS));
    given
        .into_iter()
        .filter(|one| !one.is_empty())
        .take(MAX_LABELS)
        .map(|one| limiter.text(one.to_owned(), MAX_VALUE_BYTES))
        .collect()
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
