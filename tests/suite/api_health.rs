use std::time::Duration;

use quell_proto::v1::{ListIncidentsRequest, incident_service_client::IncidentServiceClient};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use super::server::Server;

#[tokio::test]
async fn one_port_answers_http_and_grpc() {
    let server = Server::start().await;
    assert_eq!(server.get_text("/healthz").await, (200, "ok\n".into()));
    assert_eq!(server.get_text("/readyz").await, (200, "ready\n".into()));
    let (status, body) = server.get_text("/nowhere").await;
    assert_eq!(status, 404);
    assert!(serde_json::from_str::<serde_json::Value>(&body).unwrap()["error"].is_string(), "{body}");
    assert_eq!(server.get_text("/v2/enqueue").await.0, 405);
    let listed = IncidentServiceClient::new(server.channel().await)
        .list_incidents(ListIncidentsRequest::default())
        .await
        .unwrap();
    assert!(listed.into_inner().incidents.is_empty());
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn grpc_health_says_serving() {
    let server = Server::start().await;
    let mut health = HealthClient::new(server.channel().await);
    let answer = health.check(HealthCheckRequest { service: String::new() }).await.unwrap();
    assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    let unknown = health.check(HealthCheckRequest { service: "nobody".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn reflection_lists_the_services() {
    let server = Server::start().await;
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(server.channel().await)
        .server_reflection_info(tokio_stream::once(ask))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(services)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("not a list");
    };
    let names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    for name in ["quell.v1.AlertService", "quell.v1.IncidentService", "grpc.health.v1.Health"] {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
    }
    drop(answers);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = Server::start().await;
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/quell.v1.Nowhere/Method");
    let codec = tonic_prost::ProstCodec::<ListIncidentsRequest, ListIncidentsRequest>::default();
    let refused = grpc.unary(tonic::Request::new(ListIncidentsRequest::default()), path, codec).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unimplemented);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn request_ids_are_kept_when_harmless() {
    let server = Server::start().await;
    let asked = server.http.get(server.url("/healthz")).header("x-request-id", "abc-1").send().await.unwrap();
    assert_eq!(asked.headers()["x-request-id"], "abc-1");
    let odd = server.http.get(server.url("/healthz")).header("x-request-id", "a b{}").send().await.unwrap();
    assert_ne!(odd.headers()["x-request-id"], "a b{}");
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let server = Server::start().await;
    let answer = server.http.get(server.url("/metrics")).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = answer.text().await.unwrap();
    assert!(text.contains("quell_build_info{version="), "{text}");
    assert!(text.contains("# TYPE quell_incidents_open gauge"), "{text}");
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let server = Server::start().await;
    let mut config = super::server::configured("");
    config.server.listen = server.app.addr();
    let refused = quell::app::Builder::new(config).in_memory().start().await.err().unwrap().to_string();
    assert!(
        refused.contains(&server.app.addr().to_string()) && refused.contains("server.listen"),
        "{refused}"
    );
    let stopping = tokio::time::timeout(Duration::from_secs(2), server.app.stop());
    stopping.await.unwrap().unwrap();
}
