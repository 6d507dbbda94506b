use quell_sdk::{
    Completeness,
    signal::{AlertStatus, ChangeKind},
    source::LogsQuery,
};
use tempfile::tempdir;

use super::*;
use crate::domain::SignalKind;

const ALERTS: &str = concat!(
    r#"{"labels":{"alertname":"SloBurn","service":"cart"},"startsAt":"2024-01-01T00:30:00Z","endsAt":"0001-01-01T00:00:00Z","future":1}"#,
    "\n\n",
    r#"{"source":"grafana","status":"resolved","startsAt":"2024-01-01T01:30:00+01:00","endsAt":"2024-01-01T00:45:00Z","generatorUrl":"http://x"}"#,
    "\r\n"
);
const CHANGES: &str = concat!(
    r#"{"kind":"deploy","id":"d1","service":"cart","at":"2024-01-01T00:20:00+00:00","versionFrom":"1","versionTo":"2","commits":["abc"],"unknown":{}}"#,
    "\n",
    r#"{"kind":"commit","id":"abc","at":"2024-01-01T01:10:00+01:00","files":[{"path":"a/b.rs"},{"path":"c.rs"}],"patch":"@@"}"#
);
const TOPOLOGY: &str = r#"[{"caller":"web","callee":"cart"},{"caller":"web","callee":"cart"}]"#;

fn telemetry() -> [String; 3] {
    [
        format!("{}\n{}\n", metric_line("cart", 60, 2.0), metric_line("cart", 0, 1.0)),
        format!("{}\n{}\n", log_line("cart", 9, "late"), log_line("cart", 5, "early")),
        format!("{}\n{}\n", span_line("cart", 2, 1, 4), span_line("web", 1, 0, 3)),
    ]
}

fn check(bundle: &Bundle) {
    assert_eq!(bundle.manifest.name, "night");
    assert_eq!(bundle.manifest.window.start.to_string(), "2024-01-01T00:00:00Z");
    assert!(bundle.skipped.is_empty());

    let [first, second] = bundle.alerts.as_slice() else { panic!("{:?}", bundle.alerts) };
    assert_eq!(
        (first.source.as_str(), first.status, first.name()),
        ("bundle", AlertStatus::Firing, "SloBurn")
    );
    assert_eq!(first.ends_at, None);
    assert_eq!((second.source.as_str(), second.status), ("grafana", AlertStatus::Resolved));
    assert_eq!(second.starts_at, first.starts_at, "offsets are told apart");

    let [commit, deploy] = bundle.store.changes.as_slice() else { panic!("{:?}", bundle.store.changes) };
    assert_eq!(
        (commit.kind, commit.files.as_slice()),
        (ChangeKind::Commit, &["a/b.rs".to_owned(), "c.rs".to_owned()][..])
    );
    assert_eq!((deploy.version_from.as_str(), deploy.version_to.as_str()), ("1", "2"));

    assert_eq!(bundle.store.edges.len(), 1);
    let series = &bundle.store.series[0];
    assert_eq!((series.name.as_str(), series.service()), ("cpu_load", "cart"));
    assert_eq!(series.points.iter().map(|point| point.value).collect::<Vec<_>>(), [1.0, 2.0]);
    assert_eq!(bundle.store.logs.iter().map(|record| &*record.body).collect::<Vec<_>>(), ["early", "late"]);
    assert_eq!(bundle.store.spans.iter().map(|span| &*span.service).collect::<Vec<_>>(), ["web", "cart"]);
}

#[test]
fn all_packings_hold_the_same() {
    let root = tempdir().unwrap();
    let [metrics, logs, traces] = telemetry();
    let (metrics, logs, traces) = (metrics.as_bytes(), logs.as_bytes(), traces.as_bytes());
    let common = [
        ("manifest.json", MANIFEST.as_bytes()),
        ("alerts.jsonl", ALERTS.as_bytes()),
        ("changes.jsonl", CHANGES.as_bytes()),
        ("topology.json", TOPOLOGY.as_bytes()),
    ];
    let plain =
        [&common[..], &[("metrics.jsonl", metrics), ("logs.jsonl", logs), ("traces.jsonl", traces)]].concat();
    check(&strict(&write(root.path(), "plain", &plain)).unwrap());

    // Several frames, as appending writers make them, with one that is to be skipped between.
    let (zipped, zipped_logs) = (gzip(traces), gzip(logs));
    let (first, second) = metrics.split_at(metrics.len() / 2);
    let frames = [zstd(first), vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], zstd(second)].concat();
    let squeezed = [
        &common[..],
        &[("metrics.jsonl.zst", &frames[..]), ("logs.jsonl.gz", &zipped_logs), ("traces.jsonl.gz", &zipped)],
    ]
    .concat();
    check(&strict(&write(root.path(), "squeezed", &squeezed)).unwrap());

    let flat = root.path().join("flat.tar.zst");
    std::fs::write(&flat, packed(&squeezed)).unwrap();
    check(&strict(&flat).unwrap());
    let nested: Vec<_> = plain.iter().map(|(name, bytes)| (format!("night/{name}"), *bytes)).collect();
    let nested: Vec<_> = nested.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let path = root.path().join("nested.tar.zst");
    std::fs::write(&path, packed(&nested)).unwrap();
    check(&strict(&path).unwrap());
}

