//! Scores of authored answers and bundles, against numbers worked out by hand.

use std::{path::Path, sync::Arc};

use super::*;
use crate::{
    domain::{Action, Verdict},
    runbook::Library,
};

fn named(proposed: u32, service: &str, probability: f64) -> Named {
    Named { proposed, service: service.to_owned(), change: None, probability }
}

fn answered(case: &str, hypotheses: Vec<Named>) -> Answered {
    let answer = Answer {
        verdict: Verdict::CauseFound,
        hypotheses,
        blast_radius: Vec::new(),
        action: None,
        raw: Some(3.0),
        end: jiff::Timestamp::UNIX_EPOCH,
    };
    Answered { case: case.to_owned(), seconds: 0.5, answer: Ok(answer) }
}

fn label(json: &str) -> Label {
    serde_json::from_str(json).expect("a label")
}

fn close(got: Option<f64>, expected: f64) {
    let got = got.expect("a figure");
    assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
}

#[test]
fn ranks_count_services_once_and_any_of_several_names() {
    let label = label(r#"{"service": ["b", "b-client"], "fault_type": "cpu"}"#);
    let case = answered(
        "one",
        vec![
            named(3, "a", 0.4),
            named(1, "a", 0.3),
            named(4, "", 0.1),
            named(2, "b-client", 0.1),
            named(5, "b", 0.05),
        ],
    );
    let outcome = Outcome::of(&case, &label);
    assert_eq!((outcome.rank, outcome.proposed), (Some(2), Some(2)));
    assert_eq!((outcome.said.as_str(), outcome.kind.as_str(), outcome.right), ("a", "cpu", false));
    assert!(!outcome.is_wrong_above(0.9) && outcome.is_wrong_above(0.3));
}

#[test]
fn figures_are_what_they_are_by_hand() {
    let truth = label(r#"{"service": "a"}"#);
    let healthy = label(r#"{"healthy": true}"#);
    let failed = Answered { case: "lost".to_owned(), seconds: 2.0, answer: Err("not a bundle".to_owned()) };
    let mut calm = answered("calm", vec![named(1, "x", 0.95)]);
    let mut alarmed = calm.clone();
    calm.answer.as_mut().expect("an answer").verdict = Verdict::NotAnIncident;
    alarmed.case = "alarmed".to_owned();
    let outcomes = [
        Outcome::of(&answered("first", vec![named(2, "a", 0.92), named(1, "b", 0.05)]), &truth),
        Outcome::of(
            &answered("third", vec![named(1, "b", 0.94), named(2, "c", 0.03), named(3, "a", 0.01)]),
            &truth,
        ),
        Outcome::of(&answered("never", vec![named(1, "b", 0.3)]), &truth),
        Outcome::of(&failed, &truth),
        Outcome::of(&calm, &healthy),
        Outcome::of(&alarmed, &healthy),
    ];
    let figures = Figures::of(&outcomes);
    assert_eq!((figures.cases, figures.no_answer), (6, 1));
    close(figures.get("ac1"), 0.25);
    close(figures.get("ac3"), 0.5);
    close(figures.get("ac5"), 0.5);
    close(figures.get("avg5"), (0.25 + 0.25 + 0.5 + 0.5 + 0.5) / 5.0);
    close(figures.get("mrr"), (1.0 + 1.0 / 3.0) / 4.0);
    // Three answers have a confidence, one of them is right; the two high ones share a bin.
    close(figures.get("brier"), (0.08_f64.powi(2) + 0.94_f64.powi(2) + 0.3_f64.powi(2)) / 3.0);
    close(figures.get("ece"), (2.0 * (0.93_f64 - 0.5).abs() + 0.3) / 3.0);
    close(figures.get("healthyRight"), 0.5);
    // The confident wrong answer, and the cause named where nothing is wrong.
    close(figures.get("wrongAbove90"), 2.0);
    close(figures.get("retrieval"), 0.5);
    close(figures.get("retrieval1"), 0.0);
    close(figures.get("retrieval3"), 0.5);
    close(figures.get("rerank1"), 0.5);
    close(figures.get("secondsMedian"), 0.5);
    close(figures.get("secondsMax"), 2.0);
    assert_eq!(figures.intervals.get("ac1").copied(), interval(1, 4));
    assert_eq!(figures.get("commit"), None);
}

#[test]
fn commits_are_graded() {
    let truth = label(
        r#"{"service": "a", "commit": "abcdef0123", "decoys": ["ddddddd999"], "blast_radius": ["x", "y"],
            "remediation": "rollback"}"#,
    );
    let of = |change: Option<&str>, verdict: Verdict, action: Action| {
        let mut case = answered("c", vec![Named { change: change.map(str::to_owned), ..named(1, "a", 0.8) }]);
        let answer = case.answer.as_mut().expect("an answer");
        answer.verdict = verdict;
        answer.blast_radius = vec!["x".to_owned(), "z".to_owned()];
        answer.action = Some(action);
        Outcome::of(&case, &truth).commit.expect("a commit case")
    };
    let right = of(Some("abcdef0"), Verdict::CauseFound, Action::StopRollout);
    assert!(right.right && right.remediation && right.first_failing && right.graded == 1.0);
    close(Some(right.blast_jaccard), 1.0 / 3.0);
    let short = of(Some("abcdef"), Verdict::CauseFound, Action::Restart);
    assert!(!short.right && !short.decoy && !short.remediation);
    close(Some(short.graded), 0.5 * (0.5 + 0.3 / 3.0));
    let decoy = of(Some("ddddddd999"), Verdict::CauseFound, Action::RollbackCode);
    assert!(decoy.decoy && decoy.graded == 0.0);
    let unsure = of(Some("abcdef0123"), Verdict::Inconclusive, Action::RollbackCode);
    assert!(!unsure.right, "what is not called the cause is not blamed");
    let none = label(r#"{"service": "a", "commit": "none"}"#);
    let outcome = Outcome::of(&answered("c", vec![named(1, "b", 0.8)]), &none);
    assert!(outcome.right && outcome.rank.is_none(), "no change is to blame, and none was blamed");
}

#[test]
fn a_floor_that_is_not_reached_is_named() {
    let outcomes = [Outcome::of(&answered("c", vec![named(1, "b", 0.8)]), &label(r#"{"service": "a"}"#))];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("floors.json");
    let breaches = |json: &str| -> Vec<String> {
        std::fs::write(&file, json).expect("written");
        let mut report = Report::pooled(&[]);
        report.dataset = "mine".to_owned();
        report.figures = Figures::of(&outcomes);
        let floors = Floors::load(&file).expect("floors");
        floors.breaches(&[report]).iter().map(Breach::to_string).collect()
    };
    assert_eq!(
        breaches(r#"{"mine": {"cases": 1, "at_least": {"ac1": 0}, "at_most": {"brier": 0.65}}}"#),
        Vec::<String>::new()
    );
    assert_eq!(
        breaches(
            r#"{"mine": {"cases": 2, "at_least": {"ac1": 0.5, "speed": 1}, "at_most": {"brier": 0.1}}}"#
        ),
        [
            "mine: 1 cases, but the floor is for 2; run all of them",
            "mine: ac1 is 0; it has to be at least 0.5",
            "mine: speed was not measured; it has to be at least 1",
            "mine: brier is 0.640; it has to be at most 0.1",
        ]
    );
    assert_eq!(breaches("{}"), ["mine: has no floor; add one, or leave the dataset out"]);
    std::fs::write(&file, r#"{"mine": {"at_lest": {}}}"#).expect("written");
    assert!(Floors::load(&file).is_err(), "a typing error holds nothing");
}

#[test]
fn a_diagram_is_well_formed_whatever_the_title() {
    let reliability = Reliability::of(&[(0.95, true), (0.95, false), (0.1, false)]).expect("cases");
    let svg = reliability_svg("a<b> & \"c\"\u{1b}", &reliability);
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains("a&lt;b&gt; &amp; &quot;c&quot; ") && !svg.contains('\u{1b}'));
    assert!(svg.contains("1 of 2 right, said 0.95") && svg.contains("0 of 1 right, said 0.10"));
    assert!(!svg.contains("NaN"));
}

fn write(folder: &Path, case: &str, files: &[(&str, &str)]) {
    let bundle = folder.join(case);
    std::fs::create_dir_all(&bundle).expect("a folder");
    for (name, text) in files {
        std::fs::write(bundle.join(name), text).expect("written");
    }
}

const MANIFEST: &str = r#"{"format":"quell.bundle/1","name":"n","window":{"start":"2024-01-01T00:00:00Z","end":"2024-01-01T01:00:00Z"}}"#;
const ALERT: &str =
    r#"{"status":"firing","labels":{"alertname":"Slow","service":"web"},"startsAt":"2024-01-01T00:40:00Z"}"#;

#[tokio::test]
async fn a_dataset_is_answered_then_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("mine");
    write(&root, "case-1", &[("manifest.json", MANIFEST), ("alerts.jsonl", ALERT)]);
    write(&root, "case-2", &[("manifest.json", MANIFEST), ("alerts.jsonl", "{")]);
    write(&root, "case-3", &[("manifest.json", MANIFEST), ("metrics.jsonl", "")]);
    write(&root, "extra", &[("manifest.json", MANIFEST), ("alerts.jsonl", ALERT)]);
    write(&root, "_reference", &[("manifest.json", MANIFEST)]);
    assert!(matches!(Dataset::open(&root), Err(Error::NotADataset { .. })), "no labels.json");
    // Not even JSON: answering does not look at it.
    std::fs::write(root.join("labels.json"), "secret").expect("written");
    let dataset = Dataset::open(&root).expect("a dataset");
    let mut told = Vec::new();
    let mut watch = |case: &Answered, found: Option<&crate::domain::Investigation>| {
        told.push((case.case.clone(), found.is_some()));
    };
    let options = Options { jobs: 3, ..Options::default() };
    let answers = run(&dataset, &options, &Arc::new(Library::embedded()), &mut watch).await;
    let expected = [("case-1", true), ("case-2", false), ("case-3", false), ("extra", true)];
    assert_eq!(told, expected.map(|(case, found)| (case.to_owned(), found)));
    let error = Report::of(&dataset, &answers).expect_err("labels are read now").to_string();
    assert!(error.contains("labels.json"), "{error}");
    let labels = r#"{"case-1": {"healthy": true}, "case-2": {"service": "web"}, "case-3": {"service": "db"},
                     "case-4": {"service": "db", "fault_type": "cpu", "notes": "unknown keys are fine"}}"#;
    std::fs::write(root.join("labels.json"), labels).expect("written");
    let report = Report::of(&dataset, &answers).expect("a report");
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.iter().map(|(case, _)| *case).collect::<Vec<_>>(), ["case-2", "case-3", "case-4"]);
    assert!(failures[0].1.contains("alerts.jsonl, line 1"), "{failures:?}");
    assert!(failures[1].1.contains("no alert"), "{failures:?}");
    assert!(failures[2].1.contains("no bundle"), "{failures:?}");
    assert_eq!(report.unlabelled, ["extra"]);
    assert_eq!((report.figures.cases, report.figures.no_answer), (4, 3));
    close(report.figures.get("healthyRight"), 1.0);
    close(report.figures.get("ac1"), 0.0);
    let kinds: Vec<_> = report.by_fault.iter().map(|of| (of.kind.as_str(), of.right, of.cases)).collect();
    assert_eq!(kinds, [("cpu", 0, 1), ("healthy", 1, 1), ("unnamed", 0, 2)]);
    let first = Report::of(&dataset.first(1), &answers[..1]).expect("a report");
    assert_eq!((first.figures.cases, first.figures.no_answer), (1, 0));
    std::fs::write(root.join("labels.json"), r#"{"case-1": {}}"#).expect("written");
    assert!(
        Report::of(&Dataset::open(&root).expect("a dataset"), &answers).is_err(),
        "a label that says nothing"
    );
}

fn latency(seconds: impl Fn(u32) -> f64) -> String {
    let points: Vec<String> = (0..60_u32)
        .map(|minute| {
            let at = 1_704_067_200_u64 + u64::from(minute) * 60;
            format!(r#"{{"timeUnixNano":"{at}000000000","asDouble":{}}}"#, seconds(minute))
        })
        .collect();
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"web"}}}}]}},"scopeMetrics":[{{"metrics":[{{"name":"request_latency_seconds","unit":"s","gauge":{{"dataPoints":[{}]}}}}]}}]}}]}}"#,
        points.join(",")
    )
}

