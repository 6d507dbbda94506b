use jiff::Timestamp;
use rstest::rstest;

use super::*;

fn receive_at(second: i64, mut body: Value) -> Result<Received, Rejection> {
    body["routing_key"] = json!("key");
    let receiver = ChangesReceiver::new(EventsConfig { routing_keys: vec!["key".to_owned().into()] });
    let received_at = Timestamp::from_second(1_772_438_400 + second).expect("a time");
    receiver.receive(&Request { headers: Vec::new(), body: body.to_string().into(), received_at })
}

fn change(body: Value) -> Change {
    receive_at(0, body).expect("accepted").changes.remove(0)
}

#[test]
fn a_deploy_with_all_that_is_understood() {
    let change = change(json!({
        "payload": {"summary": "Deploy checkout v42", "source": "ci-9999", "timestamp": "2026-03-02T07:42:58Z",
            "custom_details": {"service": "checkout", "id": "d-42", "author": "mia", "version_from": "v41",
                "version": "v42", "commits": ["abc", "def", ""], "files": ["src/db.rs"], "patch": "-a\n+b"}},
        "links": [{"href": "https://ci/42", "text": "build"}],
    }));
    assert_eq!(
        (change.kind, change.id.as_str(), change.service.as_str()),
        (ChangeKind::Deploy, "d-42", "checkout")
    );
    assert_eq!((change.version_from.as_str(), change.version_to.as_str()), ("v41", "v42"));
    assert_eq!(change.commits, ["abc", "def"]);
    assert_eq!((change.author.as_str(), change.url.as_str()), ("mia", "https://ci/42"));
    assert_eq!(change.at.to_string(), "2026-03-02T07:42:58Z");
}

#[rstest]
#[case("Build success: more", json!({}), ChangeKind::Deploy)]
#[case("Feature flag new-cart on", json!({}), ChangeKind::Flag)]
#[case("Config of checkout changed", json!({}), ChangeKind::Config)]
#[case("checkout scaled to 5 replicas", json!({}), ChangeKind::Scale)]
#[case("Config rollout", json!({"kind": "Infra"}), ChangeKind::Infra)]
#[case("Config rollout", json!({"kind": "???"}), ChangeKind::Config)]
fn kinds(#[case] summary: &str, #[case] details: Value, #[case] kind: ChangeKind) {
    assert_eq!(change(json!({"payload": {"summary": summary, "custom_details": details}})).kind, kind);
}

#[test]
fn the_same_change_has_the_same_id_and_two_deploys_have_two() {
    let id = |second: i64, payload: Value| {
        receive_at(second, json!({ "payload": payload })).expect("accepted").changes.remove(0).id
    };
    let dated = json!({"summary": "Deploy", "source": "checkout", "timestamp": "2026-03-02T07:42:58Z"});
    assert_eq!(id(0, dated.clone()), id(60, dated));
    let undated = json!({"summary": "Deploy", "source": "checkout"});
    assert_ne!(id(0, undated.clone()), id(60, undated));
}

#[test]
fn without_a_summary_it_is_refused() {
    for body in [json!({}), json!({"payload": {}}), json!({"payload": {"summary": ""}})] {
        assert!(matches!(receive_at(0, body), Err(Rejection::Malformed(_))));
    }
}
