use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use http::StatusCode;
use opentelemetry::metrics::Counter;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Boot, Jitter};
use crate::http::{Failure, unobserved};

/// Most keys kept; beyond it, expired ones go first, then the one that expires next.
const CAPACITY: usize = 10_000;

struct Cache {
    entries: Mutex<HashMap<String, Entry>>,
    jitter: Jitter,
    hits: Counter<u64>,
    misses: Counter<u64>,
}

struct Entry {
    value: Value,
    expires: Instant,
}

#[derive(Deserialize)]
struct Options {
    /// Seconds that the value is kept.
    #[serde(default = "one_minute")]
    ttl: u64,
}

fn one_minute() -> u64 {
    60
}

/// `GET /keys/{key}` answers the value or 404; `PUT /keys/{key}?ttl=SECONDS` stores one.
pub(super) fn routes(boot: &Boot) -> Router {
    let meter = &boot.telemetry.meter;
    let cache = Arc::new(Cache {
        entries: Mutex::new(HashMap::new()),
        jitter: boot.jitter(),
        hits: meter.u64_counter("cache.server.hits").with_description("Keys found").build(),
        misses: meter.u64_counter("cache.server.misses").with_description("Keys not found").build(),
    });
    let entries = Arc::downgrade(&cache);
    meter
        .u64_observable_gauge("cache.server.entries")
        .with_description("Keys kept")
        .with_callback(move |observer| {
            if let Some(cache) = entries.upgrade() {
                observer.observe(cache.lock().len() as u64, &[]);
            }
        })
        .build();
    let routes = Router::new().route("/keys/{key}", get(read).put(write)).with_state(cache);
    unobserved(routes, &boot.telemetry)
}

async fn read(State(cache): State<Arc<Cache>>, Path(key): Path<String>) -> Result<Json<Value>, Failure> {
    cache.jitter.work(1).await;
    let found =
        cache.lock().get(&key).filter(|entry| entry.expires > Instant::now()).map(|e| e.value.clone());
    match found {
        Some(value) => {
            cache.hits.add(1, &[]);
            Ok(Json(value))
        }
        None => {
            cache.misses.add(1, &[]);
            Err(Failure::new(StatusCode::NOT_FOUND, "no such key"))
        }
    }
}

async fn write(
    State(cache): State<Arc<Cache>>,
    Path(key): Path<String>,
    Query(options): Query<Options>,
    Json(value): Json<Value>,
) -> Json<Value> {
    cache.jitter.work(1).await;
    let now = Instant::now();
    let expires = now + Duration::from_secs(options.ttl.min(3600));
    let mut entries = cache.lock();
    if entries.len() >= CAPACITY && !entries.contains_key(&key) {
        entries.retain(|_, entry| entry.expires > now);
        if entries.len() >= CAPACITY
            && let Some(next) = entries.iter().min_by_key(|(_, entry)| entry.expires).map(|(k, _)| k.clone())
        {
            entries.remove(&next);
        }
    }
    entries.insert(key, Entry { value, expires });
    Json(json!({ "ok": true }))
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
