use std::collections::BTreeSet;

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks")
}

fn native(id: &str, title: &str) -> String {
    format!(
        "---\nquell: 1\nid: {id}\nmatch: {{ alerts: [X] }}\nhypotheses:\n  errors:\n    claim: It fails.\n    steps: [call]\n\
         steps:\n  call: {{ action: escalate, risk: none, reversible: true, blast: pod, eta: 1m }}\n---\n# {title}\n\n\
         ## Meaning\n\nx\n\n## Impact\n\nx\n\n## Diagnosis\n\nx\n\n## Mitigation\n\n```text {{\"step\":\"call\"}}\ncall them\n```\n"
    )
}

#[test]
fn every_shipped_runbook_is_embedded_and_nothing_else() {
    let on_disk: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != "README.md")
        .map(|name| format!("runbooks/{name}"))
        .collect();
    let embedded: BTreeSet<String> = EMBEDDED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(embedded, on_disk);
}

#[test]
fn shipped_runbooks_have_no_findings() {
    let (library, findings) = Library::load(&[], true);
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert_eq!(library.runbooks().len(), EMBEDDED.len());
}

#[test]
fn shipped_runbooks_are_named_after_their_files_and_speak_of_fault_classes() {
    let library = Library::embedded();
    for runbook in library.runbooks() {
        assert_eq!(runbook.file, format!("runbooks/{}.md", runbook.id));
        assert!(runbook.hypotheses.len() >= 2, "{} has no rival hypotheses", runbook.id);
        for hypothesis in &runbook.hypotheses {
            assert!(hypothesis.fault.is_some(), "{}: {}", runbook.id, hypothesis.key);
            assert!(!hypothesis.expects.is_empty() && !hypothesis.steps.is_empty(), "{}", runbook.id);
        }
        let languages: BTreeSet<_> = runbook.checks.values().map(|check| check.language.as_str()).collect();
        assert!(languages.len() >= 2, "{} asks only {languages:?}", runbook.id);
    }
}

#[test]
fn the_catalogue_is_true() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows: Vec<&str> = readme.lines().filter(|line| line.starts_with("| [")).collect();
    let library = Library::embedded();
    let wanted: Vec<String> = library.runbooks().iter().map(|runbook| row(runbook)).collect();
    assert_eq!(rows, wanted, "the catalogue should read:\n{}", wanted.join("\n"));
}

fn row(runbook: &Runbook) -> String {
    let faults: Vec<_> = runbook.hypotheses.iter().map(|hypothesis| hypothesis.key.as_str()).collect();
    let alerts = runbook.match_rules.alerts.iter().filter(|pattern| pattern.is_exact());
    let alerts: Vec<_> = alerts.map(|pattern| pattern.as_str()).take(4).collect();
    let Runbook { id, title, .. } = runbook;
    format!("| [{id}]({id}.md) | {title} | {} | {} |", faults.join(", "), alerts.join(", "))
}

#[test]
fn the_catalogue_names_every_action() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for action in crate::domain::Action::ALL {
        assert!(readme.contains(&format!("| `{}` |", action.as_str())), "{}", action.as_str());
    }
}

#[test]
fn folders_are_read_and_take_the_place_of_shipped_ones() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("own.md", &native("own", "Our own"));
    write("deep/slow.md", &native("slow-query", "Our slow query"));
    write("README.md", "not a runbook");
    write(".hidden/x.md", &native("hidden", "Hidden"));
    write("plain.md", "# HighCpu\n\n## Diagnosis\n\nlook\n");
    fs::write(dir.path().join("binary.md"), [0xff, 0xfe, 0x00]).unwrap();
    let (library, findings) = Library::load(&[dir.path().to_owned()], true);
    assert_eq!(library.get("own").unwrap().title, "Our own");
    assert_eq!(library.get("slow-query").unwrap().title, "Our slow query");
    assert_eq!(library.runbooks().len(), EMBEDDED.len() + 2);
    assert!(library.get("highcpu").unwrap().imported.is_some());
    assert!(library.get("hidden").is_none());
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["RB032", "RB035"]);
    assert!(findings[1].to_string().contains("plain.md: warning RB035: a plain file"), "{}", findings[1]);
}

#[test]
fn two_files_of_one_id_are_said() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.md"), native("same", "One")).unwrap();
    fs::write(dir.path().join("b.md"), native("same", "Two")).unwrap();
    let (library, findings) = Library::load(&[dir.path().to_owned()], false);
    assert_eq!(library.get("same").unwrap().title, "Two");
    assert!(findings[0].message.contains("id `same` is that of"), "{findings:?}");
    let (none, findings) = Library::load(&[dir.path().join("missing")], false);
    assert!(none.runbooks().is_empty() && findings[0].message.contains("cannot be read"));
}

#[test]
fn a_fault_finds_what_is_about_it_first() {
    let library = Library::embedded();
    let about: Vec<_> = library.about(FaultClass::PoolExhaustion).iter().map(|r| r.id.as_str()).collect();
    assert_eq!(about.first(), Some(&"pool-exhaustion"));
    assert!(about.contains(&"latency"));
}
