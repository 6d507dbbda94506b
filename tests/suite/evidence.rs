//! Every number that a person sees comes from a query that they can run: the queries of all evidence are run
//! again, and give what the evidence states.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use quell::{
    bundle::{self, Bundle},
    domain::{Evidence, Investigation, Language},
    investigation::{Request, investigate},
    query::{self, Figure, Repeat},
    runbook::Library,
};
use tokio_util::sync::CancellationToken;

use super::authored;

/// What is counted or measured by one query; the rest (shares, weights, what was expected) is computed from
/// several.
const TOLD: [&str; 14] = [
    "baseline",
    "observed",
    "normal median",
    "worst sample",
    "highest",
    "count",
    "calls",
    "executions",
    "requests",
    "normal requests",
    "errors that begin here",
    "lines with its name",
    "restarts",
    "lowest",
];

pub(super) async fn answer(bundle: &Bundle) -> Investigation {
    let first = bundle.alerts.first().unwrap();
    let request = Request {
        id: "inv_test".into(),
        service: first.labels.get("service").cloned().unwrap_or_default(),
        alerts: bundle.alerts.clone(),
        at: first.starts_at,
        window: bundle.manifest.window,
        budget: Duration::from_secs(300),
        onset_shift: jiff::SignedDuration::ZERO,
    };
    let (library, _) = Library::load(&[], true);
    let emit = Arc::new(|_| {});
    let sources = bundle.sources();
    Box::pin(investigate(request, sources, Arc::new(library), emit, CancellationToken::new())).await
}

/// What of a piece of evidence its query does not bear out.
fn wrong(evidence: &Evidence, repeat: &Repeat) -> Vec<String> {
    let told: Vec<&Figure> = repeat.figures.iter().filter(|figure| figure.found.is_some()).collect();
    let mut wrong = Vec::new();
    if told.is_empty() {
        wrong.push(format!("none of {:?} can be seen", evidence.numbers));
    }
    // Calls that failed are counted among calls that another query gives.
    let of_failures = evidence.numbers.iter().any(|number| number.name == "errors that begin here");
    for figure in &repeat.figures {
        let is_right = match figure.found {
            Some(found) => (found - figure.stated).abs() <= 1e-6 * figure.stated.abs().max(1e-6),
            None => !TOLD.contains(&figure.name.as_str()) || (of_failures && figure.name == "calls"),
        };
        if !is_right {
            wrong.push(format!("{figure:?}"));
        }
    }
    // What was measured in the incident has to be there to be seen.
    let of_incident = told.iter().any(|figure| figure.stated != 0.0);
    if of_incident && repeat.replies.iter().all(|reply| reply.data.is_empty()) {
        wrong.push("nothing is found".to_owned());
    }
    wrong
}

/// Runs the query of every piece of evidence and holds it to what it states. Returns the evidence, and what is
/// wrong with it.
pub(super) async fn hold(path: &Path) -> (Vec<Evidence>, Vec<String>) {
    let options = bundle::Options { lenient: true, ..bundle::Options::default() };
    let bundle = bundle::open(path, options).unwrap();
    let sources = bundle.sources();
    let found = answer(&bundle).await;
    let mut wrongs = Vec::new();
    for evidence in &found.evidence {
        assert!(evidence.divided_at.is_some(), "{}", evidence.id);
        let place = format!("{} {}: {}", path.display(), evidence.id, evidence.query);
        if let Err(error) = query::check(evidence.language, &evidence.query) {
            panic!("{place}: {error}");
        }
        let repeat = query::repeat(&sources, evidence, found.onset).await;
        let repeat = repeat.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(repeat.figures.len(), evidence.numbers.len(), "{place}");
        wrongs.extend(wrong(evidence, &repeat).into_iter().map(|wrong| format!("{place}: {wrong}")));
    }
    (found.evidence, wrongs)
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_an_authored_incident_can_be_run_and_gives_what_it_states() {
    let folder = tempfile::tempdir().unwrap();
    authored::slow_database(folder.path());
    let (evidence, wrongs) = hold(folder.path()).await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    for language in [Language::Promql, Language::Logql, Language::Traceql] {
        assert!(evidence.iter().any(|evidence| evidence.language == language), "{language:?}: {evidence:#?}");
    }
}

/// Recorded incidents of each kind, and healthy recordings, whose answer has no onset.
const CASES: [&str; 13] = [
    "rootcausebench/rcb-001",
    "rootcausebench/rcb-010",
    "rootcausebench/rcb-020",
    "nezha-tt/nezha-tt-001",
    "nezha-tt/nezha-tt-002",
    "nezha-tt/nezha-tt-014",
    "nezha-ob/nezha-ob-024",
    "nezha-ob/nezha-ob-031",
    "petshop/petshop-001",
    "petshop/petshop-044",
    "healthy/healthy-001",
    "healthy/healthy-002",
    "healthy/healthy-003",
];

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_recorded_incidents_can_be_run_and_gives_what_it_states() {
    let root = std::env::var_os("QUELL_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")).join("bench");
    let mut wrongs = Vec::new();
    for case in CASES {
        let path = root.join(case);
        if path.is_dir() {
            let (evidence, wrong) = hold(&path).await;
            // A healthy recording may show nothing at all.
            assert!(!evidence.is_empty() || case.starts_with("healthy"), "{case}");
            wrongs.extend(wrong);
        } else {
            super::absent(&path);
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
