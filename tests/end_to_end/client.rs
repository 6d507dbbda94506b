//! What a user's client does: gRPC for incidents, HTTP for deliveries.

use std::{ops::Deref, time::Duration};

use quell_proto::v1::{
    Event, GetIncidentRequest, Incident, Investigation, ListIncidentsRequest, WatchRequest, event::Payload,
    incident_service_client::IncidentServiceClient,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;

/// A client of one server.
pub(super) struct Client {
    http: quell_testkit::Client,
    pub(super) incidents: IncidentServiceClient<Channel>,
}

impl Deref for Client {
    type Target = quell_testkit::Client;

    fn deref(&self) -> &quell_testkit::Client {
        &self.http
    }
}

impl Client {
    /// Connects to `http://HOST:PORT`.
    pub(super) async fn connect(base: &str) -> Self {
        let http = quell_testkit::Client::new(base);
        let incidents = IncidentServiceClient::new(http.channel().await).max_decoding_message_size(64 << 20);
        Self { http, incidents }
    }

    /// All incidents, newest first.
    pub(super) async fn list(&self) -> Vec<Incident> {
        let all = ListIncidentsRequest { limit: 1_000, ..ListIncidentsRequest::default() };
        self.incidents.clone().list_incidents(all).await.unwrap().into_inner().incidents
    }

    pub(super) async fn get(&self, id: &str) -> Incident {
        let one = GetIncidentRequest { id: id.to_owned() };
        self.incidents.clone().get_incident(one).await.unwrap().into_inner()
    }

    /// Follows a journal until the investigation is finished.
    pub(super) async fn watch(&self, id: &str, after_seq: u64, within: Duration) -> Vec<Event> {
        let request = WatchRequest { incident_id: id.to_owned(), after_seq, until_done: true };
        let mut stream = self.incidents.clone().watch(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        let whole = async {
            while let Some(event) = stream.message().await.unwrap() {
                events.push(event);
            }
        };
        if timeout(within, whole).await.is_err() {
            panic!("not finished within {within:?}; so far: {:?}", types(&events));
        }
        events
    }

    /// Reads a journal of `last_seq` events, whatever its investigation does.
    pub(super) async fn journal(&self, id: &str, after_seq: u64, last_seq: u64) -> Vec<Event> {
        let request = WatchRequest { incident_id: id.to_owned(), after_seq, until_done: false };
        let mut stream = self.incidents.clone().watch(request).await.unwrap().into_inner();
        let mut events: Vec<Event> = Vec::new();
        while events.last().map_or(after_seq, |event| event.seq) < last_seq {
            let next = timeout(Duration::from_secs(10), stream.message()).await;
            let next = next.unwrap_or_else(|_| panic!("no event after {:?}", types(&events)));
            events.push(next.unwrap().expect("the stream goes on"));
        }
        events
    }
}

pub(super) fn http() -> reqwest::Client {
    quell_testkit::client::http(Duration::from_secs(10))
}

/// Asks again and again until there is an answer; `None` when the time is over.
pub(super) async fn eventually<T>(within: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if Instant::now() >= until {
            return None;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// The answer that a journal ends in.
pub(super) fn finished(events: &[Event]) -> &Investigation {
    let answer = events.iter().rev().find_map(|event| match &event.payload {
        Some(Payload::InvestigationFinished(found)) => Some(found),
        _ => None,
    });
    answer.unwrap_or_else(|| panic!("no answer in {:?}", types(events)))
}

pub(super) fn types(events: &[Event]) -> Vec<(u64, &str)> {
    events.iter().map(|event| (event.seq, event.r#type.as_str())).collect()
}

/// An Alertmanager webhook of one firing alert with these labels.
pub(super) fn webhook(labels: &serde_json::Value) -> String {
    let now = jiff::Timestamp::now().to_string();
    serde_json::json!({
        "version": "4", "groupKey": format!("{{}}:{{alertname={}}}", labels["alertname"]),
        "status": "firing", "receiver": "quell", "groupLabels": {}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://alertmanager.example", "truncatedAlerts": 0,
        "alerts": [{
            "status": "firing", "labels": labels, "annotations": {"summary": "it burns"},
            "startsAt": now, "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "",
        }],
    })
    .to_string()
}
