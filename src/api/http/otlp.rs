//! OTLP over HTTP: protobuf and JSON, gzip, answers in the request's own encoding.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse},
    trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
};
use prost::Message;
use tokio::task::spawn_blocking;

use super::body;
use crate::api::{
    Error, Kind,
    collector::{Collector, LIMIT, Taken},
    state::Shared,
};

/// Bodies larger than this are decoded off the runtime's threads.
const SMALL: usize = 64 * 1024;
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) async fn traces(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    export(
        &state,
        &headers,
        body,
        &Signal {
            protobuf: |collector, body| Ok(collector.traces(&decode::<ExportTraceServiceRequest>(body)?)),
            json: Collector::traces_json,
            rejected: "rejectedSpans",
            answer: |taken| ExportTraceServiceResponse { partial_success: taken.into() }.encode_to_vec(),
        },
    )
    .await
}

pub(super) async fn logs(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    export(
        &state,
        &headers,
        body,
        &Signal {
            protobuf: |collector, body| Ok(collector.logs(&decode::<ExportLogsServiceRequest>(body)?)),
            json: Collector::logs_json,
            rejected: "rejectedLogRecords",
            answer: |taken| ExportLogsServiceResponse { partial_success: taken.into() }.encode_to_vec(),
        },
    )
    .await
}

pub(super) async fn metrics(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Response {
    export(
        &state,
        &headers,
        body,
        &Signal {
            protobuf: |collector, body| Ok(collector.metrics(&decode::<ExportMetricsServiceRequest>(body)?)),
            json: Collector::metrics_json,
            rejected: "rejectedDataPoints",
            answer: |taken| ExportMetricsServiceResponse { partial_success: taken.into() }.encode_to_vec(),
        },
    )
    .await
}

/// What differs between the three signals.
struct Signal {
    protobuf: fn(&Collector, &[u8]) -> Result<Taken, Error>,
    json: fn(&Collector, &[u8]) -> Result<Taken, Error>,
    /// Name of the count in the JSON answer.
    rejected: &'static str,
    answer: fn(Taken) -> Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

async fn export(state: &Shared, headers: &HeaderMap, body: Body, signal: &Signal) -> Response {
    let encoding = match encoding(headers) {
        Ok(encoding) => encoding,
        Err(error) => return error.into_response(),
    };
    match (take(state, headers, body, encoding, signal).await, encoding) {
        (Ok(taken), Encoding::Protobuf) => {
            ([(CONTENT_TYPE, PROTOBUF)], (signal.answer)(taken)).into_response()
        }
        (Ok(taken), Encoding::Json) => {
            ([(CONTENT_TYPE, JSON)], taken.json(signal.rejected).to_string()).into_response()
        }
        (Err(error), Encoding::Json) => error.into_response(),
        (Err(error), Encoding::Protobuf) => in_protobuf(error),
    }
}

async fn take(
    state: &Shared,
    headers: &HeaderMap,
    body: Body,
    encoding: Encoding,
    signal: &Signal,
) -> Result<Taken, Error> {
    state.refuse_unless_ready()?;
    let raw = body::read(headers, body, LIMIT).await?;
    let handle = match encoding {
        Encoding::Protobuf => signal.protobuf,
        Encoding::Json => signal.json,
    };
    let (headers, shared, large) = (headers.clone(), Shared::clone(state), raw.len() > SMALL);
    let work = move |raw: Bytes| handle(&shared.collector, &body::decoded(&headers, raw, LIMIT)?);
    if !large {
        return work(raw);
    }
    spawn_blocking(move || work(raw)).await.map_err(|error| Error::new(Kind::Internal, error.to_string()))?
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Error> {
    let content = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    match content.split(';').next().map(str::trim) {
        Some("application/x-protobuf") => Ok(Encoding::Protobuf),
        Some("application/json") => Ok(Encoding::Json),
        _ => Err(Error::new(
            Kind::Unsupported,
            "content-type is not taken; send application/x-protobuf or application/json",
        )),
    }
}

fn decode<T: Message + Default>(body: &[u8]) -> Result<T, Error> {
    T::decode(body)
        .map_err(|error| Error::new(Kind::Invalid, format!("the body is not this signal: {error}")))
}

/// A refusal as `google.rpc.Status`, which exporters that speak protobuf expect.
fn in_protobuf(error: Error) -> Response {
    let status = tonic::Status::from(error.clone());
    let body =
        tonic_types::Status { code: status.code().into(), message: error.message.clone(), details: vec![] };
    let mut response = error.into_response();
    response.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
    response.headers_mut().remove(http::header::CONTENT_LENGTH);
    *response.body_mut() = body.encode_to_vec().into();
    response
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn encodings_are_told_by_content_type() {
        let of = |text: &'static str| {
            encoding(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]))
        };
        assert!(of("application/json; charset=utf-8").is_ok_and(|found| found == Encoding::Json));
        assert!(of("application/x-protobuf").is_ok_and(|found| found == Encoding::Protobuf));
        assert!(of("text/plain").is_err_and(|error| error.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE));
        assert!(encoding(&HeaderMap::new()).is_err());
    }
}
