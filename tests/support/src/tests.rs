use quell_sdk::http::{HttpConfig, Proxy, client};
use serde_json::Value;

use crate::{History, alertmanager, process::Program, prometheus};

async fn get(url: String) -> (u16, Value) {
    let client = client(&HttpConfig { proxy: Proxy::None, ..HttpConfig::default() }).unwrap();
    let answer = client.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_prometheus_starts_with_its_past_and_ends_with_its_test() {
    let history = History::example();
    let at = history.window().end.as_second() - 60;
    let server = prometheus::Setup::new("global: {}").history(history).start().await.unwrap();
    let (url, folder) = (server.url().to_owned(), server.folder().to_owned());
    let (status, answer) = get(format!("{url}/api/v1/query?query=up&time={at}")).await;
    assert_eq!(status, 200, "{}", server.log());
    assert_eq!(answer["data"]["result"][0]["metric"]["job"], "example", "{answer}");
    assert_eq!(answer["data"]["result"][0]["value"][1], "1");
    drop(server);
    assert!(!folder.exists());
    assert!(std::net::TcpStream::connect(url.trim_start_matches("http://")).is_err());
}

#[tokio::test]
async fn an_alertmanager_starts() {
    let server = alertmanager::start("route: {receiver: none}\nreceivers: [{name: none}]").await.unwrap();
    let (status, answer) = get(format!("{}/api/v2/status", server.url())).await;
    assert_eq!((status, &answer["cluster"]["status"]), (200, &Value::from("disabled")));
}

#[tokio::test]
async fn a_bad_configuration_fails_with_the_servers_own_words() {
    let error = prometheus::start("scrape_konfigs: []").await.unwrap_err();
    assert!(format!("{error:#}").contains("scrape_konfigs"), "{error:#}");
}

#[test]
fn a_missing_program_says_what_to_install() {
    let program = Program { name: "no-such-server", variable: "QUELL_NO_SUCH", package: "nowhere" };
    let error = program.path().unwrap_err().to_string();
    assert!(error.contains("apt-get install --no-install-recommends nowhere"), "{error}");
}

#[test]
fn a_past_is_openmetrics_text() {
    let mut history = History::example();
    history.counter("hits_total", &[("path", "a\"b")], |t| (t != 15.0).then_some(2.0)).histogram(
        "took_seconds",
        &[],
        &[0.1, 0.5],
        |_| Some(1.0),
        |_| 0.2,
    );
    let text = history.to_openmetrics();
    for line in [
        "# TYPE hits counter",
        "hits_total{path=\"a\\\"b\"} 30 1767600000",
        "hits_total{path=\"a\\\"b\"} 60 1767600030",
        "took_seconds_bucket{le=\"0.1\"} 0 1767600000",
        "took_seconds_bucket{le=\"+Inf\"} 15 1767600000",
        "took_seconds_sum{} 3 1767600000",
        "took_seconds_count{} 15 1767600000",
        "up{job=\"example\"} 1 1767603585",
    ] {
        assert!(text.lines().any(|found| found == line), "no line {line}");
    }
    assert!(!text.contains("hits_total{path=\"a\\\"b\"} 30 1767600015"), "a missing sample stays missing");
    assert!(text.ends_with("# EOF\n"));
}
