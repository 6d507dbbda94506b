//! A whole quell on a free port, and clients for it.

use std::{collections::BTreeMap, ops::Deref, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use quell::{
    app::{App, Builder, Investigator},
    config::{self, Config, Environment},
    domain::{Investigation, Payload, Timings, Verdict},
    investigation::{Emit, Request},
};
use quell_testkit::Client;
use tokio_util::sync::CancellationToken;

pub(super) const SECRET: &str = "whsec-test";
pub(super) const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub(super) const TOKEN: &str = "am-token";

/// A server, used as its own client.
pub(super) struct Server {
    pub(super) app: App,
    client: Client,
}

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A configuration with all receivers open to those who know the secrets.
pub(super) fn configured(more: &str) -> Config {
    let text = format!(
        "server: {{listen: '127.0.0.1:0'}}
receivers:
  alertmanager: {{bearer_token: '{TOKEN}'}}
  pagerduty: {{secrets: [old-secret, '{SECRET}']}}
  events_v2: {{routing_keys: ['{ROUTING_KEY}']}}
{more}"
    );
    let environment = Environment { variable: &|_| None, folder: PathBuf::new() };
    config::parse("test.yaml", &text, &[], &environment).unwrap().config
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(Builder::new(configured("")).in_memory().investigator(Arc::new(Scripted::default()))).await
    }

    pub(super) async fn with(builder: Builder) -> Self {
        let app = builder.start().await.unwrap();
        let client = Client::new(&format!("http://{}", app.addr()));
        Self { app, client }
    }
}

/// An Alertmanager v4 webhook of one firing alert.
pub(super) fn alertmanager(name: &str, service: &str, starts_at: &str) -> String {
    let labels = BTreeMap::from([("alertname", name), ("service", service), ("severity", "critical")]);
    serde_json::json!({
        "version": "4", "groupKey": format!("{{}}:{{service=\"{service}\"}}"), "status": "firing",
        "receiver": "quell", "groupLabels": {"service": service}, "commonLabels": labels,
        "commonAnnotations": {}, "externalURL": "http://alertmanager", "truncatedAlerts": 0,
        "alerts": [{
            "status": "firing", "labels": labels, "annotations": {"summary": "it burns"},
            "startsAt": starts_at, "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus/graph?g0.expr=up", "fingerprint": format!("f-{name}-{service}"),
        }],
    })
    .to_string()
}

/// Answers every request with a script, so that these tests are about what is around the engine.
#[derive(Clone, Default)]
pub(super) struct Scripted {
    /// Notes told on the way.
    pub(super) notes: usize,
    /// Does not answer before it is cancelled.
    pub(super) never: bool,
    /// Panics instead.
    pub(super) panics: bool,
}

#[async_trait]
impl Investigator for Scripted {
    async fn investigate(
        &self,
        request: Request,
        emit: Arc<dyn Emit>,
        cancel: CancellationToken,
    ) -> Investigation {
        for number in 0..self.notes {
            emit.emit(Payload::NoteAdded { author: "engine".into(), text: number.to_string() });
        }
        assert!(!self.panics, "told to");
        if self.never {
            cancel.cancelled().await;
        }
        Investigation {
            id: request.id,
            service: request.service,
            window: request.window,
            verdict: Verdict::Inconclusive,
            because: "scripted".into(),
            onset: None,
            hypotheses: Vec::new(),
            recovery_paths: Vec::new(),
            blast_radius: Vec::new(),
            innocent: Vec::new(),
            blind_spots: Vec::new(),
            symptoms: Vec::new(),
            evidence: Vec::new(),
            coverage: Vec::new(),
            next_question: String::new(),
            timings: Timings::default(),
        }
    }
}
