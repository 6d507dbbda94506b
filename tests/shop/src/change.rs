use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use quell_sdk::signal::{Change, ChangeKind};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Config, Error, Result, http::Wire};

const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(400);
const TIMEOUT: Duration = Duration::from_secs(3);
/// Changes that wait to be posted, and changes remembered.
const CAPACITY: usize = 256;

type Listener = Box<dyn Fn(&Change) + Send + Sync>;

/// Announces changes: to listeners at once, and to an endpoint in order.
pub(crate) struct Changes {
    log: Mutex<Vec<Change>>,
    listeners: Mutex<Vec<Listener>>,
    queue: Option<mpsc::Sender<Change>>,
    lost: Arc<AtomicU64>,
}

impl Changes {
    /// Posting ends with the token.
    pub(crate) fn start(
        config: &Config,
        tasks: &TaskTracker,
        until: &CancellationToken,
    ) -> Result<Arc<Self>> {
        let lost = Arc::new(AtomicU64::new(0));
        let queue = match &config.change_endpoint {
            None => None,
            Some((base, key)) => {
                if !base.starts_with("http://") {
                    return Err(Error::Config(format!("change endpoint {base:?} must start with http://")));
                }
                let (sender, receiver) = mpsc::channel(CAPACITY);
                let poster = Poster {
                    uri: format!("{}/v2/change/enqueue", base.trim_end_matches('/')),
                    key: key.clone(),
                    wire: Wire::new(TIMEOUT),
                    lost: lost.clone(),
                };
                let until = until.clone();
                tasks.spawn(async move { until.run_until_cancelled_owned(poster.run(receiver)).await });
                Some(sender)
            }
        };
        Ok(Arc::new(Self { log: Mutex::default(), listeners: Mutex::default(), queue, lost }))
    }

    pub(crate) fn announce(&self, change: Change) {
        for listener in lock(&self.listeners).iter() {
            listener(&change);
        }
        if let Some(queue) = &self.queue
            && queue.try_send(change.clone()).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        let mut log = lock(&self.log);
        if log.len() < CAPACITY {
            log.push(change);
        }
    }

    /// Calls back for each change so far, then for each to come.
    pub(crate) fn listen(&self, listener: Listener) {
        let mut listeners = lock(&self.listeners);
        lock(&self.log).iter().for_each(&listener);
        listeners.push(listener);
    }

    pub(crate) fn all(&self) -> Vec<Change> {
        lock(&self.log).clone()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Poster {
    uri: String,
    key: String,
    wire: Wire,
    lost: Arc<AtomicU64>,
}

impl Poster {
    async fn run(self, mut queue: mpsc::Receiver<Change>) {
        while let Some(change) = queue.recv().await {
            if !self.post(&change).await {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    async fn post(&self, change: &Change) -> bool {
        let event = change_event(&self.key, change);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            let Ok(request) = Wire::request(Method::POST, &self.uri, HeaderMap::new(), Some(&event)) else {
                return false;
            };
            match self.wire.send(request).await {
                Ok((status, _)) if status.is_success() => return true,
                Ok((status, _)) if status.is_client_error() => return false,
                _ => {}
            }
        }
        false
    }
}

/// A change as the body of a PagerDuty change event (Events API v2).
pub fn change_event(routing_key: &str, change: &Change) -> Value {
    json!({
        "routing_key": routing_key,
        "payload": {
            "summary": change.title,
            "source": change.service,
            "timestamp": change.at.to_string(),
            "custom_details": {
                "id": change.id,
                "kind": change.kind.as_str(),
                "service": change.service,
                "version_from": change.version_from,
                "version_to": change.version_to,
                "author": change.author,
                "environment": "demo",
            },
        },
        "links": [{ "href": change.url, "text": "Details" }],
    })
}

/// A change of a service, now. The id says what it is, so the same run announces the same ids.
pub(crate) fn change(kind: ChangeKind, service: &str, title: String, author: &str) -> Change {
    let id = format!("{service}-{}", slug(&title));
    Change {
        kind,
        url: format!("https://deploys.shop.example/changes/{id}"),
        id,
        service: service.to_owned(),
        at: Timestamp::now(),
        title,
        author: author.to_owned(),
        version_from: String::new(),
        version_to: String::new(),
        commits: Vec::new(),
        files: Vec::new(),
        patch: String::new(),
    }
}

/// A deploy, now.
pub(crate) fn deploy(service: &str, from: &str, to: &str, author: &str) -> Change {
    let title = format!("Deploy {service} {to}");
    Change {
        version_from: from.to_owned(),
        version_to: to.to_owned(),
        ..change(ChangeKind::Deploy, service, title, author)
    }
}

/// What happened in the hours before, all of it innocent. The seed decides when.
pub(crate) fn routine(seed: u64, now: Timestamp) -> Vec<Change> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x0072_6f75_7469_6e65);
    let mut ago = |minutes: std::ops::Range<i64>, change: Change| {
        let seconds = rng.random_range(minutes.start * 60..minutes.end * 60);
        let at = now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(now);
        Change { at, ..change }
    };
    let title = str::to_owned;
    vec![
        ago(120..180, deploy("frontend", "5.12.4", "5.13.0", "mira")),
        ago(70..95, deploy("orders", "3.2.6", "3.2.7", "jonas")),
        ago(35..55, deploy("cart", "1.9.1", "1.9.2", "aylin")),
        ago(
            22..30,
            change(ChangeKind::Scale, "orders-db", title("Grow storage of orders-db to 200 GB"), "ops-bot"),
        ),
        ago(
            12..20,
            change(ChangeKind::Config, "inventory", title("Set inventory log level to info"), "tomas"),
        ),
        ago(
            6..11,
            change(ChangeKind::Flag, "checkout", title("Show gift wrap banner to 10 % of customers"), "lea"),
        ),
    ]
}

fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routine_changes_are_past_ordered_and_the_same_for_a_seed() {
        let now = Timestamp::now();
        let changes = routine(7, now);
        assert_eq!(changes, routine(7, now));
        assert_ne!(changes, routine(8, now));
        assert!(changes.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(changes.iter().all(|change| change.at < now), "all before now");
    }

    #[test]
    fn an_event_has_what_the_events_api_asks_for() {
        let event = change_event("key", &deploy("payments", "3.7.2", "3.8.0", "jonas"));
        assert_eq!(event["routing_key"], "key");
        assert_eq!(event["payload"]["summary"], "Deploy payments 3.8.0");
        assert_eq!(event["payload"]["custom_details"]["version_to"], "3.8.0");
        assert!(event["payload"]["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')));
    }
}
