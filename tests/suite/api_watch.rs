use std::{sync::Arc, time::Duration};

use quell::app::Builder;
use quell_proto::v1::{Event, WatchRequest, event::Payload, incident_service_client::IncidentServiceClient};
use tokio::time::{Instant, timeout};
use tonic::{Code, Streaming, transport::Channel};

use super::server::{Scripted, Server, alertmanager, configured};

const SOON: Duration = Duration::from_secs(20);

async fn open(server: &Server, name: &str) -> String {
    let now = jiff::Timestamp::now().to_string();
    let headers = [("authorization", "Bearer am-token")];
    let (status, answer) =
        server.post("/v1/webhooks/alertmanager", &headers, alertmanager(name, name, &now)).await;
    assert_eq!(status, 202, "{answer}");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    answer["incidents"][0].as_str().unwrap().to_owned()
}

async fn watch(
    client: &mut IncidentServiceClient<Channel>,
    id: &str,
    after: u64,
    until_done: bool,
) -> Streaming<Event> {
    let request = WatchRequest { incident_id: id.to_owned(), after_seq: after, until_done };
    client.watch(request).await.unwrap().into_inner()
}

async fn rest(mut stream: Streaming<Event>) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(event) = timeout(SOON, stream.message()).await.unwrap().unwrap() {
        events.push(event);
    }
    events
}

async fn scripted(notes: usize, never: bool) -> Server {
    let engine = Scripted { notes, never, panics: false };
    Server::with(Builder::new(configured("")).in_memory().investigator(Arc::new(engine))).await
}

#[tokio::test]
async fn a_watcher_that_reconnects_misses_nothing_and_sees_nothing_twice() {
    let server = scripted(500, false).await;
    let id = open(&server, "checkout").await;
    let mut client = IncidentServiceClient::new(server.channel().await);
    let mut seen: Vec<Event> = Vec::new();
    // leaves after every seventh event, over a new connection now and then
    let done = |events: &[Event]| {
        matches!(
            events.last().and_then(|event| event.payload.as_ref()),
            Some(Payload::InvestigationFinished(_))
        )
    };
    while !done(&seen) {
        let after = seen.last().map_or(0, |event| event.seq);
        let mut stream = watch(&mut client, &id, after, true).await;
        for _ in 0..7 {
            match timeout(SOON, stream.message()).await.unwrap().unwrap() {
                Some(event) => seen.push(event),
                None => break,
            }
        }
        if seen.len().is_multiple_of(5) {
            client = IncidentServiceClient::new(server.channel().await);
        }
    }
    let numbers: Vec<u64> = seen.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=seen.len() as u64).collect::<Vec<_>>());
    let notes: Vec<usize> = seen
        .iter()
        .filter_map(|event| match &event.payload {
            Some(Payload::Note(note)) => note.text.parse().ok(),
            _ => None,
        })
        .collect();
    assert_eq!(notes, (0..500).collect::<Vec<_>>());
    let types: Vec<&str> = seen.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types.first(), Some(&"incident_opened"));
    assert_eq!(types.iter().filter(|name| **name == "investigation_started").count(), 1);
    // the same over one connection, and nothing after the end
    assert_eq!(rest(watch(&mut client, &id, 0, true).await).await, seen);
    assert_eq!(rest(watch(&mut client, &id, numbers.len() as u64, true).await).await, []);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn an_incident_is_watched_by_number_and_unknown_ones_are_not() {
    let server = scripted(1, false).await;
    open(&server, "checkout").await;
    let mut client = IncidentServiceClient::new(server.channel().await);
    assert!(rest(watch(&mut client, "INC-1", 0, true).await).await.len() >= 4);
    for name in ["INC-99", "inc_nothing", "", "x"] {
        let request = WatchRequest { incident_id: name.into(), ..WatchRequest::default() };
        assert_eq!(client.watch(request).await.unwrap_err().code(), Code::NotFound, "{name}");
    }
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn a_watcher_that_does_not_read_slows_nobody() {
    let server = scripted(20_000, false).await;
    let id = open(&server, "checkout").await;
    let mut idle = IncidentServiceClient::new(server.channel().await);
    let stuck = watch(&mut idle, &id, 0, false).await;
    let mut client = IncidentServiceClient::new(server.channel().await);
    let events = rest(watch(&mut client, &id, 0, true).await).await;
    assert!(events.len() > 20_000);
    drop(stuck);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn shutdown_ends_open_watches_within_a_second() {
    let server = scripted(3, true).await;
    let id = open(&server, "checkout").await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut client = IncidentServiceClient::new(server.channel().await);
        let mut stream = watch(&mut client, &id, 0, false).await;
        timeout(SOON, stream.message()).await.unwrap().unwrap();
        streams.push(stream);
    }
    assert_eq!(server.metric("quell_watchers").await, 20.0);
    let started = Instant::now();
    server.app.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    for stream in streams {
        rest(stream).await;
    }
}

#[tokio::test]
async fn watchers_that_leave_are_not_counted() {
    let server = scripted(1, true).await;
    let id = open(&server, "checkout").await;
    let mut client = IncidentServiceClient::new(server.channel().await);
    let stream = watch(&mut client, &id, 0, false).await;
    assert_eq!(server.metric("quell_watchers").await, 1.0);
    drop(stream);
    for _ in 0..100 {
        if server.metric("quell_watchers").await == 0.0 {
            server.app.stop().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("still counted");
}
