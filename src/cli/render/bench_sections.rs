//! The tables of a measurement.

use crate::{
    bench::{ByFault, Figures, Interval, Outcome, Report},
    cli::bench::Measured,
};

/// A table with a heading.
pub(super) struct Section {
    pub title: &'static str,
    pub heading: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Section {
    fn new(title: &'static str, heading: &[&str], rows: Vec<Vec<String>>) -> Option<Self> {
        let heading = heading.iter().map(|word| (*word).to_owned()).collect();
        (!rows.is_empty()).then_some(Self { title, heading, rows })
    }
}

/// A number with three digits behind the point, or a dash.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

/// A share with where it lies with 95 % confidence, e.g. `0.867 .70-.95`.
fn with_interval(share: f64, interval: Option<Interval>) -> String {
    let short = |value: f64| {
        let text = format!("{value:.2}");
        text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
    };
    interval.map_or_else(
        || format!("{share:.3}"),
        |interval| format!("{share:.3} {}-{}", short(interval.low), short(interval.high)),
    )
}

fn share(figures: &Figures, key: &str) -> String {
    figures
        .get(key)
        .map_or_else(|| "-".to_owned(), |value| with_interval(value, figures.intervals.get(key).copied()))
}

/// All sections of a run, those without cases left out.
pub(super) fn sections(measured: &Measured) -> Vec<Section> {
    let mut reports: Vec<&Report> = measured.datasets.iter().collect();
    if reports.len() > 1 {
        reports.push(&measured.all);
    }
    let rows = |cells: &dyn Fn(&Figures) -> Option<Vec<String>>| -> Vec<Vec<String>> {
        let row = |report: &&Report| {
            let mut row = vec![report.dataset.clone()];
            row.extend(cells(&report.figures)?);
            Some(row)
        };
        reports.iter().filter_map(row).collect()
    };
    let ranking = rows(&|figures| {
        let ranking = figures.ranking?;
        let [ac1, ac3, ac5] = ["ac1", "ac3", "ac5"].map(|key| share(figures, key));
        let (cases, none) = (figures.cases.to_string(), figures.no_answer.to_string());
        Some(vec![cases, none, ac1, ac3, ac5, number(Some(ranking.avg5)), number(Some(ranking.mrr))])
    });
    let confidence = rows(&|figures| {
        let confidence = figures.confidence?;
        Some(vec![
            number(Some(confidence.brier)),
            number(Some(confidence.ece)),
            number(Some(confidence.mean_confidence)),
            confidence.wrong_above90.to_string(),
        ])
    });
    let commits = rows(&|figures| {
        let commits = figures.commits?;
        Some(vec![
            share(figures, "commit"),
            commits.decoy_hits.to_string(),
            share(figures, "firstFailing"),
            number(Some(commits.blast_jaccard)),
            share(figures, "remediation"),
            number(Some(commits.graded)),
        ])
    });
    let healthy = rows(&|figures| figures.healthy_right.map(|_| vec![share(figures, "healthyRight")]));
    let retrieval = rows(&|figures| {
        figures.retrieval?;
        let keys = ["retrieval", "retrieval1", "retrieval3", "retrieval5", "rerank1"];
        Some(keys.map(|key| share(figures, key)).to_vec())
    });
    let seconds = rows(&|figures| {
        let seconds = figures.seconds?;
        Some(vec![number(Some(seconds.median)), number(Some(seconds.max))])
    });
    let first = "DATASET";
    [
        Section::new(
            "Ranking",
            &[first, "CASES", "NO ANSWER", "AC@1", "AC@3", "AC@5", "AVG@5", "MRR"],
            ranking,
        ),
        Section::new("Confidence", &[first, "BRIER", "ECE", "SAID", "WRONG ABOVE 0.9"], confidence),
        Section::new(
            "Commits",
            &[first, "COMMIT", "DECOYS", "FIRST FAILING", "BLAST", "REMEDIATION", "GRADED"],
            commits,
        ),
        Section::new("Nothing wrong", &[first, "RIGHT"], healthy),
        Section::new(
            "Proposed, and ranked once proposed",
            &[first, "PROPOSED", "IN 1", "IN 3", "IN 5", "RERANK@1"],
            retrieval,
        ),
        Section::new("Seconds per case, loading included", &[first, "MEDIAN", "MAX"], seconds),
        by_fault(&measured.datasets),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn by_fault(reports: &[Report]) -> Option<Section> {
    let row = |report: &Report, of: &ByFault| {
        let right = with_interval(of.right as f64 / of.cases.max(1) as f64, of.interval);
        let kind = of.kind.clone();
        vec![report.dataset.clone(), kind, of.cases.to_string(), right, number(of.mean_confidence)]
    };
    let rows = reports.iter().flat_map(|report| report.by_fault.iter().map(move |of| row(report, of)));
    Section::new("By fault type", &["DATASET", "FAULT", "CASES", "RIGHT", "SAID"], rows.collect())
}

/// Cases that were not answered right.
pub(super) fn wrong(reports: &[Report]) -> Option<Section> {
    let row = |outcome: &Outcome| {
        vec![
            outcome.case.clone(),
            outcome.kind.clone(),
            outcome.truth.join(" or "),
            outcome.said.clone(),
            number(outcome.probability),
            outcome.rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string()),
        ]
    };
    let outcomes = reports.iter().flat_map(|report| &report.outcomes);
    let rows = outcomes.filter(|outcome| !outcome.right).map(row);
    Section::new("Not right", &["CASE", "FAULT", "TRUE", "SAID", "SURE", "TRUE RANK"], rows.collect())
}

/// One figure over datasets, a row for each signal taken away.
pub(super) fn ablations(all: &[Measured]) -> Vec<Section> {
    let figures = [
        ("AC@1 without each signal", "ac1"),
        ("Right about commits without each signal", "commit"),
        ("Right about healthy systems without each signal", "healthyRight"),
        ("Mean confidence without each signal", "meanConfidence"),
        ("Brier without each signal", "brier"),
        ("ECE without each signal", "ece"),
        ("Wrong above 0.9 without each signal", "wrongAbove90"),
    ];
    figures.into_iter().filter_map(|(title, key)| ablation(title, key, all)).collect()
}

fn ablation(title: &'static str, key: &str, all: &[Measured]) -> Option<Section> {
    let reports = |measured: &Measured| -> Vec<Report> {
        let pooled = (measured.datasets.len() > 1).then(|| measured.all.clone());
        measured.datasets.iter().cloned().chain(pooled).collect()
    };
    // A column for each dataset that has the figure at all.
    let has = |place: usize| {
        all.iter().any(|measured| {
            reports(measured).get(place).is_some_and(|report| report.figures.get(key).is_some())
        })
    };
    let names = reports(all.first()?);
    let columns: Vec<usize> = (0..names.len()).filter(|place| has(*place)).collect();
    let mut heading = vec!["WITHOUT".to_owned()];
    heading.extend(columns.iter().filter_map(|place| Some(names.get(*place)?.dataset.clone())));
    // Counts are whole.
    let cell = |value: Option<f64>| match value {
        Some(count) if key == "wrongAbove90" => format!("{count:.0}"),
        value => number(value),
    };
    let row = |measured: &Measured| {
        let reports = reports(measured);
        let mut row = vec![measured.without.unwrap_or("none").to_owned()];
        row.extend(
            columns.iter().map(|place| cell(reports.get(*place).and_then(|report| report.figures.get(key)))),
        );
        row
    };
    let rows = all.iter().map(row).collect();
    (!columns.is_empty()).then_some(Section { title, heading, rows })
}
