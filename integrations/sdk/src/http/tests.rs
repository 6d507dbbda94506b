use std::{io::Write, time::Duration};

use reqwest::{StatusCode, header::HeaderMap};
use rstest::rstest;
use secrecy::SecretString;
use url::Url;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path},
};

use super::{client::base64, *};
use crate::ErrorKind;

fn local() -> HttpConfig {
    HttpConfig { proxy: Proxy::None, ..HttpConfig::default() }
}

#[test]
fn configuration_reads_from_yaml_and_refuses_what_it_does_not_know() {
    let text = "
auth: { basic: { username: ann, password: hush } }
headers: { X-Scope-OrgID: team-a }
timeout: 1m30s
proxy: none
";
    let config: HttpConfig = serde_saphyr::from_str(text).unwrap();
    assert_eq!(config.timeout, Duration::from_secs(90));
    assert_eq!(config.connect_timeout, Duration::from_secs(3));
    assert!(matches!(config.auth, Auth::Basic { ref username, .. } if username == "ann"));
    let shown = format!("{config:?}");
    assert!(!shown.contains("hush") && !shown.contains("team-a"), "{shown}");

    let none: HttpConfig = serde_saphyr::from_str("auth: none").unwrap();
    assert!(matches!(none.auth, Auth::None));
    for wrong in ["tiemout: 3s", "timeout: 5", "auth: { bearer: { tokne: x } }", "auth: basic"] {
        assert!(serde_saphyr::from_str::<HttpConfig>(wrong).is_err(), "{wrong}");
    }
}

#[rstest]
#[case("", "")]
#[case("f", "Zg==")]
#[case("fo", "Zm8=")]
#[case("foo", "Zm9v")]
#[case("foob", "Zm9vYg==")]
#[case("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==")]
#[case("\u{fb}\u{ff}?>", "w7vDvz8+")]
fn base64_is_the_standard_one(#[case] plain: &str, #[case] coded: &str) {
    assert_eq!(base64(plain.as_bytes()), coded);
}

#[rstest]
#[case("http://localhost:9090", true)]
#[case("http://127.0.0.1/x", true)]
#[case("http://127.8.9.1", true)]
#[case("http://[::1]:1", true)]
#[case("http://localhost.example.org", false)]
#[case("https://prometheus", false)]
#[case("http://10.0.0.1", false)]
fn this_machine_needs_no_proxy(#[case] url: &str, #[case] loopback: bool) {
    let url = Url::parse(url).unwrap();
    assert_eq!(is_loopback(&url), loopback);
    assert_eq!(Proxy::suiting(&url) == Proxy::None, loopback);
}

#[tokio::test]
async fn credentials_and_headers_go_with_every_request() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(header("authorization", "Bearer t0ken"))
        .and(header("x-scope-orgid", "team-a"))
        .respond_with(ResponseTemplate::new(200).set_body_string("in"))
        .mount(&server)
        .await;
    let mut config = local();
    // A token read from a file ends with a line break.
    config.auth = Auth::Bearer { token: SecretString::from("t0ken\n") };
    config.headers.insert("X-Scope-OrgID".into(), SecretString::from("team-a"));
    let answer = client(&config).unwrap().get(server.uri()).send().await.unwrap();
    assert_eq!(read_limited("test", answer, 10).await.unwrap().as_ref(), b"in");
}

#[tokio::test]
async fn redirects_stay_on_the_same_host() {
    let elsewhere = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    let server = MockServer::start().await;
    let to = |target: String| ResponseTemplate::new(302).insert_header("location", target.as_str());
    Mock::given(path("/away")).respond_with(to(elsewhere.uri())).mount(&server).await;
    Mock::given(path("/near")).respond_with(to("/there".into())).mount(&server).await;
    Mock::given(path("/there")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    Mock::given(path("/loop")).respond_with(to("/loop".into())).mount(&server).await;

    let client = client(&local()).unwrap();
    let get = async |at: &str| client.get(format!("{}{at}", server.uri())).send().await.unwrap().status();
    assert_eq!(get("/near").await, StatusCode::NO_CONTENT);
    assert_eq!(get("/away").await, StatusCode::FOUND);
    assert_eq!(get("/loop").await, StatusCode::FOUND);
}

#[tokio::test]
async fn a_large_body_is_cut_off() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 100_000]))
        .mount(&server)
        .await;
    let client = client(&local()).unwrap();
    let fetch = async || client.get(server.uri()).send().await.unwrap();
    assert_eq!(read_limited("test", fetch().await, 100_000).await.unwrap().len(), 100_000);
    let error = read_limited("test", fetch().await, 99_999).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadAnswer);
    assert_eq!(error.to_string(), "test: answer is larger than 99999 bytes");
}

