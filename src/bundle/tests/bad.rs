use rstest::rstest;
use tempfile::tempdir;

use super::*;

fn bundle_with(root: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let mut files = vec![("manifest.json", MANIFEST.as_bytes())];
    files.retain(|(other, _)| *other != name);
    files.push((name, bytes));
    write(root, "b", &files)
}

/// The second of three lines is bad: it is named, and a lenient opening keeps the other two.
#[rstest]
#[case("logs.jsonl", log_line("cart", 1, "x"), r#"{"resourceLogs":[{"scopeLogs":[{"logRe"#.to_owned(), "EOF")]
#[case("logs.jsonl", log_line("cart", 1, "x"), r#"{"resourceLogs":7}"#.to_owned(), "invalid type")]
#[case("logs.jsonl", log_line("cart", 1, "x"), span_line("cart", 1, 0, 1), "holds spans instead of logs")]
#[case("traces.jsonl", span_line("cart", 1, 0, 1), "nonsense".to_owned(), "expected")]
#[case("metrics.jsonl", metric_line("cart", 1, 1.0), "[1,2]".to_owned(), "invalid")]
#[case("alerts.jsonl", r#"{"startsAt":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"labels":{}}"#.to_owned(), "`startsAt` is missing")]
#[case("alerts.jsonl", r#"{"startsAt":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"startsAt":"1970-01-01T00:00:00Z"}"#.to_owned(), "before 2000")]
#[case("alerts.jsonl", r#"{"startsAt":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"startsAt":"2024-01-01T00:00:00Z","status":"odd"}"#.to_owned(), "neither firing nor resolved")]
#[case("changes.jsonl", r#"{"kind":"flag","id":"1","at":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"kind":"magic","id":"1","at":"2024-01-01T00:00:00Z"}"#.to_owned(), "`kind` is none of commit, deploy")]
#[case("changes.jsonl", r#"{"kind":"flag","id":"1","at":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"kind":"flag","at":"2024-01-01T00:00:00Z"}"#.to_owned(), "`id` is missing")]
#[case("changes.jsonl", r#"{"kind":"flag","id":"1","at":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"kind":"flag","id":"1"}"#.to_owned(), "`at` is missing")]
#[case("changes.jsonl", r#"{"kind":"flag","id":"1","at":"2024-01-01T00:00:00Z"}"#.to_owned(), r#"{"kind":"flag","id":"1","at":"9999-01-01T00:00:00Z"}"#.to_owned(), "after 2100")]
fn a_bad_line_is_named_or_skipped(
    #[case] file: &str,
    #[case] good: String,
    #[case] bad: String,
    #[case] why: &str,
) {
    let root = tempdir().unwrap();
    let path = bundle_with(root.path(), file, format!("{good}\n{bad}\n{good}\n").as_bytes());
    let message = strict(&path).unwrap_err().to_string();
    assert!(message.contains(&format!("{file}, line 2: ")) && message.contains(why), "{message}");

    let bundle = lenient(&path).unwrap();
    let [skipped] = bundle.skipped.as_slice() else { panic!("{:?}", bundle.skipped) };
    assert_eq!((skipped.file.as_str(), skipped.lines), (file, 1));
    assert!(skipped.first.as_ref().is_some_and(|(line, message)| *line == 2 && message.contains(why)));
    let store = &bundle.store;
    let points: usize = store.series.iter().map(|series| series.points.len()).sum();
    let kept = bundle.alerts.len() + store.changes.len() + store.logs.len() + store.spans.len() + points;
    assert_eq!(kept, if file == "metrics.jsonl" { 1 } else { 2 }, "two equal points are one");
}

#[test]
fn an_absurd_time_names_its_line_and_leniently_loses_the_record_alone() {
    let root = tempdir().unwrap();
    let record = |nanos: &str| format!(r#"{{"timeUnixNano":"{nanos}"}}"#);
    let line = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{},{}]}}]}}]}}"#,
        record(&nanos(1).to_string()),
        record("9000000000000000000")
    );
    let path = bundle_with(root.path(), "logs.jsonl", line.as_bytes());
    let message = strict(&path).unwrap_err().to_string();
    assert!(message.contains("logs.jsonl, line 1: holds 1 times before 2000 or after 2100"), "{message}");
    let bundle = lenient(&path).unwrap();
    assert_eq!((bundle.store.logs.len(), bundle.skipped[0].dropped.items()), (1, 1));
    let sources = bundle.sources();
    assert_eq!(sources.logs.len(), 1);
}

#[rstest]
#[case("", "EOF")]
#[case("{}", "missing field `format`")]
#[case(
    r#"{"format":"quell.bundle/9","window":{"start":"2024-01-01T00:00:00Z","end":"2024-01-01T01:00:00Z"}}"#,
    "quell.bundle/9"
)]
#[case(
    r#"{"format":"quell.bundle/1","window":{"start":"2024-01-01T02:00:00Z","end":"2024-01-01T01:00:00Z"}}"#,
    "does not start before its end"
)]
#[case(
    r#"{"format":"quell.bundle/1","window":{"start":"1824-01-01T02:00:00Z","end":"2024-01-01T01:00:00Z"}}"#,
    "before 2000"
)]
fn a_bad_manifest_is_an_error_even_leniently(#[case] manifest: &str, #[case] why: &str) {
    let root = tempdir().unwrap();
    let path = bundle_with(root.path(), "manifest.json", manifest.as_bytes());
    for message in [strict(&path), lenient(&path)].map(|result| result.unwrap_err().to_string()) {
        assert!(message.contains("manifest.json") && message.contains(why), "{message}");
    }
}

#[rstest]
#[case(r#"{"caller":"a"}"#, "topology.json, line 1: ")]
#[case("[\n{\"caller\":\"a\"}]", "topology.json, line 2: ")]
#[case(r#"[{"caller":"a","callee":""}]"#, "without a caller or a callee")]
fn a_bad_topology_is_an_error(#[case] topology: &str, #[case] why: &str) {
    let root = tempdir().unwrap();
    let path = bundle_with(root.path(), "topology.json", topology.as_bytes());
    let message = strict(&path).unwrap_err().to_string();
    assert!(message.contains(why), "{message}");
}

#[test]
fn what_is_not_a_bundle_is_said_to_be_none() {
    let root = tempdir().unwrap();
    let empty = write(root.path(), "empty", &[]);
    assert!(matches!(strict(&empty), Err(Error::NotABundle { .. })));
    let file = root.path().join("notes.txt");
    std::fs::write(&file, "x").unwrap();
    assert!(matches!(strict(&file), Err(Error::NotABundle { .. })));
    assert!(matches!(strict(&root.path().join("nowhere")), Err(Error::Io { .. })));
}

#[test]
fn two_files_for_one_signal_are_an_error() {
    let root = tempdir().unwrap();
    let files = [("logs.jsonl", &b""[..]), ("logs.jsonl.gz", &gzip(b""))];
    let message = strict(&write(root.path(), "b", &files)).unwrap_err().to_string();
    assert!(message.contains("keep one of them"), "{message}");
}
