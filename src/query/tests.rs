//! Numbers of evidence, found again in what its query gives.

use jiff::Timestamp;
use quell_sdk::{
    Completeness,
    signal::{LogRecord, MetricKind, Point, Series, Severity, Window},
};

use super::{Data, Reply, figures};
use crate::domain::{Evidence, EvidenceId, Language, Number, SignalKind, Trust};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a moment")
}

/// Evidence over a hundred seconds that were divided at the seventieth.
fn evidence(language: Language, numbers: &[(&str, f64)]) -> Evidence {
    Evidence {
        id: EvidenceId(1),
        signal: SignalKind::Logs,
        source: "otlp".into(),
        language,
        query: String::new(),
        window: Window::new(at(0), at(100)),
        divided_at: Some(at(70)),
        normal_until: Some(at(60)),
        completeness: Completeness::Full,
        summary: String::new(),
        numbers: numbers.iter().map(|(name, value)| Number::new(name, *value, "1")).collect(),
        link: None,
        trust: Trust::Service,
    }
}

fn reply(data: Data) -> Vec<Reply> {
    vec![Reply { source: "otlp".into(), data, completeness: Completeness::Full }]
}

/// One line a second.
fn lines() -> Vec<Reply> {
    let line = |second: i64| LogRecord {
        at: second * 1_000_000_000,
        service: "cart".into(),
        pod: "".into(),
        severity: Severity::Info,
        body: "taken".into(),
        trace_id: None,
        span_id: None,
        attributes: Vec::new(),
    };
    reply(Data::Lines((0..100).map(line).collect()))
}

/// A level of 1, of 5 for one second before the division and of 9 for one after it, and of 0.5 for another.
fn level() -> Vec<Reply> {
    let value = |second: i64| match second {
        65 => 5.0,
        80 => 9.0,
        90 => 0.5,
        _ => 1.0,
    };
    let series = Series {
        name: "pool_in_use".into(),
        labels: [("service".to_owned(), "cart".to_owned())].into(),
        kind: MetricKind::Gauge,
        unit: String::new(),
        points: (0..100).map(|second| Point { at: second * 1_000_000_000, value: value(second) }).collect(),
        query: String::new(),
    };
    reply(Data::Series { series: vec![series], step: std::time::Duration::from_secs(1) })
}

fn found(evidence: &Evidence, replies: &[Reply], onset: Option<Timestamp>) -> Vec<Option<f64>> {
    figures(evidence, replies, &[], onset).iter().map(|figure| figure.found).collect()
}

#[test]
fn evidence_is_divided_where_it_says() {
    let stated = evidence(Language::Logql, &[("count", 30.0), ("normal requests", 60.0)]);
    // Neither the onset of the whole answer nor the lack of one matters.
    for onset in [None, Some(at(20))] {
        assert_eq!(found(&stated, &lines(), onset), [Some(30.0), Some(60.0)]);
    }
}

#[test]
fn evidence_that_does_not_say_is_divided_at_the_onset() {
    let stated = Evidence {
        divided_at: None,
        normal_until: None,
        ..evidence(Language::Logql, &[("count", 30.0), ("expected count", 3.0)])
    };
    assert_eq!(found(&stated, &lines(), Some(at(20))), [Some(80.0), None]);
    assert_eq!(found(&stated, &lines(), None), [None, None]);
}

#[test]
fn a_rate_of_a_part_of_the_lines_is_not_told_from_all() {
    let mut stated = evidence(Language::Logql, &[("count", 30.0)]);
    stated.numbers.push(Number::new("rate", 1.0, "1/second"));
    assert_eq!(found(&stated, &lines(), None), [Some(30.0), Some(1.0)]);
    stated.numbers.push(Number::new(crate::analysis::logs::CUT_SHORT, 3.0, "1"));
    assert_eq!(found(&stated, &lines(), None), [Some(30.0), None, None]);
}

#[test]
fn the_worst_sample_is_the_one_on_the_stated_side_of_normal() {
    let of_rise = evidence(Language::Promql, &[("normal median", 1.0), ("worst sample", 8.0)]);
    assert_eq!(found(&of_rise, &level(), None), [Some(1.0), Some(9.0)]);
    let of_fall = evidence(Language::Promql, &[("normal median", 1.0), ("worst sample", 0.9)]);
    assert_eq!(found(&of_fall, &level(), None), [Some(1.0), Some(0.5)]);
    assert_eq!(found(&evidence(Language::Promql, &[("highest", 9.0)]), &level(), None), [Some(9.0)]);
}

#[test]
fn what_a_query_no_longer_gives_is_not_found() {
    let stated = evidence(Language::Promql, &[("normal median", 1.0), ("worst sample", 9.0)]);
    assert_eq!(
        found(&stated, &reply(Data::Series { series: Vec::new(), step: std::time::Duration::ZERO }), None),
        [None, None]
    );
    let stated = evidence(Language::Logql, &[("count", 30.0)]);
    assert_eq!(found(&stated, &reply(Data::Lines(Vec::new())), None), [Some(0.0)]);
}
