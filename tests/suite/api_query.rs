//! Queries over a server's sources, and of the evidence of its incidents.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use quell::{
    api::convert::{Wire, timestamp},
    app::{Builder, Investigator},
    domain::{
        Completeness, Evidence, EvidenceId, Investigation, Language, Number, SignalKind, Trust, Window,
    },
    investigation::{Emit, Request},
};
use quell_proto::v1::{
    InvestigateRequest, QueryRequest, QueryResponse, WatchRequest,
    incident_service_client::IncidentServiceClient, investigation_service_client::InvestigationServiceClient,
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, transport::Channel};

use super::server::{Scripted, Server, configured};

const QUERY: &str = r#"{ resource.service.name = "cart" && status = error }"#;

/// Finds that three calls of the cart failed, and says how it knows.
struct Told(Scripted);

#[async_trait]
impl Investigator for Told {
    async fn investigate(
        &self,
        request: Request,
        emit: Arc<dyn Emit>,
        cancel: CancellationToken,
    ) -> Investigation {
        let (at, window) = (request.at, Window::ending_at(request.at, Duration::from_secs(600)));
        let mut found = self.0.investigate(request, emit, cancel).await;
        found.onset = at.checked_sub(Duration::from_secs(300)).ok();
        found.evidence = vec![Evidence {
            id: EvidenceId(1),
            signal: SignalKind::Traces,
            source: "otlp".into(),
            language: Language::Traceql,
            query: QUERY.into(),
            window,
            divided_at: None,
            normal_until: None,
            completeness: Completeness::Full,
            summary: "3 errors begin at cart".into(),
            numbers: vec![Number::new("errors that begin here", 3.0, "1"), Number::new("share", 1.0, "1")],
            link: None,
            trust: Trust::Service,
        }];
        found
    }
}

/// Pushes ten calls of the cart, one a second and the last a minute ago, of which the last three failed.
async fn push(server: &Server, now: Timestamp) {
    let spans: Vec<_> = (1..=10_i64)
        .map(|number| {
            let start = now.as_nanosecond() - i128::from(70 - number) * 1_000_000_000;
            serde_json::json!({
                "traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "GET /cart",
                "kind": 2, "startTimeUnixNano": start.to_string(),
                "endTimeUnixNano": (start + 20_000_000).to_string(),
                "status": if number > 7 { serde_json::json!({"code": 2}) } else { serde_json::json!({}) },
            })
        })
        .collect();
    let service = serde_json::json!({"key": "service.name", "value": {"stringValue": "cart"}});
    let body = serde_json::json!({"resourceSpans": [
        {"resource": {"attributes": [service]}, "scopeSpans": [{"spans": spans}]},
    ]});
    let (status, text) =
        server.post("/v1/traces", &[("content-type", "application/json")], body.to_string()).await;
    assert_eq!(status, 200, "{text}");
}

async fn start() -> (Server, InvestigationServiceClient<Channel>, Timestamp) {
    let builder = Builder::new(configured("")).in_memory();
    let server = Server::with(builder.investigator(Arc::new(Told(Scripted::default())))).await;
    let client = InvestigationServiceClient::new(server.channel().await);
    let now = Timestamp::now();
    push(&server, now).await;
    (server, client, now)
}

fn asked(query: &str) -> QueryRequest {
    QueryRequest { query: query.into(), ..QueryRequest::default() }
}

async fn refused(client: &mut InvestigationServiceClient<Channel>, request: QueryRequest) -> (Code, String) {
    let status: Status = client.query(request).await.unwrap_err();
    (status.code(), status.message().to_owned())
}

