use super::{ablations, bench};
use crate::{
    bench::{Answer, Answered, Figures, Label, Named, Outcome, Report},
    cli::bench::Measured,
    domain::{Action, Verdict},
};

fn outcome(case: &str, said: &str, probability: f64, label: &str) -> Outcome {
    let named = |proposed, service: &str, probability| Named {
        proposed,
        service: service.to_owned(),
        change: Some("abcdef0123".to_owned()),
        probability,
    };
    let answer = Answer {
        verdict: Verdict::CauseFound,
        hypotheses: vec![named(2, said, probability), named(1, "other", 0.02)],
        blast_radius: vec!["web".to_owned()],
        action: Some(Action::RollbackCode),
        raw: Some(1.0),
        end: jiff::Timestamp::UNIX_EPOCH,
    };
    let label: Label = serde_json::from_str(label).expect("a label");
    Outcome::of(&Answered { case: case.to_owned(), seconds: 0.25, answer: Ok(answer) }, &label)
}

fn report(name: &str, outcomes: Vec<Outcome>) -> Report {
    let mut report = Report::pooled(&[Report { outcomes, ..Report::pooled(&[]) }]);
    report.dataset = name.to_owned();
    report
}

fn measured(without: Option<&'static str>) -> Measured {
    let datasets = vec![
        report(
            "night",
            vec![
                outcome("night-1", "db", 0.92, r#"{"service": "db", "fault_type": "cpu"}"#),
                outcome("night-2", "db", 0.95, r#"{"service": "other", "fault_type": "cpu"}"#),
                outcome(
                    "night-3",
                    "a|b\u{1b}[31m",
                    0.15,
                    r#"{"service": ["x", "y"], "fault_type": "disk|full"}"#,
                ),
            ],
        ),
        report(
            "day",
            vec![
                outcome(
                    "day-1",
                    "db",
                    0.55,
                    r#"{"service": "db", "commit": "abcdef0123", "remediation": "rollback", "blast_radius": ["web"]}"#,
                ),
                outcome("day-2", "db", 0.55, r#"{"healthy": true}"#),
            ],
        ),
    ];
    let all = Report::pooled(&datasets);
    Measured { without, perturbation: "without logs".to_owned(), datasets, all }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_measurement_for_the_terminal() {
    let text = bench(&measured(None), Some(100), false);
    assert!(!plain(&text).contains('\u{1b}'), "hostile names cannot move the cursor");
    insta::assert_snapshot!(plain(&text));
}

#[test]
fn a_measurement_as_markdown() {
    let text = bench(&measured(None), None, false);
    assert!(!text.contains('\u{1b}'));
    insta::assert_snapshot!(text);
}

#[test]
fn ablations_stand_side_by_side() {
    let mut less = measured(Some("logs"));
    less.datasets[0].figures = Figures::of(&less.datasets[0].outcomes[1..]);
    insta::assert_snapshot!(plain(&ablations(&[measured(Some("none")), less], Some(100))));
}
