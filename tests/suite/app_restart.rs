use std::{path::Path, sync::Arc, time::Duration};

use quell::{
    app::Builder,
    domain::{Event, Incident, InvestigationStatus, Payload},
    history::Filter,
};
use tokio::time::{Instant, timeout};

use super::server::{Scripted, Server, alertmanager, configured};

async fn start(folder: &Path, never: bool) -> Server {
    let config = configured(&format!("data_dir: '{}'", folder.display()));
    let engine = Scripted { notes: 2, never, panics: false };
    Server::with(Builder::new(config).investigator(Arc::new(engine))).await
}

async fn send(server: &Server, name: &str) {
    let now = jiff::Timestamp::now().to_string();
    let headers = [("authorization", "Bearer am-token")];
    let body = alertmanager(name, name, &now);
    assert_eq!(server.post("/v1/webhooks/alertmanager", &headers, body).await.0, 202);
}

async fn until(server: &Server, status: InvestigationStatus) -> Incident {
    for _ in 0..500 {
        let listed = server.app.history().list(Filter::default()).await.unwrap();
        let incident = server.app.history().get(&listed[0].id.0).await.unwrap().unwrap();
        if incident.investigation_status == status {
            return incident;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {status:?}");
}

#[tokio::test]
async fn an_unfinished_investigation_is_taken_up_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), true).await;
    send(&server, "checkout").await;
    until(&server, InvestigationStatus::Running).await;
    let stopping = Instant::now();
    server.app.stop().await.unwrap();
    assert!(stopping.elapsed() < Duration::from_secs(1), "{:?}", stopping.elapsed());

    let server = start(folder.path(), false).await;
    let incident = timeout(Duration::from_secs(5), until(&server, InvestigationStatus::Done)).await.unwrap();
    assert_eq!(incident.attempts, 2);
    assert_eq!((incident.number, incident.alerts.len()), (1, 1));
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_known_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), false).await;
    send(&server, "checkout").await;
    let before = until(&server, InvestigationStatus::Done).await;
    server.app.stop().await.unwrap();

    let server = start(folder.path(), false).await;
    assert_eq!(until(&server, InvestigationStatus::Done).await, before);
    // the same alert is still the same incident, and nothing is investigated twice
    let body = alertmanager("checkout", "checkout", &before.alerts[0].starts_at.to_string());
    let headers = [("authorization", "Bearer am-token")];
    assert_eq!(server.post("/v1/webhooks/alertmanager", &headers, body).await.0, 202);
    assert_eq!(server.app.history().list(Filter::default()).await.unwrap().len(), 1);
    assert_eq!(until(&server, InvestigationStatus::Done).await.attempts, 1);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn a_data_folder_serves_one_quell_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), false).await;
    let config = configured(&format!("data_dir: '{}'", folder.path().display()));
    let refused = Builder::new(config).start().await.err().unwrap().to_string();
    assert!(refused.contains("in use by"), "{refused}");
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn alerts_that_come_while_it_is_investigated_start_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), true).await;
    let headers = [("authorization", "Bearer am-token")];
    for name in ["Slow", "Errors", "Saturated"] {
        let body = alertmanager(name, "checkout", &jiff::Timestamp::now().to_string());
        assert_eq!(server.post("/v1/webhooks/alertmanager", &headers, body).await.0, 202);
    }
    let incident = until(&server, InvestigationStatus::Running).await;
    assert_eq!(incident.alerts.len(), 3);
    assert_eq!(server.app.history().list(Filter::default()).await.unwrap().len(), 1);
    let events = server.app.journal().read(&incident.id, 0, 1_000).await.unwrap();
    let requested = |event: &&Event| matches!(event.payload, Payload::InvestigationRequested { .. });
    assert_eq!(events.iter().filter(requested).count(), 1);
    server.app.stop().await.unwrap();
}
