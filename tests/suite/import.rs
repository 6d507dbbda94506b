//! Other people's runbooks, as they are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use quell::runbook::{
    Library,
    import::{self, Class},
    parse,
};

use super::{absent, authored, program::quell};

fn corpora() -> PathBuf {
    let shared = std::env::var_os("QUELL_SHARED").map(PathBuf::from);
    shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")).join("corpora")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Share of files that give something to look at or to do; helper pages do not count.
fn share(dir: &Path) -> (usize, usize, Vec<String>) {
    let (library, findings) = Library::load(&[dir.to_owned()], false);
    assert!(findings.iter().all(|finding| !finding.is_error()), "{findings:?}");
    let useful =
        |runbook: &quell::runbook::Runbook| runbook.imported.as_ref().is_some_and(|given| given.is_useful());
    let empty =
        library.runbooks().iter().filter(|runbook| !useful(runbook)).map(|runbook| runbook.file.clone());
    let empty: Vec<String> = empty.collect();
    (library.runbooks().len() - empty.len(), library.runbooks().len(), empty)
}

#[test]
fn well_known_collections_give_a_diagnosis_or_a_mitigation() {
    for (name, least, size) in [("prometheus-operator", 0.96, 100), ("scoutflo", 0.96, 40)] {
        let dir = corpora().join("runbooks").join(name);
        if !dir.is_dir() {
            absent(&dir);
            continue;
        }
        let (useful, all, empty) = share(&dir);
        assert!(all >= size, "{name}: only {all} files");
        let part = useful as f64 / all as f64;
        assert!(part >= least, "{name}: {useful} of {all}: {empty:?}");
        println!("{name}: {useful} of {all} ({:.1} %)", part * 100.0);
    }
}

#[test]
fn every_runbook_of_the_collections_renders_into_the_native_format() {
    let dir = corpora().join("runbooks");
    if !dir.is_dir() {
        return absent(&dir);
    }
    let (library, _) = Library::load(&[dir], false);
    let (mut queries, mut commands, mut steps) = (0, 0, 0);
    for runbook in library.runbooks() {
        let given = runbook.imported.as_ref().unwrap();

        queries += given.checks.iter().filter(|check| check.language.as_str() == "promql").count();
        commands += given.checks.iter().filter(|check| check.language.as_str() == "sh").count();
        steps += given.steps.iter().filter(|step| step.effect.class == Class::Mutating).count();
        for check in given.checks.iter().filter(|check| check.language.as_str() == "sh") {
            let written = check.query.written();
            for verb in ["delete", "edit", "patch", "defrag", "scale", "restart", "drain", "apply", "rm "] {
                assert!(!written.contains(&format!(" {verb} ")), "{}: {written}", runbook.file);
            }
        }
        let text = import::render(runbook).unwrap();
        let (native, findings) = parse(&runbook.file, &text);
        assert!(native.is_some(), "{}: {findings:?}\n{text}", runbook.file);
    }
    println!("{queries} queries, {commands} read-only commands, {steps} mutating steps");
    assert!(queries >= 10 && commands >= 40 && steps >= 5, "{queries} {commands} {steps}");
}

#[test]
fn no_file_of_any_kind_is_too_much() {
    let dir = corpora();
    if !dir.is_dir() {
        return absent(&dir);
    }
    let mut all = Vec::new();
    files(&dir, &mut all);
    assert!(all.len() > 200);
    for path in all {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let file = path.display().to_string();
        let (runbook, findings) = import::import(&file, &text, None);
        assert!(runbook.is_some() || findings.iter().any(|finding| finding.is_error()), "{file}");
        import::read_catalogue(&text);
    }
}

const PLAIN: &str = "# WorkersStuck\n\n## Diagnosis\n\nCheck `kubectl -n <namespace> get pods`.\n\n## Mitigation\n\n\
    ```sh\nkubectl -n <namespace> rollout restart deployment/\u{1b}[31mworker\nkubectl -n $NAMESPACE rollout undo deployment/worker\n```\n";

#[test]
fn the_command_shows_what_a_file_gives_and_writes_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("WorkersStuck.md");
    fs::write(&file, PLAIN).unwrap();
    let file = file.to_str().unwrap();
    let (code, out, err) = quell(&["runbook", "import", file]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("workersstuck") && out.contains("rollout undo") && !out.contains('\u{1b}'), "{out}");
    assert!(out.contains("read-only") && out.contains("low"), "{out}");

    let written = dir.path().join("native");
    let (code, out, err) =
        quell(&["runbook", "import", file, "-o", "json", "--out", written.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out}{err}");
    let values: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(values[0]["id"], "workersstuck");
    assert_eq!(values[0]["steps"][1]["class"], "mutating");
    assert_eq!(values[0]["steps"][1]["action"], "rollback_code");
    assert_eq!(values[0]["variables"][0]["name"], "namespace");
    let native = written.join("workersstuck.md");
    let (code, out, err) = quell(&["runbook", "lint", native.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out}{err}");
    let (code, _, err) = quell(&["runbook", "import", file, "--out", written.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("is there already"), "{err}");
}

#[test]
fn what_cannot_be_imported_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let (code, _, err) = quell(&["runbook", "import", empty.to_str().unwrap()]);
    assert_eq!(code, Some(5), "{err}");
    let (code, _, err) = quell(&["runbook", "import", dir.path().join("missing.md").to_str().unwrap()]);
    assert_eq!(code, Some(1), "{err}");
    fs::write(dir.path().join("WorkersStuck.md"), PLAIN).unwrap();
    fs::write(dir.path().join("binary.md"), [0_u8, 159, 146]).unwrap();
    let (code, out, err) = quell(&["runbook", "import", dir.path().to_str().unwrap(), "-o", "name"]);
    assert_eq!((code, out.as_str()), (Some(4), "workersstuck\n"), "{err}");
    assert_eq!(quell(&["runbook", "import"]).0, Some(2));
}

const CALLED: &str = "# SlowCheckout\n\n## Diagnosis\n\nThe number of waiting requests should be less than 5. Ask for it:\n\n\
    ```promql\ndb_client_connections_pending_requests\n```\n\n## Mitigation\n\nRestart what hangs:\n\n\
    ```sh\nkubectl -n <queue> rollout restart deployment/$SERVICE\n```\n\nThen mend it by force:\n\n```sh\nfrobctl mend $SERVICE\n```\n";

#[test]
fn the_runbook_of_an_alert_gives_evidence_and_ways_to_recover() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, runbooks) = (folder.path().join("bundle"), folder.path().join("own"));
    fs::create_dir_all(&bundle).unwrap();
    fs::create_dir_all(&runbooks).unwrap();
    authored::slow_database(&bundle);
    fs::write(runbooks.join("SlowCheckout.md"), CALLED).unwrap();
    let (bundle, runbooks) = (bundle.to_str().unwrap(), runbooks.to_str().unwrap());
    let answer = |more: &[&str]| {
        let words = [&["investigate", "--bundle", bundle, "-o", "json"], more].concat();
        let (_, out, err) = quell(&words);
        serde_json::from_str::<serde_json::Value>(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    };
    let (with, without) = (answer(&["--runbooks", runbooks]), answer(&[]));

    let list = |answer: &serde_json::Value, name: &str| answer[name].as_array().unwrap().clone();
    let evidence = list(&with, "evidence");
    let ours =
        evidence.iter().find(|e| e["summary"].as_str().unwrap().starts_with("runbook slowcheckout")).unwrap();
    let summary = ours["summary"].as_str().unwrap();
    assert!(
        summary.contains("text says: The number of waiting requests should be less than 5 (< 5: it is not)"),
        "{summary}"
    );
    let id = ours["id"].as_str().unwrap();
    assert_eq!(evidence.iter().filter(|e| e["id"] == id).count(), 1);
    for (with, without) in list(&with, "hypotheses").iter().zip(list(&without, "hypotheses")) {
        assert_eq!(with["claim"], without["claim"]);
        assert_eq!(with["probability"], without["probability"], "a plain runbook is no argument");
    }
    let (code, out, err) = quell(&["query", "--bundle", bundle, "--runbooks", runbooks, id]);
    assert_eq!(code, Some(0), "{out}{err}");

    let paths = list(&with, "recoveryPaths");
    let last: Vec<&serde_json::Value> = paths.iter().rev().take(2).collect();
    let command = |path: &serde_json::Value| {
        let steps = path["steps"].as_array().unwrap();
        steps.iter().map(|step| step["command"].as_str().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    };
    let told = format!("{}\n{}", command(last[0]), command(last[1]));
    // one variable has no value, so none is filled in
    assert!(told.contains("kubectl -n <queue> rollout restart deployment/<service>"), "{told}");
    assert!(told.contains("frobctl mend web"), "{told}");
    assert!(!paths.iter().rev().skip(2).any(|path| path["runbook"] == "slowcheckout"), "{paths:?}");
    assert_eq!(paths.len(), list(&without, "recoveryPaths").len() + 2);
}
