use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse, trace_service_client::TraceServiceClient,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use quell_proto::v1::{
    GetInvestigationRequest, InvestigateRequest, WatchRequest,
    incident_service_client::IncidentServiceClient, investigation_service_client::InvestigationServiceClient,
};
use serde_json::Value;
use tonic::{Code, codec::CompressionEncoding};

use super::server::Server;

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn nanos(ago: Duration) -> u64 {
    u64::try_from((jiff::Timestamp::now() - ago).as_nanosecond()).unwrap()
}

/// A request of so many good spans and one that ends before it starts.
fn spans(good: u8, bad: u8) -> ExportTraceServiceRequest {
    let span = |number: u8, length: i64| Span {
        trace_id: vec![1; 16],
        span_id: vec![number + 1; 8],
        name: "GET /cart".into(),
        start_time_unix_nano: nanos(Duration::from_secs(2)),
        end_time_unix_nano: nanos(Duration::from_secs(2)).saturating_add_signed(length),
        ..Span::default()
    };
    let good = (0..good).map(|number| span(number, 1_000_000));
    let bad = (100..100 + bad).map(|number| span(number, -1_000_000_000));
    let name = AnyValue { value: Some(Any::StringValue("cart".into())) };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![KeyValue {
                    key: "service.name".into(),
                    value: Some(name),
                    ..Default::default()
                }],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans { spans: good.chain(bad).collect(), ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}

#[tokio::test]
async fn grpc_takes_spans_and_says_what_it_rejects() {
    let server = Server::start().await;
    let mut client =
        TraceServiceClient::new(server.channel().await).send_compressed(CompressionEncoding::Gzip);
    let all = client.export(spans(5, 0)).await.unwrap().into_inner();
    assert_eq!(all.partial_success, None);
    let some = client.export(spans(2, 1)).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(some.rejected_spans, 1);
    assert!(some.error_message.contains("ends_before_start"), "{}", some.error_message);
    assert_eq!(server.metric("quell_otlp_spans_total").await, 7.0);
    let dropped = "quell_otlp_dropped_total{reason=\"ends_before_start\",signal=\"spans\"}";
    assert_eq!(server.metric(dropped).await, 1.0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn http_takes_protobuf_and_json_and_answers_in_kind() {
    let server = Server::start().await;
    let protobuf = ("content-type", "application/x-protobuf");
    let json = ("content-type", "application/json");

    let request = spans(2, 1).encode_to_vec();
    let answer = server
        .http
        .post(server.url("/v1/traces"))
        .header(protobuf.0, protobuf.1)
        .header("content-encoding", "gzip")
        .body(gzip(&request))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], protobuf.1);
    let answer = ExportTraceServiceResponse::decode(answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);

    let text = serde_json::to_string(&spans(3, 1)).unwrap();
    let (status, answer) = server.post("/v1/traces", &[json], text).await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");
    assert_eq!(server.metric("quell_otlp_spans_total").await, 5.0);

    for path in ["/v1/traces", "/v1/metrics", "/v1/logs"] {
        assert_eq!(server.post(path, &[protobuf], Vec::new()).await, (200, String::new()), "{path}");
        assert_eq!(server.post(path, &[json], "{}").await.0, 200, "{path}");
    }
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn http_refuses_what_it_cannot_take() {
    let server = Server::start().await;
    let protobuf = ("content-type", "application/x-protobuf");
    let json = ("content-type", "application/json");
    assert_eq!(server.post("/v1/traces", &[("content-type", "text/plain")], "x").await.0, 415);
    assert_eq!(server.post("/v1/traces", &[], "x").await.0, 415);
    assert_eq!(server.post("/v1/traces", &[json, ("content-encoding", "br")], "x").await.0, 415);
    assert_eq!(server.post("/v1/traces", &[json], "{\"resourceSpans\":[{").await.0, 400);
    assert_eq!(server.post("/v1/traces", &[json], "{\"resourceLogs\":[]}").await.0, 400);
    assert_eq!(server.post("/v1/logs", &[protobuf], vec![0xff; 40]).await.0, 400);
    let bomb = gzip(&vec![b' '; 17 << 20]);
    assert_eq!(server.post("/v1/logs", &[json, ("content-encoding", "gzip")], bomb.clone()).await.0, 413);
    assert_eq!(server.post("/v1/logs", &[protobuf, ("content-encoding", "gzip")], bomb).await.0, 413);
    assert_eq!(server.post("/v1/metrics", &[json], vec![b' '; (16 << 20) + 1]).await.0, 413);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn grpc_refuses_oversized_messages() {
    let server = Server::start().await;
    let mut request = spans(1, 0);
    request.resource_spans[0].scope_spans[0].spans[0].name = "x".repeat(17 << 20);
    let mut client = TraceServiceClient::new(server.channel().await).max_encoding_message_size(usize::MAX);
    let refused = client.export(request).await.unwrap_err();
    assert!([Code::OutOfRange, Code::ResourceExhausted].contains(&refused.code()), "{refused:?}");
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_pushed_is_what_an_investigation_sees() {
    let config = super::server::configured("sources: {prometheus: []}");
    let server = Server::with(quell::app::Builder::new(config).in_memory()).await;
    let mut client = TraceServiceClient::new(server.channel().await);
    client.export(spans(9, 0)).await.unwrap();
    let mut investigations = InvestigationServiceClient::new(server.channel().await);
    let asked = InvestigateRequest { service: "cart".into(), ..InvestigateRequest::default() };
    let opened = investigations.investigate(asked).await.unwrap().into_inner();
    let watch = WatchRequest { incident_id: opened.incident_id.clone(), after_seq: 0, until_done: true };
    let mut events =
        IncidentServiceClient::new(server.channel().await).watch(watch).await.unwrap().into_inner();
    while tokio::time::timeout(Duration::from_secs(60), events.message()).await.unwrap().unwrap().is_some() {}
    let asked = GetInvestigationRequest { incident_id: opened.incident_id };
    let found = investigations.get_investigation(asked).await.unwrap().into_inner();
    let traces = found.coverage.iter().find(|coverage| coverage.signal == "traces").unwrap();
    assert_eq!(traces.items, 9, "{:?}", found.coverage);
    assert!(found.blind_spots.iter().any(|spot| spot.signal == "logs"), "{:?}", found.blind_spots);
    assert!(server.metric("quell_otlp_window_bytes").await > 0.0);
    server.app.stop().await.unwrap();
}
