//! What senders hear that should come again later, over real connections: 503 with a time to wait while
//! the server drains and while it has too much to do; 413 with the end of the connection.

use std::{path::Path, sync::Arc, time::Duration};

use quell::{app::Builder, history::Filter};
use rusqlite::Connection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use super::server::{Scripted, Server, TOKEN, alertmanager, configured};

const PATH: &str = "/v1/webhooks/alertmanager";

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A connection by hand, so that requests can be cut in pieces.
struct Raw(TcpStream);

impl Raw {
    async fn connect(server: &Server) -> Self {
        Self(TcpStream::connect(server.app.addr()).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Head and body of the next answer; the body has a length.
    async fn answer(&mut self) -> (String, String) {
        let mut read = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.unwrap().parse::<usize>().unwrap() {
                    return (head, body.to_owned());
                }
            }
            let read_now = self.0.read_buf(&mut read).await.unwrap();
            assert!(read_now > 0, "the connection ended after {text:?}");
        }
    }

    /// Whether the server ends the connection.
    async fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        matches!(
            tokio::time::timeout(Duration::from_secs(5), self.0.read_to_end(&mut rest)).await,
            Ok(Ok(0) | Err(_))
        )
    }
}

fn post(body: &str) -> String {
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: quell\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn while_draining_senders_are_asked_to_come_back() {
    let server = Server::start().await;
    assert_eq!(server.get_text("/readyz").await.0, 200);
    // Both connections are in the middle of their request when the shutdown begins.
    let mut readiness = Raw::connect(&server).await;
    let mut sender = Raw::connect(&server).await;
    let late = post(&alertmanager("Late", "cart", &now()));
    let (begin, end) = late.split_at(20);
    readiness.send("GET /readyz HTTP/1.1\r\n").await;
    sender.send(begin).await;
    sleep(Duration::from_millis(200)).await;
    let stopping = tokio::spawn(server.app.stop());
    sleep(Duration::from_millis(200)).await;
    readiness.send("host: quell\r\n\r\n").await;
    sender.send(end).await;
    for (connection, what) in [(&mut readiness, "readyz"), (&mut sender, "a delivery")] {
        let (head, body) = connection.answer().await;
        assert!(head.starts_with("http/1.1 503"), "{what}: {head}");
        assert!(head.contains("\r\nretry-after: 1"), "{what}: {head}");
        assert!(body.contains("shutting down"), "{what}: {body}");
    }
    stopping.await.unwrap().unwrap();
}

/// Holds the journal's file, so that nothing can be appended until it is dropped.
fn hold(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("journal.sqlite")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn over_capacity_senders_are_asked_for_patience_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let more = format!("data_dir: '{}'\nintake: {{max_queue_bytes: 1024}}", folder.path().display());
    let builder = Builder::new(configured(&more)).investigator(Arc::new(Scripted::default()));
    let server = Server::with(builder).await;
    let deliver = |name: &str| {
        let request = server.http.post(server.url(PATH)).bearer_auth(TOKEN);
        request.body(alertmanager(name, "checkout", &now())).send()
    };
    let held = hold(folder.path());
    let first = tokio::spawn(deliver("First"));
    // Until the first one is on its way to the disk, another may still be let in.
    sleep(Duration::from_millis(300)).await;
    let refused = deliver("Second").await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(refused.text().await.unwrap().contains("overloaded"));
    assert!(!first.is_finished(), "acknowledged before it is on disk");
    drop(held);
    assert_eq!(first.await.unwrap().unwrap().status(), 202);
    assert_eq!(deliver("Second").await.unwrap().status(), 202);
    let incidents = server.app.history().list(Filter::default()).await.unwrap();
    let mut names: Vec<&str> =
        incidents.iter().flat_map(|incident| &incident.alerts).map(|alert| alert.name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["First", "Second"]);
    let counted = "quell_webhook_rejected_total{reason=\"overloaded\",receiver=\"alertmanager\"}";
    assert_eq!(server.metric(counted).await, 1.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn too_large_a_body_ends_the_connection() {
    let server = Server::start().await;
    let mut sender = Raw::connect(&server).await;
    sender
        .send(&format!(
            "POST {PATH} HTTP/1.1\r\nhost: quell\r\nauthorization: Bearer {TOKEN}\r\n\
             content-length: {}\r\n\r\n{{",
            (1 << 20) + 1
        ))
        .await;
    let (head, body) = sender.answer().await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    assert!(head.contains("\r\nconnection: close"), "{head}");
    assert!(body.contains("1048576 bytes"), "{body}");
    assert!(sender.ends().await, "the rest of the body would be taken for the next request");

    // One that does not say how large it is.
    let mut sender = Raw::connect(&server).await;
    sender
        .send(&format!(
            "POST {PATH} HTTP/1.1\r\nhost: quell\r\nauthorization: Bearer {TOKEN}\r\n\
             transfer-encoding: chunked\r\n\r\n"
        ))
        .await;
    let chunk = format!("{:x}\r\n{}\r\n", 256 << 10, " ".repeat(256 << 10));
    for _ in 0..5 {
        sender.send(&chunk).await;
    }
    let (head, _) = sender.answer().await;
    assert!(head.starts_with("http/1.1 413") && head.contains("\r\nconnection: close"), "{head}");
    server.app.stop().await.unwrap();
}