#[tokio::test]
async fn a_dead_or_slow_server_is_told_apart() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(30)))
        .mount(&server)
        .await;
    let impatient = HttpConfig { timeout: Duration::from_millis(50), ..local() };
    let slow = client(&impatient).unwrap().get(server.uri()).send().await.unwrap_err();
    assert_eq!(request_error("test", &slow).kind, ErrorKind::Timeout);

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dead = client(&local()).unwrap().get(format!("http://u:pw@{free}/")).send().await.unwrap_err();
    let error = request_error("test", &dead);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(!format!("{error:?}").contains("pw"), "{error:?}");
}

#[rstest]
#[case(400, ErrorKind::BadRequest)]
#[case(401, ErrorKind::Unauthorized)]
#[case(403, ErrorKind::Unauthorized)]
#[case(404, ErrorKind::NotFound)]
#[case(422, ErrorKind::BadRequest)]
#[case(429, ErrorKind::Overloaded)]
#[case(500, ErrorKind::Unavailable)]
#[case(501, ErrorKind::Unsupported)]
#[case(502, ErrorKind::Unavailable)]
#[case(503, ErrorKind::Overloaded)]
#[case(504, ErrorKind::Timeout)]
#[case(302, ErrorKind::BadAnswer)]
fn a_status_has_one_meaning(#[case] status: u16, #[case] kind: ErrorKind) {
    let status = StatusCode::from_u16(status).unwrap();
    let error = status_error("test", status, &HeaderMap::new(), "no\u{7} way\nsecond line");
    assert_eq!(error.kind, kind);
    assert_eq!(error.message, format!("answered {}: no way", status.as_u16()));
}

#[rstest]
#[case("7", Some(7))]
#[case("Sun, 06 Nov 2033 08:49:37 GMT", Some(37))]
#[case("Sun, 06 Nov 2033 08:48:00 GMT", Some(0))]
#[case("-3", None)]
#[case("soon", None)]
fn patience_is_seconds_or_a_date(#[case] text: &str, #[case] wait: Option<u64>) {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", text.parse().unwrap());
    headers.insert("date", "Sun, 06 Nov 2033 08:49:00 GMT".parse().unwrap());
    assert_eq!(retry_after(&headers), wait.map(Duration::from_secs));
}

#[test]
fn a_wrong_ca_file_is_an_error_that_names_it() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let config = HttpConfig { ca_file: Some(file.path().to_owned()), ..local() };
    let name = file.path().display().to_string();
    let empty = client(&config).unwrap_err();
    assert!(empty.to_string().contains(&name) && empty.to_string().contains("no certificate"), "{empty}");
    file.write_all(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").unwrap();
    assert!(client(&config).unwrap_err().to_string().contains("bad certificate"));
    let missing = HttpConfig { ca_file: Some("/no/such/file.pem".into()), ..local() };
    assert!(client(&missing).unwrap_err().to_string().contains("/no/such/file.pem"));
}

#[test]
fn a_credential_that_cannot_be_sent_is_not_shown() {
    let config = HttpConfig { auth: Auth::Bearer { token: SecretString::from("a\u{1}b") }, ..local() };
    let error = client(&config).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(!format!("{error:?}").contains("a\\u{1}b"), "{error:?}");
}

/// Answers one request over TLS with a certificate of its own, and says where.
fn tls_server() -> std::net::SocketAddr {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let certificate = include_bytes!("../../testdata/tls/cert.pem");
    let key = include_bytes!("../../testdata/tls/key.pem");
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Read;
        let (tcp, _) = listener.accept().unwrap();
        let session = rustls::ServerConnection::new(config.into()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, tcp);
        // A client that does not trust us breaks the handshake off here.
        if stream.read(&mut [0; 4096]).is_ok() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe").unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_when_named() {
    let get = async |config: &HttpConfig| {
        client(config).unwrap().get(format!("https://{}/", tls_server())).send().await
    };
    let stranger = get(&local()).await.unwrap_err();
    let error = request_error("test", &stranger);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.to_string().contains("certificate"), "{error}");

    let ca_file = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/tls/cert.pem");
    let trusted = HttpConfig { ca_file: Some(ca_file.into()), ..local() };
    let body = read_limited("test", get(&trusted).await.unwrap(), 10).await.unwrap();
    assert_eq!(body.as_ref(), b"safe");
}
