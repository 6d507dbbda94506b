use quell_proto::v1::{
    Alert, Change, GetIncidentRequest, GetInvestigationRequest, InvestigateRequest, LintRunbookRequest,
    ListIncidentsRequest, ListRunbooksRequest, MatchRunbooksRequest, SendAlertsRequest, SendChangesRequest,
    WatchRequest, alert_service_client::AlertServiceClient, incident_service_client::IncidentServiceClient,
    investigation::Verdict, investigation_service_client::InvestigationServiceClient,
    runbook_service_client::RunbookServiceClient,
};
use tonic::Code;
use tonic_types::StatusExt;

use super::server::Server;

fn alert(name: &str, service: &str) -> Alert {
    Alert {
        status: "firing".into(),
        labels: [("alertname", name), ("service", service)].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        starts_at: Some(jiff::Timestamp::now().into()),
        ..Alert::default()
    }
}

#[tokio::test]
async fn alerts_are_taken_and_listed() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let mut alerts = AlertServiceClient::new(channel.clone());
    let mut incidents = IncidentServiceClient::new(channel);
    let sent = alert("Slow", "checkout");
    let request = SendAlertsRequest { alerts: vec![sent.clone()] };
    let first = alerts.send_alerts(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.incident_ids.len(), first.duplicates), (1, 0));
    let again = alerts.send_alerts(request).await.unwrap().into_inner();
    assert_eq!((&again.incident_ids, again.duplicates), (&first.incident_ids, 1));

    let all = incidents.list_incidents(ListIncidentsRequest::default()).await.unwrap().into_inner().incidents;
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].number.as_str(), all[0].status.as_str()), ("INC-1", "open"));
    assert_eq!(all[0].alerts[0].source, "grpc");
    let of = |service: &str, status: &str| ListIncidentsRequest {
        service: service.into(),
        status: status.into(),
        ..ListIncidentsRequest::default()
    };
    for (service, status, count) in
        [("checkout", "", 1), ("other", "", 0), ("", "open", 1), ("", "resolved", 0)]
    {
        let found = incidents.list_incidents(of(service, status)).await.unwrap().into_inner().incidents;
        assert_eq!(found.len(), count, "{service} {status}");
    }
    assert_eq!(incidents.list_incidents(of("", "odd")).await.unwrap_err().code(), Code::InvalidArgument);
    let one = incidents.get_incident(GetIncidentRequest { id: "INC-1".into() }).await.unwrap().into_inner();
    assert_eq!(one.id, first.incident_ids[0]);
    let none = incidents.get_incident(GetIncidentRequest { id: "INC-2".into() }).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
    assert!(none.message().contains("INC-2"));
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn refused_alerts_name_the_field_and_store_nothing() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let mut alerts = AlertServiceClient::new(channel.clone());
    let bad = Alert { starts_at: None, ..alert("Slow", "checkout") };
    let refused =
        alerts.send_alerts(SendAlertsRequest { alerts: vec![alert("A", "a"), bad] }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.message(), "alerts[1].starts_at: missing");
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "alerts[1].starts_at");
    let mut bomb = alert("A", "a");
    bomb.labels.extend((0..10_000).map(|index| (format!("l{index}"), String::new())));
    let refused = alerts.send_alerts(SendAlertsRequest { alerts: vec![bomb] }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let mut huge = alert("A", "a");
    huge.labels.insert("huge".into(), "x".repeat(5 << 20));
    let refused = alerts.send_alerts(SendAlertsRequest { alerts: vec![huge] }).await.unwrap_err();
    assert!([Code::OutOfRange, Code::ResourceExhausted].contains(&refused.code()), "{refused:?}");
    let listed = IncidentServiceClient::new(channel).list_incidents(ListIncidentsRequest::default()).await;
    assert!(listed.unwrap().into_inner().incidents.is_empty());
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn changes_are_taken() {
    let server = Server::start().await;
    let mut alerts = AlertServiceClient::new(server.channel().await);
    let change = Change {
        kind: "deploy".into(),
        id: "deploy-7".into(),
        service: "orders".into(),
        at: Some(jiff::Timestamp::now().into()),
        ..Change::default()
    };
    alerts.send_changes(SendChangesRequest { changes: vec![change.clone()] }).await.unwrap();
    let bad = Change { kind: "magic".into(), ..change };
    let refused = alerts.send_changes(SendChangesRequest { changes: vec![bad] }).await.unwrap_err();
    assert!(refused.message().starts_with("changes[0].kind: `magic` is none of"), "{}", refused.message());
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn a_question_opens_an_incident_and_gets_an_answer() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let mut investigations = InvestigationServiceClient::new(channel.clone());
    let asked = InvestigateRequest {
        service: "checkout".into(),
        alertname: "Slow".into(),
        labels: [("zone".to_owned(), "a".to_owned())].into(),
        budget: Some(pbjson_types::Duration { seconds: 7, nanos: 0 }),
        ..InvestigateRequest::default()
    };
    let opened = investigations.investigate(asked.clone()).await.unwrap().into_inner();
    assert_eq!(opened.number, "INC-1");
    let mut incidents = IncidentServiceClient::new(channel);
    let watch = WatchRequest { incident_id: opened.number.clone(), after_seq: 0, until_done: true };
    let mut events = incidents.watch(watch).await.unwrap().into_inner();
    let mut budget = None;
    while let Some(event) = events.message().await.unwrap() {
        if let Some(quell_proto::v1::event::Payload::InvestigationRequested(requested)) = event.payload {
            budget = requested.budget.map(|budget| budget.seconds);
        }
    }
    assert_eq!(budget, Some(7));
    let request = GetInvestigationRequest { incident_id: opened.incident_id.clone() };
    let found = investigations.get_investigation(request).await.unwrap().into_inner();
    assert_eq!(found.verdict(), Verdict::Inconclusive);
    assert_eq!((found.service.as_str(), &found.incident_id), ("checkout", &opened.incident_id));

    // nothing but an answer can end what no monitor told of
    for _ in 0..100 {
        let request = GetIncidentRequest { id: opened.incident_id.clone() };
        if incidents.get_incident(request).await.unwrap().into_inner().status == "resolved" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let request = GetIncidentRequest { id: opened.incident_id.clone() };
    assert_eq!(incidents.get_incident(request).await.unwrap().into_inner().status, "resolved");

    let second = investigations.investigate(asked).await.unwrap().into_inner();
    assert_ne!(second.incident_id, opened.incident_id);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let server = Server::start().await;
    let mut investigations = InvestigationServiceClient::new(server.channel().await);
    let good = InvestigateRequest { service: "checkout".into(), ..InvestigateRequest::default() };
    let later = jiff::Timestamp::now() + std::time::Duration::from_secs(3600);
    let seconds = |seconds| Some(pbjson_types::Duration { seconds, nanos: 0 });
    for (request, field) in [
        (InvestigateRequest::default(), "service"),
        (InvestigateRequest { service: "x".repeat(600), ..good.clone() }, "service"),
        (InvestigateRequest { at: Some(later.into()), ..good.clone() }, "at"),
        (InvestigateRequest { budget: seconds(-1), ..good.clone() }, "budget"),
        (InvestigateRequest { budget: seconds(100_000), ..good }, "budget"),
    ] {
        let refused = investigations.investigate(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
        assert!(refused.message().starts_with(field), "{}", refused.message());
    }
    let none = GetInvestigationRequest { incident_id: "INC-7".into() };
    assert_eq!(investigations.get_investigation(none).await.unwrap_err().code(), Code::NotFound);
    server.app.stop().await.unwrap();
}

#[tokio::test]
async fn runbooks_are_listed_matched_and_linted() {
    let runbook = "---
quell: runbook/v1
";
    let server = Server::start().await;
    let mut runbooks = RunbookServiceClient::new(server.channel().await);
    let linted = LintRunbookRequest { file: "mine.md".into(), text: runbook.into() };
    let findings = runbooks.lint_runbook(linted).await.unwrap().into_inner().findings;
    assert!(findings.iter().any(|finding| finding.severity == "error"), "{findings:?}");
    assert!(findings.iter().all(|finding| finding.file == "mine.md" && !finding.code.is_empty()));
    let listed = runbooks.list_runbooks(ListRunbooksRequest {}).await.unwrap().into_inner().runbooks;
    let shipped = quell::runbook::Library::embedded();
    assert_eq!(listed.len(), shipped.runbooks().len());
    if let Some(first) = listed.first() {
        let text = MatchRunbooksRequest { text: first.title.clone(), ..MatchRunbooksRequest::default() };
        let matches = runbooks.match_runbooks(text).await.unwrap().into_inner().matches;
        assert!(
            matches.iter().any(|found| found.runbook.as_ref().is_some_and(|runbook| runbook.id == first.id))
        );
        assert!(matches.iter().all(|found| !found.because.is_empty()));
    }
    let huge = MatchRunbooksRequest { text: "x".repeat(1 << 20), ..MatchRunbooksRequest::default() };
    assert_eq!(runbooks.match_runbooks(huge).await.unwrap_err().code(), Code::InvalidArgument);
    server.app.stop().await.unwrap();
}
