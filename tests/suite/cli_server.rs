//! Commands that ask a server, as a person types them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::Arc,
};

use async_trait::async_trait;
use quell::{
    app::{Builder, Investigator},
    domain::{Entity, FaultClass, Hypothesis, HypothesisId, Investigation, Payload, Verdict},
    investigation::{Emit, Request},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    program::{command, pasted, told},
    server::{Scripted, Server, alertmanager, configured},
};

/// Ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // it may be gone already
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What `quell serve` logs until it is ready.
fn logged(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", folder.path().display());
    let mut serve = command(&["serve", "--set", "server.listen=127.0.0.1:0", "--set", &data]);
    serve.envs(variables.iter().copied()).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = Ended(serve.spawn().unwrap());
    let mut log = String::new();
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines() {
        log.push_str(&line.unwrap());
        log.push('\n');
        if log.contains("ready") {
            return log;
        }
    }
    panic!("it ended: {log}");
}

#[test]
fn a_log_in_a_pipe_has_no_escapes() {
    assert!(!logged(&[]).contains('\u{1b}'), "{:?}", logged(&[]));
    let forced = logged(&[("CLICOLOR_FORCE", "1")]);
    assert!(forced.contains('\u{1b}'), "it can be asked for: {forced:?}");
    let asked_not_to = logged(&[("NO_COLOR", "1")]);
    assert!(!asked_not_to.contains('\u{1b}'), "{asked_not_to:?}");
}

