//! Against servers that are dead, slow, wrong, hostile or merely not Prometheus.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use quell_prometheus::{Config, Prometheus};
use quell_sdk::{
    Answer, Error, ErrorKind, Integration, MetricsSource,
    signal::{Labels, Series, Window},
    source::{Budget, Discover},
};
use rstest::rstest;
use secrecy::SecretString;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::shop;

const STEP: Duration = Duration::from_secs(60);

fn config(url: &str) -> Config {
    Config { timeout: Duration::from_millis(500), ..Config::new(url.parse().unwrap()) }
}

fn source(url: &str) -> Prometheus {
    Prometheus::new("prom-eu", &config(url)).unwrap()
}

/// A server whose every answer the function gives, from path and form.
async fn server(answer: impl Fn(&str, &str) -> ResponseTemplate + Send + Sync + 'static) -> MockServer {
    let server = MockServer::start().await;
    let respond = move |request: &Request| {
        let body = String::from_utf8_lossy(&request.body);
        answer(request.url.path(), &body)
    };
    Mock::given(any()).respond_with(respond).mount(&server).await;
    server
}

fn json(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "application/json")
}

fn success(data: &str) -> ResponseTemplate {
    json(&format!("{{\"status\":\"success\",\"data\":{data}}}"))
}

/// One series of each of these label sets, with the value 1 a minute into the window.
fn matrix(metrics: &[&str]) -> ResponseTemplate {
    let at = shop::at(1).as_second();
    let series: Vec<String> =
        metrics.iter().map(|labels| format!("{{\"metric\":{labels},\"values\":[[{at},\"1\"]]}}")).collect();
    success(&format!("{{\"resultType\":\"matrix\",\"result\":[{}]}}", series.join(",")))
}

async fn ask(source: &Prometheus) -> Result<Answer<Vec<Series>>, Error> {
    source.query_range("up", shop::window(), STEP).await
}

fn request() -> Discover {
    Discover {
        services: vec!["web".into()],
        labels: Labels::new(),
        expr: None,
        window: shop::window(),
        step: STEP,
        budget: Budget::default(),
    }
}

#[rstest]
#[case(400, "bad_data", "parse error", ErrorKind::BadRequest)]
#[case(422, "execution", "too many samples", ErrorKind::BadRequest)]
#[case(503, "timeout", "query timed out", ErrorKind::Timeout)]
#[case(500, "internal", "disk is gone", ErrorKind::Unavailable)]
#[case(503, "unavailable", "starting", ErrorKind::Overloaded)]
#[case(401, "", "no token", ErrorKind::Unauthorized)]
#[case(200, "bad_data", "odd but seen", ErrorKind::BadRequest)]
#[tokio::test]
async fn errors_keep_the_servers_words(
    #[case] status: u16,
    #[case] error_type: &'static str,
    #[case] text: &'static str,
    #[case] kind: ErrorKind,
) {
    let server = server(move |_, _| {
        let body = format!(r#"{{"status":"error","errorType":"{error_type}","error":"{text}"}}"#);
        ResponseTemplate::new(status).set_body_string(body)
    })
    .await;
    let error = ask(&source(&server.uri())).await.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.to_string().starts_with("prom-eu: ") && error.to_string().contains(text), "{error}");
}

