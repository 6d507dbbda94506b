//! Every number that a person sees comes from a query that they can run: the queries of all evidence are run
//! again, and give what the evidence states.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use quell::{
    bundle::{self, Bundle},
    domain::{Evidence, Investigation, Language, SignalKind},
    investigation::{Request, investigate},
    query::{self, Figure},
    runbook::Library,
};
use tokio_util::sync::CancellationToken;

use super::authored;

/// What is counted or measured by one query; the rest (shares, weights, what was expected) is computed from
/// several.
const TOLD: [&str; 7] =
    ["baseline", "observed", "count", "calls", "executions", "requests", "errors that begin here"];

async fn answer(bundle: &Bundle) -> Investigation {
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

/// Runs the query of every piece of evidence and holds it to what it states. Returns the evidence.
async fn hold(path: &Path) -> Vec<Evidence> {
    let options = bundle::Options { lenient: true, ..bundle::Options::default() };
    let bundle = bundle::open(path, options).unwrap();
    let sources = bundle.sources();
    let found = answer(&bundle).await;
    assert!(!found.evidence.is_empty(), "{}", path.display());
    for evidence in &found.evidence {
        let place = format!("{} {}: {}", path.display(), evidence.id, evidence.query);
        if let Err(error) = query::check(evidence.language, &evidence.query) {
            panic!("{place}: {error}");
        }
        let repeat = query::repeat(&sources, evidence, found.onset).await;
        let repeat = repeat.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(repeat.figures.len(), evidence.numbers.len(), "{place}");
        let told: Vec<&Figure> = repeat.figures.iter().filter(|figure| figure.found.is_some()).collect();
        assert!(!told.is_empty(), "{place}: none of {:?} can be seen", evidence.numbers);
        for figure in &repeat.figures {
            let Some(found) = figure.found else {
                // How many requests were lost is told by another metric than the one that is quoted.
                let of_excess = evidence.signal == SignalKind::Metrics && figure.name == "requests";
                // Calls that failed are counted among calls that another query gives.
                let of_all = figure.name == "calls";
                assert!(!TOLD.contains(&figure.name.as_str()) || of_excess || of_all, "{place}: {figure:?}");
                continue;
            };
            let near = (found - figure.stated).abs() <= 1e-6 * figure.stated.abs().max(1e-6);
            assert!(near, "{place}: {figure:?}");
        }
        // What was measured in the incident has to be there to be seen.
        let of_incident = told.iter().any(|figure| figure.stated != 0.0);
        let something = repeat.replies.iter().any(|reply| !reply.data.is_empty());
        assert!(!of_incident || something, "{place}");
    }
    found.evidence
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_an_authored_incident_can_be_run_and_gives_what_it_states() {
    let folder = tempfile::tempdir().unwrap();
    authored::slow_database(folder.path());
    let evidence = hold(folder.path()).await;
    for language in [Language::Promql, Language::Logql, Language::Traceql] {
        assert!(evidence.iter().any(|evidence| evidence.language == language), "{language:?}: {evidence:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_recorded_incidents_can_be_run_and_gives_what_it_states() {
    let root = std::env::var_os("QUELL_SHARED").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")).join("bench");
    let cases =
        ["rootcausebench/rcb-001", "rootcausebench/rcb-020", "nezha-tt/nezha-tt-014", "petshop/petshop-001"];
    for case in cases {
        let path = root.join(case);
        if path.is_dir() {
            hold(&path).await;
        } else {
            println!("ABSENT: {}; set QUELL_SHARED", path.display());
        }
    }
}