#[tokio::test]
async fn a_typed_query_is_answered_by_the_server_s_sources() {
    let (server, mut client, now) = start().await;
    let found: QueryResponse = client.query(asked(QUERY)).await.unwrap().into_inner();
    assert_eq!((found.language.as_str(), found.answers.len()), ("traceql", 1));
    assert_eq!((found.answers[0].source.as_str(), found.answers[0].spans.len()), ("otlp", 3));
    assert_eq!(found.answers[0].spans[0].duration.as_ref().unwrap().nanos, 20_000_000);

    let few = QueryRequest { limit: 2, ..asked("{ }") };
    let few = client.query(few).await.unwrap().into_inner();
    assert_eq!(few.answers[0].spans.len(), 2);
    let lacking = few.answers[0].completeness.as_ref().unwrap();
    assert_eq!(lacking.state, "partial");
    assert!(lacking.reason.ends_with("the newest 2 of 10 spans"), "{}", lacking.reason);

    let before = Window::ending_at(now - Duration::from_secs(3_600), Duration::from_secs(60));
    let before = QueryRequest { window: Some(before.to_wire()), ..asked("{ }") };
    assert_eq!(client.query(before).await.unwrap().into_inner().answers[0].spans.len(), 0);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn a_query_that_cannot_be_run_says_why_and_where() {
    let (server, mut client, now) = start().await;
    let invalid = Code::InvalidArgument;
    let cases = [
        (asked(""), invalid, "query: missing"),
        (asked("{ resource.service.name = }"), invalid, "column 27"),
        (asked("sum(up) by ("), invalid, "column 9"),
        (QueryRequest { language: "sql".into(), ..asked("select 1") }, invalid, "none of promql, logql"),
        (QueryRequest { source: "tempo".into(), ..asked("{ }") }, Code::NotFound, "there is otlp"),
        (QueryRequest { evidence_id: "E1".into(), ..asked("") }, invalid, "incident_id: missing"),
        (
            QueryRequest { incident_id: "INC-9".into(), evidence_id: "E1".into(), ..asked("") },
            Code::NotFound,
            "no incident `INC-9`",
        ),
    ];
    for (request, code, told) in cases {
        let (refusal, message) = refused(&mut client, request.clone()).await;
        assert_eq!(refusal, code, "{request:?}: {message}");
        assert!(message.contains(told), "{request:?}: {message}");
    }
    // Points are bounded: a step of a second over two days is not evaluated.
    let step = pbjson_types::Duration { seconds: 1, nanos: 0 };
    let long = Window::ending_at(now, Duration::from_secs(2 * 86_400)).to_wire();
    let many = QueryRequest { window: Some(long), step: Some(step), ..asked("up") };
    let (code, message) = refused(&mut client, many).await;
    assert_eq!(code, invalid, "{message}");
    assert!(message.contains("widen the step"), "{message}");
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn the_query_of_evidence_is_run_again_and_its_numbers_stand_beside_those_stated() {
    let (server, mut client, now) = start().await;
    let request =
        InvestigateRequest { service: "cart".into(), at: Some(timestamp(now)), ..Default::default() };
    let opened = client.investigate(request).await.unwrap().into_inner();
    let mut incidents = IncidentServiceClient::new(server.channel().await);
    let watch = WatchRequest { incident_id: opened.incident_id, after_seq: 0, until_done: true };
    let mut events = incidents.watch(watch).await.unwrap().into_inner();
    while events.message().await.unwrap().is_some() {}

    let of = |evidence: &str| QueryRequest {
        incident_id: opened.number.clone(),
        evidence_id: evidence.into(),
        ..QueryRequest::default()
    };
    let found = client.query(of("e1")).await.unwrap().into_inner();
    assert_eq!(found.evidence.as_ref().unwrap().summary, "3 errors begin at cart");
    assert_eq!(found.query, QUERY);
    assert_eq!(found.answers[0].spans.len(), 3);
    let figures: Vec<_> = found.figures.iter().map(|figure| (figure.stated, figure.found)).collect();
    assert_eq!(figures, [(3.0, Some(3.0)), (1.0, None)], "a share is computed from more than this");
    let (code, message) = refused(&mut client, of("E7")).await;
    assert_eq!(code, Code::NotFound);
    assert!(message.contains("quell show INC-1 --evidence"), "{message}");
    server.app.stop().await.unwrap();
}
