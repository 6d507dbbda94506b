use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use quell::{
    bench::{self, Answered, Dataset, Floors, Options, Report},
    domain::Investigation,
    runbook::Library,
};

const DATASETS: [&str; 5] = ["nezha-ob", "nezha-tt", "petshop", "rootcausebench", "healthy"];

/// Labelled incidents that nobody here made, if they are at hand.
fn datasets() -> Vec<PathBuf> {
    let root = std::env::var_os("QUELL_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"))
        .join("bench");
    let there: Vec<PathBuf> = DATASETS
        .iter()
        .map(|name| root.join(name))
        .filter(|path| path.join("labels.json").is_file())
        .collect();
    for name in DATASETS.iter().filter(|name| !there.contains(&root.join(name))) {
        super::absent(&root.join(name));
    }
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn accuracy_stays_above_its_floors() {
    let floors = Floors::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/floors.json")).unwrap();
    assert!(DATASETS.iter().all(|name| floors.knows(name)));
    let library = Arc::new(Library::embedded());
    // An unoptimised build on a busy machine is slow, which is not what is measured here.
    let options = Options { jobs: 2, budget: Duration::from_secs(600), ..Options::default() };
    let mut reports = Vec::new();
    for path in datasets() {
        let dataset = Dataset::open(&path).unwrap();
        let mut nobody = |_: &Answered, _: Option<&Investigation>| {};
        let answers = bench::run(&dataset, &options, &library, &mut nobody).await;
        let report = Report::of(&dataset, &answers).unwrap();
        let figures = &report.figures;
        let shown = ["ac1", "avg5", "brier", "ece", "commit", "healthyRight", "secondsMedian"].map(|key| {
            format!(
                "{key}={}",
                figures.get(key).map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
            )
        });
        println!("{}: {} cases, {}", report.dataset, figures.cases, shown.join(" "));
        assert_eq!(report.failures().collect::<Vec<_>>(), []);
        reports.push(report);
    }
    let all = Report::pooled(&reports);
    let mut breaches = floors.breaches(&reports);
    if floors.knows(&all.dataset) && reports.len() == DATASETS.len() {
        breaches.extend(floors.breaches(std::slice::from_ref(&all)));
    }
    let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(breaches.is_empty(), "below the floor:\n  {}", breaches.join("\n  "));
}
