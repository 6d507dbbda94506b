use std::{path::PathBuf, time::Duration};

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{Environment, Error, Loaded, Place, parse};

fn read(text: &str, sets: &[&str]) -> Result<Loaded, Error> {
    let variable = |name: &str| match name {
        "PORT" => Some("9".to_owned()),
        "TOKEN" => Some("s3cret: [x]\n  # \"".to_owned()),
        "BAD" => Some("do-not-show".to_owned()),
        _ => None,
    };
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    parse("quell.yaml", text, &sets, &Environment { variable: &variable, folder })
}

fn message(text: &str, sets: &[&str]) -> String {
    read(text, sets).unwrap_err().to_string()
}

#[test]
fn nothing_is_all_defaults() {
    for text in ["", "# nothing\n", "receivers:\n", "receivers: {}\n"] {
        let Loaded { config, warnings } = read(text, &[]).unwrap();
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:7777");
        assert_eq!(config.investigation.budget, Duration::from_secs(60));
        assert!(config.runbooks.embedded);
        assert_eq!(warnings, Vec::<String>::new());
    }
}

#[test]
fn the_whole_file_is_read() {
    let text = "\
server: {listen: '127.0.0.1:80'}
data_dir: /var/lib/quell
receivers:
  alertmanager: {bearer_token: '${env:TOKEN}'}
  pagerduty: {secrets: ['${env:TOKEN}', plain]}
  events_v2: {routing_keys: []}
sources:
  prometheus:
    - url: http://prometheus:9090
      auth: {bearer: {token: '${env:TOKEN}'}}
    - {url: 'https://mimir/prometheus', tenant: shop, timeout: 3s}
otlp: {max_bytes: 64MiB, max_age: 1h30m}
runbooks: {dirs: [/etc/quell/runbooks], embedded: false}
investigation: {budget: 30s, workers: '${env:PORT}', lookback: 1h}
";
    let Loaded { config, warnings } = read(text, &[]).unwrap();
    let token = config.receivers.alertmanager.bearer_token.as_ref().unwrap();
    assert_eq!(token.expose_secret(), "s3cret: [x]\n  # \"");
    let prometheus = &config.sources.prometheus;
    assert_eq!(prometheus[0].url.as_str(), "http://prometheus:9090/");
    assert_eq!(prometheus[1].timeout, Duration::from_secs(3));
    assert_eq!(config.otlp.max_bytes, 64 << 20);
    assert_eq!(config.otlp.max_age, Duration::from_secs(5400));
    assert_eq!(config.investigation.workers, 9);
    assert_eq!(config.data_dir(&|_| None), PathBuf::from("/var/lib/quell"));
    assert!(!format!("{config:?}").contains("s3cret"));
    assert_eq!(
        warnings,
        [
            "`receivers.pagerduty.secrets` is written out in the configuration; use ${env:NAME} or ${file:/path}"
        ]
    );
}

#[test]
fn errors_point_at_their_place_and_say_what_would_be_right() {
    assert_eq!(
        message("server:\n  listn: x\n", &[]),
        "quell.yaml:2:3: unknown key `listn`; did you mean `listen`?"
    );
    assert_eq!(
        message("server:\n  colour: x\n", &[]),
        "quell.yaml:2:3: unknown key `colour`; known here: listen"
    );
    assert_eq!(
        message("investigation:\n  workers: many\n", &[]),
        "quell.yaml:2:12: expected a whole number, found a text"
    );
    assert_eq!(
        message("receivers: {alertmanager: {bearer_token: 12}}\n", &[]),
        "quell.yaml:1:42: expected a text: put it in quotes"
    );
    assert_eq!(
        message("investigation: {workers: '${env:BAD}'}\n", &[]),
        "quell.yaml:1:26: expected a whole number, found a text"
    );
    assert_eq!(
        message("data_dir: ${env:NOT_THERE}/x\n", &[]),
        "quell.yaml:1:11: environment variable `NOT_THERE` is not set"
    );
    assert_eq!(
        message("data_dir: ${vault:x}\n", &[]),
        "quell.yaml:1:11: `${vault:x}` is neither ${env:NAME} nor ${file:/path}"
    );
    assert!(message("data_dir: ${file:/no/such}\n", &[]).starts_with("quell.yaml:1:11: file /no/such: "));
    assert!(message("server: {listen: [\n", &[]).starts_with("quell.yaml:"));
    assert!(message("a: 1\na: 2\n", &[]).starts_with("quell.yaml:2:1: "));
    assert!(
        message("investigation: {budget: '5'}\n", &[]).starts_with("quell.yaml:1:25: expected a duration")
    );
    assert_eq!(
        message("sources:\n  prometheus:\n    - url: http://p\n      tenent: x\n", &[]),
        "quell.yaml:4:7: unknown key `tenent`; did you mean `tenant`?"
    );
    assert_eq!(
        message("sources:\n  prometheus:\n    - auth: {bearer: {tokn: x}}\n", &[]),
        "quell.yaml:3:23: unknown key `tokn`; did you mean `token`?"
    );
    assert_eq!(message("sources: {prometheus: [{}]}\n", &[]), "quell.yaml:1:24: missing field `url`");
    assert_eq!(
        message("intake: {investigation_budget: 5s}\n", &[]),
        "quell.yaml: intake.investigation_budget is set by investigation.budget; set that"
    );
    assert_eq!(
        message("investigation: {workers: 0}\n", &[]),
        "quell.yaml: investigation.workers must be 1 to 64"
    );
}

