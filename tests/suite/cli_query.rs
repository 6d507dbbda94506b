//! `quell query` over a bundle, as a person types it.

use serde_json::Value;

use super::{
    authored,
    program::{pasted, quell},
};

#[test]
fn evidence_shown_by_an_investigation_is_run_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    authored::slow_database(folder.path());
    let bundle = folder.path().to_str().unwrap();
    let (_, answer, _) = quell(&["investigate", "--bundle", bundle]);
    let command = format!("quell query --bundle {bundle} E1");
    assert!(answer.lines().any(|line| line == command), "{answer}");

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

/// The command line that an answer prints for a number in doubt.
fn printed(answer: &str) -> &str {
    answer.lines().find(|line| line.starts_with("quell query --bundle")).unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn the_printed_command_runs_as_printed_and_gives_the_same_evidence() {
    let folder = tempfile::tempdir().unwrap();
    // A name that a shell would take apart.
    let bundle = folder.path().join("it's one");
    std::fs::create_dir(&bundle).unwrap();
    authored::slow_database(&bundle);
    let bundle = bundle.to_str().unwrap();
    let runbooks = tempfile::tempdir().unwrap();
    let runbooks = runbooks.path().to_str().unwrap();
    let investigate = ["investigate", "--bundle", bundle];
    for flags in [
        vec!["--since", "14m"],
        vec!["--service", "orders", "--at", "2m"],
        vec!["orders", "--since", "2026-03-01T10:10:00Z", "--lenient"],
        vec!["-l", "service=orders", "--budget", "40s", "--runbooks", runbooks],
    ] {
        let words = [investigate.as_slice(), flags.as_slice()].concat();
        let (_, answer, said) = quell(&words);
        let (exit, shown, complaint) = pasted(&format!("{} -o json", printed(&answer)));
        assert_eq!((exit, complaint.as_str()), (Some(0), ""), "{words:?}: {shown}{said}");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let (_, answer, _) = quell(&[words.as_slice(), &["-o", "json"]].concat());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(shown["evidence"], answer["evidence"][0], "{words:?}");
    }
    // They matter: without them there is other evidence.
    let first = |flags: &[&str]| {
        let (_, answer, _) = quell(&[&investigate, flags, &["-o", "json"]].concat());
        serde_json::from_str::<Value>(&answer).unwrap()["evidence"][0].clone()
    };
    assert_ne!(first(&["--since", "14m"]), first(&[]));
}

#[test]
fn flags_that_would_change_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    authored::slow_database(folder.path());
    let bundle = folder.path().to_str().unwrap();
    for (words, told) in [
        (vec!["query", "up", "--service", "orders"], "--service says how a bundle was investigated"),
        (vec!["query", "--bundle", bundle, "up", "--at", "5m"], "--at says how"),
        (vec!["query", "INC-1", "E1", "--since", "5m"], "--since says how"),
        (vec!["query", "--bundle", bundle, "E1", "--start", "5m"], "leave out --start"),
        (vec!["query", "--bundle", bundle, "up", "--start", "5m", "--since", "5m"], "leave out one"),
        (vec!["query", "up", "--lenient"], "--lenient is for a bundle"),
        (vec!["investigate", "--bundle", bundle, "-"], "leave out - or --bundle"),
    ] {
        let (exit, shown, said) = quell(&words);
        assert_eq!(exit, Some(2), "{words:?}: {shown}{said}");
        assert!(said.contains(told), "{words:?}: {said}");
    }
    // What a query of one's own looks back to is its start.
    let points = |flag: &str| {
        let query = ["query", "--bundle", bundle, "{ }", "-o", "json"];
        let (_, json, _) = quell(&[query.as_slice(), &[flag, "5m"]].concat());
        serde_json::from_str::<Value>(&json).unwrap()["answers"][0]["found"].clone()
    };
    assert_eq!(points("--since"), points("--start"));
    assert!(points("--since").is_string(), "{}", points("--since"));
}