#[test]
fn what_a_collector_wrote_is_a_bundle() {
    let root = tempdir().unwrap();
    let [metrics, ..] = telemetry();
    let bundle = strict(&write(root.path(), "collected", &[("metrics.jsonl", metrics.as_bytes())])).unwrap();
    assert_eq!(bundle.manifest.name, "collected");
    let window = bundle.manifest.window;
    assert!(window.contains(nanos(0)) && window.contains(nanos(60)) && !window.contains(nanos(61)));
}

#[tokio::test]
async fn missing_files_are_blind_spots_and_empty_ones_are_not() {
    let root = tempdir().unwrap();
    let path = write(
        root.path(),
        "b",
        &[("manifest.json", MANIFEST.as_bytes()), ("logs.jsonl", b""), ("topology.json", b"")],
    );
    let bundle = strict(&path).unwrap();
    assert_eq!(bundle.recorded, Recorded { logs: true, topology: true, ..Recorded::default() });
    let sources = bundle.sources();
    let absent: Vec<_> = sources.absent.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(absent, [SignalKind::Metrics, SignalKind::Traces, SignalKind::Changes]);
    assert!(sources.metrics.is_empty() && sources.traces.is_empty() && sources.changes.is_empty());
    let query = LogsQuery { services: Vec::new(), window: bundle.manifest.window, limit: 9 };
    let answer = sources.logs[0].logs(&query).await.unwrap();
    assert_eq!((answer.data.len(), answer.completeness), (0, Completeness::Full));
}

#[tokio::test]
async fn the_reference_beside_it_comes_along() {
    let root = tempdir().unwrap();
    let manifest = MANIFEST.replace("\"name\"", "\"reference\":\"../_reference/monday\",\"name\"");
    let logs = log_line("cart", 1, "healthy");
    write(
        root.path(),
        "_reference/monday",
        &[("manifest.json", manifest.as_bytes()), ("logs.jsonl", logs.as_bytes())],
    );
    let path = write(root.path(), "case", &[("manifest.json", manifest.as_bytes())]);
    let packed_path = root.path().join("packed.tar.zst");
    std::fs::write(&packed_path, packed(&[("manifest.json", manifest.as_bytes())])).unwrap();
    for path in [path, packed_path] {
        let bundle = strict(&path).unwrap();
        let reference = bundle.reference.as_ref().unwrap();
        assert_eq!(reference.store.logs.len(), 1);
        assert!(reference.reference.is_none(), "a reference's own reference is not followed");
        let sources = bundle.sources().reference.unwrap();
        assert_eq!((sources.window, sources.sources.logs.len()), (reference.manifest.window, 1));
    }
}

#[test]
fn logs_without_a_time_take_that_of_their_span() {
    let root = tempdir().unwrap();
    let line = |span: &str| {
        format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"-6795364578871346000","traceId":"a1","spanId":"{span}","body":{{"stringValue":"x"}}}}]}}]}}]}}"#
        )
    };
    let (logs, spans) = (format!("{}\n{}\n", line("2"), line("77")), span_line("cart", 2, 1, 4));
    let files = [
        ("manifest.json", MANIFEST.as_bytes()),
        ("logs.jsonl", logs.as_bytes()),
        ("traces.jsonl", spans.as_bytes()),
    ];
    let bundle = strict(&write(root.path(), "b", &files)).unwrap();
    assert_eq!(bundle.store.logs.iter().map(|record| record.at).collect::<Vec<_>>(), [nanos(5)]);
    assert_eq!(bundle.skipped.len(), 1);
    assert_eq!(bundle.skipped[0].dropped.to_string(), "1 no_time, 1 time_of_span");
    assert_eq!(bundle.skipped[0].dropped.items(), 1);
}
