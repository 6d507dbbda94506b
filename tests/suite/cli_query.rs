//! `quell query` over a bundle, as a person types it.

use assert_cmd::Command;
use serde_json::Value;

use super::authored;

fn quell(words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("quell").unwrap();
    let done = command.args(words).env("COLUMNS", "100").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn evidence_shown_by_an_investigation_is_run_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    authored::slow_database(folder.path());
    let bundle = folder.path().to_str().unwrap();
    let (_, answer, _) = quell(&["investigate", "--bundle", bundle]);
    let command = format!("quell query --bundle {bundle} E1");
    assert!(answer.contains(&command), "{answer}");

    let (exit, shown, said) = quell(&["query", "--bundle", bundle, "E1"]);
    assert_eq!((exit, said.as_str()), (Some(0), ""), "{shown}");
    assert!(shown.starts_with("E1 ") && shown.contains("STATED"), "{shown}");
    let (exit, json, _) = quell(&["query", "--bundle", bundle, "E1", "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((exit, json["evidence"]["id"].as_str()), (Some(0), Some("E1")));
    let figures = json["figures"].as_array().unwrap();
    let told: Vec<_> = figures.iter().filter(|figure| !figure["found"].is_null()).collect();
    assert!(!told.is_empty(), "{figures:?}");
    for figure in told {
        let (stated, found) = (figure["stated"].as_f64().unwrap(), figure["found"].as_f64().unwrap());
        assert!((stated - found).abs() < 1e-6 * stated.abs().max(1.0), "{figure}");
    }

    // The text that the evidence shows gives the same when it is typed.
    let (exit, typed, _) =
        quell(&["query", "--bundle", bundle, json["query"].as_str().unwrap(), "-o", "json"]);
    let typed: Value = serde_json::from_str(&typed).unwrap();
    assert_eq!((exit, &typed["language"]), (Some(0), &json["language"]));
    assert_eq!(typed["answers"][0]["found"], json["answers"][0]["found"]);
}

#[test]
fn exit_codes_and_errors_tell_what_was_wrong() {
    let folder = tempfile::tempdir().unwrap();
    authored::slow_database(folder.path());
    let bundle = folder.path().to_str().unwrap();
    let query = |words: &[&str]| quell(&[&["query", "--bundle", bundle], words].concat());
    for (words, exit, told) in [
        (vec!["E999"], 5, "has no evidence E999; there is E1 to E"),
        (vec!["up", "down"], 2, "put a query between quotes"),
        (vec!["sum(up) by ("], 2, "promql: column 9"),
        (vec!["{ name = }"], 2, "column 10"),
        (vec!["INC-1", "E1"], 2, "an incident lives on a server"),
        (vec!["up", "--source", "tempo"], 5, "no source of metrics is called tempo; there is bundle"),
        (vec!["up", "--start", "5m", "--end", "10m"], 2, "is after --end"),
        (vec!["nosuch"], 3, ""),
        (vec![r#"{service="orders"} |= "timeout""#], 0, ""),
        (vec![r#"sum(count_over_time({service="orders"} |= "timeout" [1m]))"#], 0, ""),
        (vec!["{ resource.service.name = `web` } > { }", "--limit", "3"], 0, ""),
        (vec!["changes"], 0, ""),
        (vec!["deploy-42", "--language", "changes"], 0, ""),
    ] {
        let (code, shown, said) = query(&words);
        assert_eq!(code, Some(exit), "{words:?}: {shown}{said}");
        assert!(said.contains(told), "{words:?}: {said}");
        assert!(exit != 0 || said.is_empty(), "data goes to standard output alone: {said}");
    }
    let (_, shown, _) = query(&["deploy-42", "--language", "changes"]);
    assert!(shown.contains("orders by customer") && !shown.contains("new header"), "{shown}");
}
