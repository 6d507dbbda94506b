use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const BOTH: [AlertStatus; 2] = [AlertStatus::Firing, AlertStatus::Resolved];

fn read(details: &Value) -> Found {
    let at = Timestamp::constant(1_772_438_400, 0);
    let around = Around { source: "events-v2", group_key: Some("g"), status: AlertStatus::Firing, at };
    let details = details.as_object().cloned().unwrap_or_default();
    super::read(&details, around, &BOTH, &mut Limiter::new(at))
}

#[test]
fn text_of_several_alerts() {
    let firing = "Labels:\n - alertname = Slow\n - service = checkout\n - empty =\nAnnotations:\n \
                  - summary = p95 = 421 ms\nsecond line\n - description = x\nSource: http://p/graph?g0.expr=up\n\
                  Labels:\n - alertname = Slow\n - service = payments\nAnnotations:\nSource: \n";
    let resolved = "Labels:\n - alertname = Slow\n - service = cart\nAnnotations:\nSource: http://p\n";
    let found = read(&json!({"firing": firing, "resolved": resolved, "num_firing": "2"}));
    let [checkout, payments, cart] = found.alerts.as_slice() else { panic!("three: {found:?}") };
    assert_eq!(checkout.labels.len(), 3);
    assert_eq!(checkout.annotations.get("summary").map(String::as_str), Some("p95 = 421 ms\nsecond line"));
    assert_eq!(checkout.annotations.get("description").map(String::as_str), Some("x"));
    assert_eq!(checkout.expr().as_deref(), Some("up"));
    assert_eq!((payments.generator_url.as_deref(), payments.is_firing()), (None, true));
    assert!(!cart.is_firing() && cart.ends_at.is_some());
    assert!(found.undated, "text gives no start");
}

#[test]
fn a_list_says_the_same_with_times_and_fingerprints() {
    let alert = json!({"status": "firing", "labels": {"alertname": "Slow", "service": "checkout"},
                       "startsAt": "2026-03-02T07:50:10Z", "endsAt": "0001-01-01T00:00:00Z",
                       "fingerprint": "9f2c", "generatorURL": "http://p"});
    for firing in [json!([alert]), json!(json!([alert]).to_string())] {
        let found = read(&json!({"firing": firing, "resolved": []}));
        let [alert] = found.alerts.as_slice() else { panic!("one: {found:?}") };
        assert_eq!(alert.fingerprint, "9f2c");
        assert_eq!(alert.starts_at.to_string(), "2026-03-02T07:50:10Z");
        assert!(!found.undated && alert.group_key.as_deref() == Some("g"));
    }
}

#[test]
fn details_of_another_make_give_nothing() {
    let cut = "Custom details have been removed because the original event exceeds the maximum size";
    for details in [json!({"error": cut}), json!({"firing": "3 alerts", "load": 0.75}), json!({"firing": 3})]
    {
        assert!(read(&details).alerts.is_empty(), "{details}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "(Labels:\n| - [a-z=]{0,3} = .{0,9}\n|Annotations:\n|Source: .{0,9}\n|.{0,20}\n){0,20}") {
        let found = read(&json!({ "firing": text }));
        prop_assert!(found.alerts.iter().all(|alert| !alert.labels.is_empty()));
    }

    #[test]
    fn what_the_template_writes_is_read_back(
        labels in prop::collection::btree_map("[a-z_]{1,8}", "[ -~]{0,20}[!-~]", 1..6),
        annotations in prop::collection::btree_map("[a-z_]{1,8}", "[ -~]{0,20}[!-~]", 0..6),
    ) {
        let lines = |pairs: &std::collections::BTreeMap<String, String>| {
            pairs.iter().map(|(name, value)| format!(" - {name} = {value}\n")).collect::<String>()
        };
        let text = format!("Labels:\n{}Annotations:\n{}Source: http://p\n", lines(&labels), lines(&annotations));
        let found = read(&json!({ "firing": text }));
        prop_assert_eq!(found.alerts.len(), 1);
        prop_assert_eq!(&found.alerts[0].labels, &labels);
        prop_assert_eq!(&found.alerts[0].annotations, &annotations);
    }
}
