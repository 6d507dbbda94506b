use std::sync::OnceLock;

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::{AlertStatus, Labels};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn alert(name: &str, annotations: &[(&str, &str)]) -> Alert {
    Alert {
        source: "alertmanager".to_owned(),
        status: AlertStatus::Firing,
        labels: labels(&[("alertname", name), ("service", "cart")]),
        annotations: labels(annotations),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: None,
        generator_url: None,
        fingerprint: String::new(),
        group_key: None,
    }
}

fn shipped() -> &'static Library {
    static SHIPPED: OnceLock<Library> = OnceLock::new();
    SHIPPED.get_or_init(Library::embedded)
}

fn first(query: &Query<'_>) -> Match {
    shipped().matching(query).into_iter().next().expect("a match")
}

#[rstest]
#[case("KubePersistentVolumeFillingUp", "disk-full")]
#[case("HikariPoolExhausted", "pool-exhaustion")]
#[case("CPUThrottlingHigh", "cpu-saturation")]
#[case("BlackboxSslCertificateExpired", "certificate-expiry")]
#[case("FrontendHighErrorRate", "http-5xx")]
#[case("FrontendHighLatencyP95", "latency")]
#[case("RedisOutOfConfiguredMaxmemory", "cache-failure")]
#[case("CheckoutLatencyP99High", "latency")]
#[case("PaymentProviderSlow", "provider-outage")]
fn an_alert_finds_its_runbook(#[case] name: &str, #[case] id: &str) {
    let alerts = [alert(name, &[])];
    assert_eq!(first(&Query { alerts: &alerts, limit: 3, ..Query::default() }).runbook.id, id);
}

#[test]
fn the_url_in_the_alert_settles_it() {
    let url = "https://runbooks.example/k8s/Slow-Query.md?x=1#top";
    let alerts = [alert("HighErrorRate", &[("runbook_url", url)])];
    let found = first(&Query { alerts: &alerts, limit: 1, ..Query::default() });
    assert_eq!(found.runbook.id, "slow-query");
    assert_eq!(found.because[0], "the alert's runbook_url ends in `slow-query`");
}

#[test]
fn words_find_what_no_rule_names() {
    let alerts =
        [alert("Page42", &[("summary", "no space left on device while writing the write-ahead log")])];
    let found = first(&Query { alerts: &alerts, limit: 3, ..Query::default() });
    assert_eq!(
        (found.runbook.id.as_str(), found.because.as_slice()),
        ("disk-full", ["words of the alert".to_owned()].as_slice())
    );
}

#[test]
fn suspected_faults_bring_their_runbooks() {
    let faults = [FaultClass::MemoryLeak];
    let found = shipped().matching(&Query { faults: &faults, limit: 10, ..Query::default() });
    assert_eq!(found[0].runbook.id, "memory-leak");
    assert!(
        found[1..].iter().any(|other| other.runbook.id == "oom-kill"),
        "a rival in another runbook counts less"
    );
    assert_eq!(found[0].because, ["suspected: memory leak"]);
}

#[test]
fn services_and_labels_are_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let text = "---\nquell: 1\nid: own\nmatch: { services: [/cart.*/], labels: { tier: edge, zone: /eu-.*/ } }\n---\n# Own\n";
    std::fs::write(dir.path().join("own.md"), text).unwrap();
    let (library, _) = Library::load(&[dir.path().to_owned()], false);
    let mut alerts = [alert("X", &[])];
    let query = Query { alerts: &alerts, service: "cart-api", limit: 5, ..Query::default() };
    assert_eq!(library.matching(&query)[0].because, ["service cart-api"]);
    alerts[0].labels.extend(labels(&[("tier", "edge"), ("zone", "eu-1")]));
    let query = Query { alerts: &alerts, limit: 5, ..Query::default() };
    assert_eq!(library.matching(&query)[0].because, ["labels tier, zone"]);
    alerts[0].labels.insert("zone".to_owned(), "us-1".to_owned());
    assert!(library.matching(&Query { alerts: &alerts, limit: 5, ..Query::default() }).is_empty());
}

#[test]
fn nothing_asked_finds_nothing() {
    assert!(shipped().matching(&Query { limit: 10, ..Query::default() }).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_is_the_same_each_time_and_bounded(name in "\\PC{0,40}", text in "\\PC{0,120}", limit in 0_usize..6) {
        let library = shipped();
        let alerts = [alert(&name, &[("summary", &text), ("runbook_url", &text)])];
        let query = Query { alerts: &alerts, text: &text, service: &name, faults: &[FaultClass::Dns], limit };
        let ids = |matches: Vec<Match>| matches.into_iter().map(|m| (m.runbook.id.clone(), m.because)).collect::<Vec<_>>();
        let once = ids(library.matching(&query));
        prop_assert!(once.len() <= limit);
        prop_assert!(once.iter().all(|(_, because)| !because.is_empty()));
        prop_assert_eq!(once, ids(library.matching(&query)));
    }
}
