//! The checks find what they are for: each is run against a source that breaks just its rule.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use rstest::rstest;

use super::{MetricsFixture, metrics};
use crate::{
    Answer, Completeness, Error, ErrorKind, MetricsSource, Result,
    signal::{Labels, MetricKind, Point, Series, Window},
    source::Discover,
};

/// Which rule the source breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    NoName,
    Unordered,
    NotFinite,
    Outside,
    OtherLabel,
    Twice,
    WrongQuery,
    AcceptsAnything,
    InventsServices,
    InventsTimes,
    Spends,
    SilentCut,
    Moody,
}

struct Source {
    fault: Fault,
    calls: AtomicUsize,
}

fn window(start: i64) -> Window {
    let at = |second| Timestamp::from_second(second).unwrap();
    Window::new(at(start), at(start + 100))
}

impl Source {
    fn all(&self) -> Vec<Series> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let nanos = |second: i64| (1_000 + second) * 1_000_000_000;
        let series = |name: &str| {
            let mut points: Vec<Point> =
                (0..10).map(|index| Point { at: nanos(index * 10), value: index as f64 }).collect();
            match self.fault {
                Fault::Unordered => points.swap(1, 2),
                Fault::NotFinite => points[3].value = f64::NAN,
                Fault::Outside => points[9].at = nanos(100),
                Fault::Moody => points[0].value = call as f64,
                _ => {}
            }
            let label = if self.fault == Fault::OtherLabel { "app" } else { "service" };
            let labels: Labels = [(label.to_owned(), "web".to_owned())].into();
            let query = if self.fault == Fault::WrongQuery { "other".to_owned() } else { name.to_owned() };
            Series { name: name.into(), labels, kind: MetricKind::Gauge, unit: String::new(), points, query }
        };
        let mut all = vec![series("a"), series("b"), series("c")];
        if self.fault == Fault::Twice {
            all.push(series("c"));
        }
        all
    }

    fn silent(&self, window: Window) -> bool {
        window.start.as_second() != 1_000 && self.fault != Fault::InventsTimes
    }
}

#[async_trait]
impl MetricsSource for Source {
    fn name(&self) -> &str {
        if self.fault == Fault::NoName { " " } else { "memory" }
    }

    async fn discover(&self, request: &Discover) -> Result<Answer<Vec<Series>>> {
        let known = request.services == ["web"] || self.fault == Fault::InventsServices;
        let mut data = if known && !self.silent(request.window) { self.all() } else { Vec::new() };
        let before = data.len();
        let points = data.first().map_or(1, |series| series.points.len());
        if self.fault != Fault::Spends {
            data.truncate(request.budget.series.min(request.budget.samples / points));
        }
        let cut = data.len() < before && self.fault != Fault::SilentCut;
        let completeness = if cut { Completeness::partial("budget") } else { Completeness::Full };
        Ok(Answer::full(data, "{}", request.window).with_completeness(completeness))
    }

    async fn query_range(&self, expr: &str, window: Window, _: Duration) -> Result<Answer<Vec<Series>>> {
        let data = if self.silent(window) { Vec::new() } else { self.all() };
        let data: Vec<Series> = data.into_iter().filter(|series| series.name == expr).take(1).collect();
        if !["a", "b", "c", "other"].contains(&expr) && self.fault != Fault::AcceptsAnything {
            return Err(Error::new(ErrorKind::BadRequest, "memory", "no such expression"));
        }
        Ok(Answer::full(data, expr, window))
    }
}

/// Names of the checks that find something.
async fn findings(fault: Fault) -> Vec<&'static str> {
    let fixture = MetricsFixture {
        source: Arc::new(Source { fault, calls: AtomicUsize::new(0) }),
        service: "web".into(),
        expr: "a".into(),
        window: window(1_000),
        quiet: window(10),
        step: Duration::from_secs(10),
        keep: Box::new(()),
    };
    let mut found = Vec::new();
    macro_rules! run {
        ($($check:ident)+) => { $(if metrics::$check(&fixture).await.is_err() { found.push(stringify!($check)); })+ };
    }
    run!(
        name_is_not_empty
        points_ascend_and_are_finite_and_inside_the_window
        service_is_under_its_label
        names_and_labels_tell_series_apart
        queries_give_the_numbers_they_stand_for
        a_bad_expression_is_a_bad_request
        an_unknown_service_is_an_empty_full_answer
        a_window_with_nothing_is_empty
        a_budget_is_kept_and_what_it_cost_is_said
        answers_are_the_same_each_time
    );
    found
}

#[rstest]
#[case(Fault::NoName, "name_is_not_empty")]
#[case(Fault::Unordered, "points_ascend_and_are_finite_and_inside_the_window")]
#[case(Fault::NotFinite, "points_ascend_and_are_finite_and_inside_the_window")]
#[case(Fault::Outside, "points_ascend_and_are_finite_and_inside_the_window")]
#[case(Fault::OtherLabel, "service_is_under_its_label")]
#[case(Fault::Twice, "names_and_labels_tell_series_apart")]
#[case(Fault::WrongQuery, "queries_give_the_numbers_they_stand_for")]
#[case(Fault::AcceptsAnything, "a_bad_expression_is_a_bad_request")]
#[case(Fault::InventsServices, "an_unknown_service_is_an_empty_full_answer")]
#[case(Fault::InventsTimes, "a_window_with_nothing_is_empty")]
#[case(Fault::Spends, "a_budget_is_kept_and_what_it_cost_is_said")]
#[case(Fault::SilentCut, "a_budget_is_kept_and_what_it_cost_is_said")]
#[case(Fault::Moody, "answers_are_the_same_each_time")]
#[tokio::test]
async fn a_broken_rule_is_found(#[case] fault: Fault, #[case] check: &str) {
    let found = findings(fault).await;
    assert!(found.contains(&check), "{fault:?} was found by {found:?}");
}

#[tokio::test]
async fn a_good_source_passes() {
    assert_eq!(findings(Fault::None).await, Vec::<&str>::new());
}