#[tokio::test]
async fn the_onset_that_is_found_is_shifted() {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = latency(|minute| if minute < 30 { 0.1 + f64::from(minute % 3) * 0.001 } else { 2.0 });
    let files = [("manifest.json", MANIFEST), ("alerts.jsonl", ALERT), ("metrics.jsonl", metrics.as_str())];
    write(folder.path(), "case", &files);
    std::fs::write(folder.path().join("labels.json"), r#"{"case": {"service": "web"}}"#).expect("written");
    let dataset = Dataset::open(folder.path()).expect("a dataset");
    let library = Arc::new(Library::embedded());
    let mut onsets = Vec::new();
    for seconds in [0, 120, -120, 1_000_000] {
        let onset_shift = jiff::SignedDuration::from_secs(seconds);
        let perturbation = Perturbation { onset_shift, ..Perturbation::default() };
        let options = Options { perturbation, ..Options::default() };
        let mut watch = |_: &Answered, found: Option<&crate::domain::Investigation>| {
            onsets.push(found.and_then(|found| found.onset).map(|onset| onset.as_second() - 1_704_067_200));
        };
        run(&dataset, &options, &library, &mut watch).await;
    }
    // A minute of bin width; the last is held within the recording.
    assert_eq!(onsets[..3], [Some(1_800), Some(1_920), Some(1_680)]);
    assert!(onsets[3].is_none_or(|onset| onset <= 3_600), "{onsets:?}");
}
