//! What a user's client does: gRPC for incidents, HTTP for deliveries.

use std::time::Duration;

use quell_proto::v1::{
    Event, GetIncidentRequest, Incident, Investigation, ListIncidentsRequest, WatchRequest, event::Payload,
    incident_service_client::IncidentServiceClient,
};
use quell_sdk::http::{HttpConfig, Proxy};
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::{Channel, Endpoint};

/// A client of one server.
pub(super) struct Client {
    base: String,
    pub(super) incidents: IncidentServiceClient<Channel>,
    http: reqwest::Client,
}

impl Client {
    /// Connects to `http://HOST:PORT`.
    pub(super) async fn connect(base: &str) -> Self {
        let channel = Endpoint::from_shared(base.to_owned()).unwrap().connect().await.unwrap();
        Self {
            base: base.to_owned(),
            incidents: IncidentServiceClient::new(channel).max_decoding_message_size(64 << 20),
            http: http(),
        }
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

    /// Posts and gives status and body.
    pub(super) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> (u16, String) {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(super) async fn get_text(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.base)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The value of one line of `/metrics`; 0 when it is not there.
    pub(super) async fn metric(&self, series: &str) -> f64 {
        let (_, text) = self.get_text("/metrics").await;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0.0)
    }
}

pub(super) fn http() -> reqwest::Client {
    let config = HttpConfig { proxy: Proxy::None, timeout: Duration::from_secs(10), ..HttpConfig::default() };
    quell_sdk::http::client(&config).unwrap()
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