#[test]
fn a_value_can_come_from_a_file_beside_the_configuration() {
    let config = read("data_dir: x/${file:rustfmt.toml}", &[]).unwrap().config;
    let shown = config.data_dir.unwrap().display().to_string();
    assert!(shown.starts_with("x/edition") && !shown.ends_with('\n'), "{shown}");
}

#[test]
fn a_dollar_can_be_written() {
    let config = read("data_dir: a$${env:PORT}$b\n", &[]).unwrap().config;
    assert_eq!(config.data_dir.unwrap(), PathBuf::from("a${env:PORT}$b"));
}

#[test]
fn overrides_go_on_top() {
    let text = "investigation: {workers: 2}\n";
    let sets = ["investigation.workers=3", "data_dir=007", "runbooks.dirs=[a, b]", "runbooks.embedded=false"];
    let config = read(text, &sets).unwrap().config;
    assert_eq!(config.investigation.workers, 3);
    assert_eq!(config.data_dir.unwrap(), PathBuf::from("007"));
    assert_eq!(config.runbooks.dirs.len(), 2);
    assert!(!config.runbooks.embedded);
    let lists = read("runbooks: {dirs: [a]}", &["runbooks.dirs.0=${env:PORT}"]).unwrap().config;
    assert_eq!(lists.runbooks.dirs, [PathBuf::from("9")]);
    assert_eq!(read("", &["data_dir=null"]).unwrap().config.data_dir, None);
}

#[test]
fn a_wrong_override_is_named() {
    assert_eq!(
        message("", &["investigation.workers=x"]),
        "--set investigation.workers: expected a whole number, found a text"
    );
    assert_eq!(
        message("", &["servr.listen=x"]),
        "--set servr.listen: unknown key `servr`; did you mean `server`?"
    );
    assert_eq!(message("", &["x"]), "--set x: not of the form key.key=value");
    assert_eq!(
        message("runbooks: {dirs: []}", &["runbooks.dirs.3=x"]),
        "--set runbooks.dirs.3: there is nothing at `3` to set"
    );
    let secret = read("", &["receivers.alertmanager.bearer_token=[hidden]"]).unwrap_err();
    assert_eq!(secret.place, Place::Set("receivers.alertmanager.bearer_token".into()));
    assert!(!secret.to_string().contains("hidden"), "{secret}");
}

#[test]
fn an_open_port_without_a_token_is_warned_of() {
    let open = read("server: {listen: '0.0.0.0:7777'}", &[]).unwrap();
    assert_eq!(open.warnings.len(), 2);
    let closed = "server: {listen: '0.0.0.0:1'}\nreceivers: {alertmanager: {bearer_token: '${env:TOKEN}'}}";
    assert_eq!(read(closed, &[]).unwrap().warnings.len(), 1);
    assert!(read("", &["server.listen=[::1]:80"]).unwrap().warnings.is_empty());
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (one, next) in "abcdefghi".chars().zip("bcdefghij".chars()) {
        let many = vec![format!("*{one}"); 10].join(", ");
        bomb.push_str(&format!("{next}: &{next} [{many}]\n"));
    }
    assert!(message(&bomb, &[]).starts_with("quell.yaml:"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}", set in "\\PC{0,30}") {
        if let Err(error) = read(&text, &[&set]) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
