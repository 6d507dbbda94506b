use std::path::Path;

use serde_json::Value;

use super::program::quell;

const MANIFEST: &str = r#"{"format":"quell.bundle/1","name":"n","window":{"start":"2024-01-01T00:00:00Z","end":"2024-01-01T01:00:00Z"}}"#;
const ALERT: &str =
    r#"{"status":"firing","labels":{"alertname":"Slow","service":"web"},"startsAt":"2024-01-01T00:40:00Z"}"#;

/// One case where nothing is wrong, and one that cannot be opened.
fn dataset(folder: &Path) {
    for (case, alert) in [("calm", ALERT), ("torn", "{")] {
        let bundle = folder.join(case);
        std::fs::create_dir_all(&bundle).unwrap();
        std::fs::write(bundle.join("manifest.json"), MANIFEST).unwrap();
        std::fs::write(bundle.join("alerts.jsonl"), alert).unwrap();
    }
    let labels = r#"{"calm": {"healthy": true}, "torn": {"service": "web"}}"#;
    std::fs::write(folder.join("labels.json"), labels).unwrap();
}

#[test]
fn a_run_is_one_document_with_stable_keys() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, keep, svg) =
        (folder.path().join("mine"), folder.path().join("kept"), folder.path().join("reliability.svg"));
    dataset(&mine);
    let (mine, keep) = (mine.to_str().unwrap(), keep.to_str().unwrap());
    let (code, out, err) = quell(&["bench", mine, "-o", "json", "--keep", keep]);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("mine: torn: no answer") && err.contains("alerts.jsonl, line 1"), "{err}");
    let document: Value = serde_json::from_str(&out).unwrap();
    let of = &document["datasets"][0];
    assert_eq!((&of["dataset"], &of["cases"], &of["noAnswer"]), (&"mine".into(), &2.into(), &1.into()));
    assert_eq!((&of["ac1"], &of["healthyRight"]), (&0.0.into(), &1.0.into()));
    assert!(of["intervals"]["ac1"]["high"].as_f64().unwrap() > 0.5, "one case proves nothing: {of}");
    assert_eq!(document["all"]["cases"], 2);
    let kept: Value =
        serde_json::from_slice(&std::fs::read(Path::new(keep).join("calm.json")).unwrap()).unwrap();
    assert!(kept["verdict"].is_string(), "as investigate -o json prints it: {kept}");
    let (_, names, _) = quell(&["bench", mine, "-o", "name"]);
    assert_eq!(names, "torn\n");
    let (code, _, err) = quell(&["bench", mine, "--svg", svg.to_str().unwrap()]);
    assert!(code == Some(1) && err.contains("no answer has a confidence"), "{err}");
    let (code, out, _) = quell(&["bench", mine, "--each-ablation", "-o", "md"]);
    assert!(code == Some(0) && out.contains("| topology |"), "{out}");
}

#[test]
fn a_figure_below_its_floor_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, floors) = (folder.path().join("mine"), folder.path().join("floors.json"));
    dataset(&mine);
    let (mine, floor) = (mine.to_str().unwrap(), floors.to_str().unwrap());
    std::fs::write(&floors, r#"{"mine": {"at_least": {"healthyRight": 1}}}"#).unwrap();
    assert_eq!(quell(&["bench", mine, "--floor", floor]).0, Some(0));
    std::fs::write(&floors, r#"{"mine": {"at_least": {"ac1": 0.5}}}"#).unwrap();
    let (code, _, err) = quell(&["bench", mine, "--floor", floor, "--quiet"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("below the floor: mine: ac1 is 0; it has to be at least 0.5"), "{err}");
}

#[test]
fn what_cannot_be_measured_is_said_before_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    dataset(&mine);
    let path = mine.to_str().unwrap();
    for (args, why) in [
        (vec!["bench", folder.path().to_str().unwrap()], "labels.json"),
        (vec!["bench", path, "--drop", "10"], "10% or 0.1"),
        (vec!["bench", path, "--ablate", "smells"], "none of metrics, logs, traces, changes, topology"),
        (vec!["bench", path, path], "two datasets are named mine"),
        (vec!["bench", path, "--shift-onset", "NaN"], "--shift-onset"),
        (vec!["bench"], "DIR"),
    ] {
        let (code, _, err) = quell(&args);
        assert!(code == Some(2) && err.contains(why), "{args:?}: {code:?} {err}");
    }
    let out = folder.path().join("table.json");
    let (code, _, err) = quell(&["calibrate", path, "--out", out.to_str().unwrap()]);
    assert!(code == Some(1) && err.contains("too few to fit") && !out.exists(), "{err}");
}
