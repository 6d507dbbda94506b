use std::{net::SocketAddr, time::Duration};

use axum::body::{Body, to_bytes};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Longest answer read, in bytes.
const MAX_ANSWER: usize = 4 << 20;

/// A plain HTTP/1.1 client that reuses its connections.
#[derive(Clone)]
pub(crate) struct Wire {
    client: Client<HttpConnector, Body>,
    timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("connection failed: {0}")]
    Connect(String),
}

impl Wire {
    pub(crate) fn new(timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_millis(500)));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(32).build(connector);
        Self { client, timeout }
    }

    /// Sends one request and reads the whole answer; a body that is no JSON reads as null.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<(StatusCode, Value), WireError> {
        let exchange = async {
            let response =
                self.client.request(request).await.map_err(|cause| WireError::Connect(reason(&cause)))?;
            let (head, body) = response.into_parts();
            let body = to_bytes(Body::new(body), MAX_ANSWER)
                .await
                .map_err(|cause| WireError::Connect(reason(&cause)))?;
            Ok((head.status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| WireError::Timeout(self.timeout))?
    }

    /// A request with a JSON body, or none.
    pub(crate) fn request(
        method: Method,
        uri: &str,
        headers: HeaderMap,
        body: Option<&Value>,
    ) -> Result<Request<Body>, WireError> {
        let payload = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(payload)
            .map_err(|cause| WireError::Connect(format!("bad request to {uri}: {cause}")))?;
        *request.headers_mut() = headers;
        if body.is_some() {
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(request)
    }

    /// The address of a path on a loopback server.
    pub(crate) fn uri(address: SocketAddr, path: &str) -> String {
        format!("http://{address}{path}")
    }
}

/// An error with its causes, as hyper's own text rarely says why.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