/// Runs the program beside a server of this test.
async fn beside(server: &Server, words: &[&str], input: &str) -> (Option<i32>, String, String) {
    let address = server.url("");
    let words: Vec<String> = words.iter().copied().chain(["--server", &address]).map(str::to_owned).collect();
    let input = input.to_owned();
    let run = move || told(&words.iter().map(String::as_str).collect::<Vec<_>>(), &input);
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Finds the cause, and a second explanation.
struct Found(Scripted);

#[async_trait]
impl Investigator for Found {
    async fn investigate(
        &self,
        request: Request,
        emit: Arc<dyn Emit>,
        cancel: CancellationToken,
    ) -> Investigation {
        let hypothesis = |id: u32, claim: &str, probability: f64| Hypothesis {
            id: HypothesisId(id),
            entity: Entity::service("orders"),
            fault: FaultClass::PoolExhaustion,
            change_id: None,
            runbook: None,
            claim: claim.to_owned(),
            prior: -3.0,
            arguments: Vec::new(),
            probability,
            onset: None,
            propagation: Vec::new(),
        };
        let hypotheses =
            vec![hypothesis(2, "the pool of orders is used up", 0.93), hypothesis(1, "it is slow", 0.04)];
        emit.emit(Payload::RankingChanged { hypotheses: hypotheses.clone(), recovery_paths: Vec::new() });
        let found = self.0.investigate(request, emit, cancel).await;
        Investigation { verdict: Verdict::CauseFound, hypotheses, ..found }
    }
}

async fn finding() -> Server {
    let builder = Builder::new(configured("")).in_memory();
    Server::with(builder.investigator(Arc::new(Found(Scripted::default())))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_on_standard_input_is_investigated_by_the_server() {
    let server = finding().await;
    let now = jiff::Timestamp::now().to_string();
    let webhook = alertmanager("SlowCheckout", "checkout", &now);
    let (exit, answer, said) = beside(&server, &["investigate", "-", "-o", "json"], &webhook).await;
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("1 alert is with INC-1"), "{said}");
    let answer = json(&answer);
    assert_eq!(answer["hypotheses"][0]["claim"], "the pool of orders is used up", "{answer}");
    assert_eq!(answer["service"], "checkout");

    // Alertmanager delivers it as well: one page, one incident.
    let (status, _) = server
        .post("/v1/webhooks/alertmanager", &[("authorization", "Bearer am-token")], webhook.clone())
        .await;
    assert_eq!(status, 202);
    let (exit, again, said) = beside(&server, &["investigate", "-"], &webhook).await;
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("1 alert is known to the server, with INC-1"), "{said}");
    assert!(again.contains("CAUSE FOUND"), "{again}");

    // What is typed goes before what the webhook says, and makes it another alert.
    let (exit, answer, said) =
        beside(&server, &["investigate", "-", "--service", "cart", "-o", "json"], &webhook).await;
    assert_eq!((exit, &json(&answer)["service"]), (Some(0), &"cart".into()), "{said}");
    assert!(said.contains("with INC-2"), "{said}");

    let resolved = webhook.replace("\"firing\"", "\"resolved\"").replace("SlowCheckout", "Unheard");
    for (input, words, exit, told) in [
        (resolved.as_str(), vec!["investigate", "-"], 5, "none of the 1 alerts fires"),
        ("{", vec!["investigate", "-"], 2, "standard input: malformed"),
        (&webhook, vec!["investigate", "-", "--at", "5m"], 2, "leave out --at"),
        ("", vec!["investigate"], 2, "nothing to investigate"),
    ] {
        let (code, shown, said) = beside(&server, &words, input).await;
        assert_eq!(code, Some(exit), "{words:?}: {shown}{said}");
        assert!(said.contains(told), "{words:?}: {said}");
    }
    server.app.stop().await.unwrap();
}

#[test]
fn a_webhook_on_standard_input_is_investigated_here() {
    let nobody = quell_testkit::ports::free().unwrap();
    let source = format!("sources.prometheus=[{{url: 'http://127.0.0.1:{nobody}'}}]");
    let now = jiff::Timestamp::now().to_string();
    let words = ["investigate", "-", "--local", "--budget", "5s", "--set", &source, "-o", "json"];
    let (exit, answer, said) = told(&words, &alertmanager("SlowCheckout", "checkout", &now));
    let answer = json(&answer);
    assert_eq!(answer["service"], "checkout", "{exit:?} {said}");
    let spots = answer["blindSpots"].as_array().unwrap();
    assert!(spots.iter().any(|spot| spot["source"] == "prometheus"), "{spots:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_what_was_found() {
    let server = finding().await;
    let now = jiff::Timestamp::now().to_string();
    let webhook = alertmanager("SlowCheckout", "checkout", &now);
    beside(&server, &["investigate", "-"], &webhook).await;
    let (exit, list, _) = beside(&server, &["incidents", "-o", "json"], "").await;
    let list = json(&list);
    assert_eq!(exit, Some(0));
    let answer = &list[0]["answer"];
    assert_eq!(answer["verdict"], "CAUSE_FOUND", "{list}");
    assert_eq!(answer["claim"], "the pool of orders is used up");
    assert_eq!(answer["probability"], 0.93);
    assert_eq!((&answer["hypothesisId"], &answer["fault"]), (&"H2".into(), &"pool_exhaustion".into()));
    assert!(list[0]["investigation"].is_null(), "only in short: {list}");
    for form in ["table", "wide"] {
        let (_, table, _) = beside(&server, &["ls", "-o", form], "").await;
        let row = table.lines().nth(1).unwrap();
        assert!(row.starts_with("INC-1 ") && row.contains("93 % the pool of orders"), "{table}");
    }
    server.app.stop().await.unwrap();
}

fn found_by<'a>(checks: &'a Value, name: &str) -> &'a Value {
    let checks = checks.as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {checks:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_the_server() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", folder.path().display());
    let doctor = ["doctor", "--set", &data, "-o", "json"];
    let (exit, found, said) = beside(&server, &doctor, "").await;
    let found = json(&found);
    assert_eq!((exit, &found["ok"]), (Some(0), &true.into()), "{found} {said}");
    let of_server = &found["server"];
    assert_eq!(
        (&of_server["state"], &of_server["version"]),
        (&"ready".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert_eq!(found_by(&of_server["checks"], "receivers.pagerduty")["found"], "2 signing secrets");
    assert_eq!(found_by(&of_server["checks"], "sources.otlp")["state"], "off");
    // Not so here, where nothing is configured: that is no failure.
    let here = found_by(&found["checks"], "receivers.pagerduty");
    assert_eq!((&here["state"], &here["ok"]), (&"off".into(), &true.into()));
    assert!(here["nextAction"].as_str().unwrap().contains("receivers.pagerduty.secrets"));
    let (_, shown, _) = beside(&server, &["doctor", "--set", &data], "").await;
    assert!(shown.contains(&format!("SERVER ({})", server.url(""))), "{shown}");
    assert!(shown.contains(", ready\n") && !shown.contains("FAIL"), "{shown}");
    server.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn how_the_doctor_ends_says_what_is_wrong() {
    let nobody = quell_testkit::ports::free().unwrap();
    let dead = format!("{{url: 'http://127.0.0.1:{nobody}'}}");
    let server =
        Server::with(Builder::new(configured(&format!("sources: {{prometheus: [{dead}]}}"))).in_memory())
            .await;
    let folder = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", folder.path().display());
    let (exit, found, _) = beside(&server, &["doctor", "--set", &data, "-o", "json"], "").await;
    let of_server = &json(&found)["server"];
    let source = found_by(&of_server["checks"], "sources.prometheus");
    assert_eq!(
        (exit, &source["state"]),
        (Some(4), &"failed".into()),
        "a source of the server fails: {found}"
    );
    assert!(!source["nextAction"].as_str().unwrap().is_empty());
    let (exit, ..) = beside(&server, &["doctor", "--set", "data_dir=/proc/quell"], "").await;
    assert_eq!(exit, Some(1), "more than a source fails");

    // Something that is no quell: it answers HTTP alone.
    let other = wiremock::MockServer::start().await;
    let words = ["doctor", "--set", data.as_str(), "--server", &other.uri()].map(str::to_owned);
    let run = move || told(&words.each_ref().map(String::as_str), "");
    let (exit, shown, said) = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(exit, Some(1), "{shown}{said}");
    assert!(shown.contains("no quell"), "{shown}");
    server.app.stop().await.unwrap();

    let nowhere = format!("http://127.0.0.1:{nobody}");
    let (exit, shown, _) = told(&["doctor", "--set", &data, "--server", &nowhere], "");
    assert_eq!(exit, Some(7), "{shown}");
    assert!(shown.contains("FAIL server") && shown.contains("quell serve"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_commands_reach_the_same_server() {
    let server = Server::start().await;
    let (_, shown, said) = beside(&server, &["investigate", "checkout"], "").await;
    assert!(said.contains("INC-1 opened"), "{shown}{said}");
    let (_, watched, _) = beside(&server, &["watch", "INC-1", "--until-done"], "").await;
    let command = format!("quell --server {} show INC-1", server.url(""));
    assert!(watched.contains(&format!("`{command}`")), "{watched}");
    let shown = tokio::task::spawn_blocking(move || pasted(&command)).await.unwrap();
    assert_eq!(shown.0, Some(3), "{shown:?}");
    assert!(shown.1.contains("scripted"), "{shown:?}");
    server.app.stop().await.unwrap();
}
