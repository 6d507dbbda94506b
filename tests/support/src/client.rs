//! What talks to a quell under test over HTTP, and the channel for those that speak gRPC.
//!
//! ```no_run
//! # async fn example() {
//! let client = quell_testkit::Client::new("http://127.0.0.1:7777");
//! let (status, body) = client.get_text("/readyz").await;
//! assert_eq!((status, body.as_str()), (200, "ready\n"));
//! # }
//! ```
#![expect(clippy::unwrap_used, reason = "a test whose server does not answer is over")]

use std::time::Duration;

use quell_sdk::http::{HttpConfig, Proxy};
use tonic::transport::{Channel, Endpoint};

/// A client of the server at `http://HOST:PORT`. Its methods panic when the server does not answer.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    /// For requests that the methods do not make.
    pub http: reqwest::Client,
}

impl Client {
    /// Asks nothing yet.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned(), http: http(Duration::from_secs(60)) }
    }

    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.base.clone()).unwrap().connect().await.unwrap()
    }

    /// Posts and gives status and body.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> (u16, String) {
        let mut request = self.http.post(self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Gives status and body.
    pub async fn get_text(&self, path: &str) -> (u16, String) {
        let response = self.http.get(self.url(path)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The value of one line of `/metrics`; 0 when it is not there.
    pub async fn metric(&self, series: &str) -> f64 {
        let (_, text) = self.get_text("/metrics").await;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0.0)
    }
}

/// An HTTP client for loopback, past any proxy.
#[must_use]
pub fn http(timeout: Duration) -> reqwest::Client {
    quell_sdk::http::client(&HttpConfig { proxy: Proxy::None, timeout, ..HttpConfig::default() }).unwrap()
}