#[tokio::test]
async fn patience_is_honoured_once_and_only_within_the_deadline() {
    let calls = std::sync::atomic::AtomicU32::new(0);
    let fickle = server(move |_, _| match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => ResponseTemplate::new(503).insert_header("retry-after", "0").set_body_string("busy"),
        _ => matrix(&["{}"]),
    })
    .await;
    assert!(ask(&source(&fickle.uri())).await.unwrap().completeness.is_full());
    assert_eq!(fickle.received_requests().await.unwrap().len(), 2);

    let closed = server(|_, _| ResponseTemplate::new(503).insert_header("retry-after", "3600")).await;
    let error = ask(&source(&closed.uri())).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (ErrorKind::Overloaded, Some(Duration::from_secs(3600))));
    assert_eq!(closed.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_slow_server_costs_no_more_than_the_timeout() {
    let server = server(|_, _| matrix(&["{}"]).set_delay(Duration::from_secs(20))).await;
    let begin = Instant::now();
    assert_eq!(ask(&source(&server.uri())).await.unwrap_err().kind, ErrorKind::Timeout);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_dead_server_is_an_error_at_once_and_then_left_alone() {
    let port = quell_testkit::ports::free().unwrap();
    let source = source(&format!("http://127.0.0.1:{port}"));
    let begin = Instant::now();
    let error = source.discover(&request()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains("cannot connect"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());

    for _ in 0..5 {
        ask(&source).await.unwrap_err();
    }
    let error = ask(&source).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(source.stats().open && source.stats().refused > 0, "{:?}", source.stats());

    let health = source.health().await;
    assert!(!health.ok && !health.next_action.is_empty(), "{health:?}");
}

#[rstest]
#[case::html(ResponseTemplate::new(200).set_body_string("<!doctype html><title>Sign in</title>"), "HTML")]
#[case::login(ResponseTemplate::new(302).insert_header("location", "https://login.example.org/"), "redirects")]
#[case::half(ResponseTemplate::new(200).set_body_string(r#"{"status":"success","data":{"resu"#), "cut short")]
#[case::empty(ResponseTemplate::new(200), "cut short")]
#[case::other(ResponseTemplate::new(200).set_body_string(r#"{"hello":"world"}"#), "status")]
#[case::words(ResponseTemplate::new(200).set_body_string(
    r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"many"]]}]}}"#
), "number")]
#[tokio::test]
async fn an_answer_of_another_kind_is_a_bad_answer(#[case] answer: ResponseTemplate, #[case] said: &str) {
    let server = server(move |_, _| answer.clone()).await;
    let error = ask(&source(&server.uri())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadAnswer, "{error}");
    assert!(error.to_string().contains(said), "{error}");
    let health = source(&server.uri()).health().await;
    assert!(!health.ok && health.next_action.contains("does not lead to a Prometheus"), "{health:?}");
}

/// Answers every connection with a head and then what `write` sends.
fn raw_server(head: &'static str, write: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            if stream.read(&mut [0; 4096]).is_ok() && stream.write_all(head.as_bytes()).is_ok() {
                write(&mut stream);
            }
        }
    });
    address
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_never_ends_is_a_bad_answer() {
    let breaks = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"status\"", |_| {});
    let error = ask(&source(&format!("http://{breaks}"))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadAnswer);
    assert!(error.to_string().contains("broke off"), "{error}");

    let huge = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", |_| {});
    let error = ask(&source(&format!("http://{huge}"))).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");

    let endless =
        raw_server("HTTP/1.1 200 OK\r\n\r\n", |stream| while stream.write_all(&[b' '; 65536]).is_ok() {});
    let patient = Config { timeout: Duration::from_secs(60), ..config(&format!("http://{endless}")) };
    let error = ask(&Prometheus::new("p", &patient).unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadAnswer);
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn warnings_and_what_was_dropped_lower_the_completeness() {
    let at = shop::at(1).as_second();
    let bomb: String = (0..200).map(|index| format!("\"l{index}\":\"x\",")).collect();
    let body = format!(
        r#"{{"status":"success","warnings":["store eu-2 did not answer"],"infos":["PromQL info: hint"],
        "data":{{"resultType":"matrix","result":[
          {{"metric":{{"__name__":"up","job":"web"}},"values":[[{at},"1"],[{at}.5,"NaN"],[{},"+Inf"],[{},"2"],[1,"3"]]}},
          {{"metric":{{"job":"native"}},"histograms":[[{at},{{"count":"1"}}]]}},
          {{"metric":{{{bomb}"job":"bomb"}},"values":[[{at},"1"]]}}]}}}}"#,
        at + 60,
        at + 30,
    );
    let server = server(move |_, _| json(&body)).await;
    let answer = ask(&source(&server.uri())).await.unwrap();
    let [only] = answer.data.as_slice() else { panic!("{:?}", answer.data) };
    let values: Vec<f64> = only.points.iter().map(|point| point.value).collect();
    assert_eq!(values, [1.0, 2.0], "in order of time, finite, within the window");
    assert_eq!((only.name.as_str(), only.service(), only.query.as_str()), ("up", "web", "up"));
    let reason = answer.completeness.reason().unwrap();
    for part in ["store eu-2 did not answer", "2 samples", "1 series hold native", "1 series left out"] {
        assert!(reason.contains(part), "no {part:?} in {reason}");
    }
    assert!(!reason.contains("hint"), "{reason}");

    let hint =
        self::server(|_, _| json(r#"{"status":"success","infos":["x"],"data":{"result":null}}"#)).await;
    assert!(ask(&source(&hint.uri())).await.unwrap().completeness.is_full());
}

#[tokio::test]
async fn requests_are_posts_with_credentials_below_the_prefix_and_within_the_limits() {
    let server = server(|_, _| matrix(&["{}"])).await;
    let mut config = config(&format!("{}/prometheus/", server.uri()));
    config.tenant = Some("team-a".into());
    config.headers.insert("X-Extra".into(), SecretString::from("yes"));
    let source = Prometheus::new("prom-eu", &config).unwrap();
    assert!(!format!("{source:?}").contains("127.0.0.1"));
    let month = Window::new(shop::at(0), shop::at(60 * 24 * 30));
    source.query_range("up{a=\"b c\"}", month, Duration::from_secs(1)).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let [only] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!((only.method.as_str(), only.url.path()), ("POST", "/prometheus/api/v1/query_range"));
    assert_eq!(only.headers["x-scope-orgid"], "team-a");
    assert_eq!(only.headers["x-extra"], "yes");
    let form: Labels = url::form_urlencoded::parse(&only.body).into_owned().collect();
    assert_eq!((form["query"].as_str(), form["timeout"].as_str()), ("up{a=\"b c\"}", "500ms"));
    let step: f64 = form["step"].parse().unwrap();
    assert!(30.0 * 86_400.0 / step <= 11_000.0 && step < 300.0, "{step}");
}

/// A service `web` with a gauge and two counters, on a server without metadata, targets or labels.
fn sparse(path: &str) -> Option<ResponseTemplate> {
    match path {
        "/api/v1/series" => Some(success(
            r#"[{"__name__":"pool_in_use","app":"web"},{"__name__":"hits_total","app":"web"},
                {"__name__":"errors_total","app":"web"},{"__name__":"other","app":"cobweb"}]"#,
        )),
        "/api/v1/query_range" => None,
        "/api/v1/query" => {
            Some(success(r#"{"resultType":"vector","result":[{"metric":{},"value":[1,"20"]}]}"#))
        }
        _ => Some(ResponseTemplate::new(404).set_body_string("404 page not found")),
    }
}

#[tokio::test]
async fn a_product_without_labels_metadata_or_targets_will_do() {
    let server = server(|path, form| {
        sparse(path).unwrap_or_else(|| match form.contains("label_replace") {
            true => matrix(&[r#"{"app":"web","quell_part":"0"}"#, r#"{"app":"web","quell_part":"1"}"#]),
            false => matrix(&[r#"{"__name__":"pool_in_use","app":"web"}"#]),
        })
    })
    .await;
    let answer = source(&server.uri()).discover(&request()).await.unwrap();
    assert!(answer.completeness.is_full(), "{:?}", answer.completeness);
    let queries: Vec<&str> = answer.data.iter().map(|series| series.query.as_str()).collect();
    // Twenty samples in five minutes: scraped every 15 s; the step is wider.
    assert_eq!(
        queries,
        [
            r#"rate(errors_total{app="web"}[75s])"#,
            r#"pool_in_use{app="web"}"#,
            r#"rate(hits_total{app="web"}[75s])"#,
        ]
    );
    assert!(answer.data.iter().all(|series| series.service() == "web"));
}

#[tokio::test]
async fn a_joined_query_that_is_refused_is_taken_apart() {
    let server = server(|path, form| {
        sparse(path).unwrap_or_else(|| match form.contains("label_replace") {
            true => ResponseTemplate::new(422)
                .set_body_string(r#"{"status":"error","errorType":"execution","error":"too many samples"}"#),
            false if form.contains("pool_in_use") => matrix(&[r#"{"__name__":"pool_in_use","app":"web"}"#]),
            false => matrix(&[r#"{"app":"web"}"#]),
        })
    })
    .await;
    let answer = source(&server.uri()).discover(&request()).await.unwrap();
    let names: Vec<&str> = answer.data.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["errors_total", "pool_in_use", "hits_total"]);
    assert!(answer.completeness.is_full(), "{:?}", answer.completeness);
}

#[tokio::test]
async fn half_a_discovery_says_which_half_is_missing() {
    let server = server(|path, form| {
        sparse(path).unwrap_or_else(|| match form.contains("rate") {
            true => ResponseTemplate::new(500).set_body_string("ingester eu-1 is down"),
            false => matrix(&[r#"{"__name__":"pool_in_use","app":"web"}"#]),
        })
    })
    .await;
    let answer = source(&server.uri()).discover(&request()).await.unwrap();
    assert_eq!(answer.data.len(), 1);
    let reason = answer.completeness.reason().unwrap();
    assert!(reason.contains("1 of 2 queries failed") && reason.contains("ingester eu-1 is down"), "{reason}");
}

#[tokio::test]
async fn fifty_thousand_series_are_bounded_and_counted() {
    let all: Vec<String> = (0..50_000)
        .map(|index| format!(r#"{{"__name__":"m{}","app":"web","id":"{index}"}}"#, index % 7))
        .collect();
    let all = success(&format!("[{}]", all.join(",")));
    let server = server(move |path, _| match path {
        "/api/v1/series" => all.clone(),
        other => sparse(other).unwrap_or_else(|| matrix(&[r#"{"__name__":"m1","app":"web","id":"1"}"#])),
    })
    .await;
    let patient = Config { timeout: Duration::from_secs(20), ..config(&server.uri()) };
    let source = Prometheus::new("p", &patient).unwrap();
    let budget = Budget { series: 1_000, samples: 1_000_000, ..Budget::default() };
    let answer = source.discover(&Discover { budget, ..request() }).await.unwrap();
    assert!(answer.data.len() <= 1_000);
    let reason = answer.completeness.reason().unwrap();
    assert!(
        reason.contains("30000 series were not looked at") && reason.contains("left out: budget"),
        "{reason}"
    );
}

#[rstest]
#[case(401, "check auth")]
#[case(404, "path prefix")]
#[case(500, "look at its log")]
#[tokio::test]
async fn an_unhealthy_source_says_what_to_do(#[case] status: u16, #[case] action: &str) {
    let server = server(move |_, _| ResponseTemplate::new(status)).await;
    let health = source(&server.uri()).health().await;
    assert!(!health.ok && health.next_action.contains(action), "{health:?}");
    assert!(health.found.contains(&status.to_string()), "{health:?}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    let server = server(|path, _| match path {
        "/api/v1/query" => {
            let late = jiff::Timestamp::now().as_second() - 90;
            success(&format!(
                r#"{{"resultType":"vector","result":[{{"metric":{{}},"value":[{late},"{late}"]}}]}}"#
            ))
        }
        _ => ResponseTemplate::new(404),
    })
    .await;
    let health = source(&server.uri()).health().await;
    assert!(health.ok && health.next_action.contains("s apart: set both by NTP"), "{health:?}");
    assert!(health.found.contains("does not say its version"), "{health:?}");
}
