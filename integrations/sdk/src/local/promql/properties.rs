//! What holds of any data, most of it told by an evaluation that is slow and plain.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{check, range};
use crate::signal::{Labels, MetricKind, Point, Series, Window};

const T0: i64 = 1_700_000_000;
const SECOND: i64 = 1_000_000_000;

fn series(name: &str, labels: &[(&str, String)], points: Vec<Point>) -> Series {
    let labels: Labels = labels.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let (unit, query) = (String::new(), String::new());
    Series { name: name.to_owned(), labels, kind: MetricKind::Counter, unit, points, query }
}

/// Samples at uneven distances: gaps of 1 to 40 seconds, steps up or a restart from little.
fn counter() -> impl Strategy<Value = Vec<Point>> {
    let step = (1_i64..40, 0_u32..50, prop::bool::weighted(0.1));
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let (mut at, mut value) = (T0 * SECOND, 0.0);
        let next = |(gap, up, restart): (i64, u32, bool)| {
            at += gap * SECOND;
            value = if restart { f64::from(up % 5) } else { value + f64::from(up) };
            Point { at, value }
        };
        steps.into_iter().map(next).collect()
    })
}

fn fleet() -> impl Strategy<Value = Vec<Series>> {
    prop::collection::vec((counter(), 0_u8..3), 1..8).prop_map(|members| {
        let member = |(index, (points, group)): (usize, (Vec<Point>, u8))| {
            series("c", &[("pod", format!("p{index}")), ("group", format!("g{group}"))], points)
        };
        members.into_iter().enumerate().map(member).collect()
    })
}

fn evaluate(store: &[Series], expr: &str) -> Vec<Series> {
    let at = |seconds| Timestamp::from_second(T0 + seconds).unwrap();
    range(store, expr, Window::new(at(0), at(1_200)), Duration::from_secs(17)).unwrap()
}

/// Rate as Prometheus documents it, with nothing remembered from one step to the next.
fn plain_rate(points: &[Point], end: i64, seconds: i64) -> Option<f64> {
    let start = end - seconds * SECOND;
    let seen: Vec<_> = points.iter().filter(|point| start < point.at && point.at <= end).collect();
    let (first, last) = (seen.first()?, seen.last()?);
    if seen.len() < 2 {
        return None;
    }
    let mut change = last.value - first.value;
    for pair in seen.windows(2) {
        if pair[1].value < pair[0].value {
            change += pair[0].value;
        }
    }
    let as_seconds = |nanos: i64| nanos as f64 / 1e9;
    let sampled = as_seconds(last.at - first.at);
    let average = sampled / (seen.len() - 1) as f64;
    let (mut before, mut after) = (as_seconds(first.at - start), as_seconds(end - last.at));
    if before >= average * 1.1 {
        before = average / 2.0;
    }
    if change > 0.0 && first.value >= 0.0 {
        before = before.min(sampled * first.value / change);
    }
    if after >= average * 1.1 {
        after = average / 2.0;
    }
    Some(change * (sampled + before + after) / sampled / seconds as f64)
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

/// The value of the only series at a moment.
fn value_at(answer: &[Series], at: i64) -> Option<f64> {
    answer.first()?.points.iter().find(|point| point.at == at).map(|point| point.value)
}

proptest! {
    #[test]
    fn rate_is_what_a_plain_reading_gives(points in counter(), length in 20_i64..300) {
        let store = [series("c", &[], points.clone())];
        let answer = evaluate(&store, &format!("rate(c[{length}s])"));
        for index in 0..70 {
            let at = (T0 + index * 17) * SECOND;
            match (value_at(&answer, at), plain_rate(&points, at, length)) {
                (Some(one), Some(other)) => prop_assert!(close(one, other), "{one} and {other} at {index}"),
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }

    #[test]
    fn rates_are_never_negative_and_increase_is_rate_times_range(store in fleet()) {
        let rates = evaluate(&store, "rate(c[2m])");
        let increases = evaluate(&store, "increase(c[2m])");
        prop_assert_eq!(rates.len(), increases.len());
        for (rate, increase) in rates.iter().zip(&increases) {
            for (rate, increase) in rate.points.iter().zip(&increase.points) {
                prop_assert!(rate.value >= 0.0);
                prop_assert!(close(rate.value * 120.0, increase.value));
            }
        }
    }

    #[test]
    fn sums_of_groups_add_up_to_the_sum(store in fleet()) {
        let total = evaluate(&store, "sum(c)");
        let regrouped = evaluate(&store, "sum(sum by (group) (c))");
        let averaged = evaluate(&store, "avg(c) * count(c)");
        for point in total.iter().flat_map(|series| &series.points) {
            prop_assert!(close(value_at(&regrouped, point.at).unwrap(), point.value));
            prop_assert!(close(value_at(&averaged, point.at).unwrap(), point.value));
        }
    }

    #[test]
    fn order_of_the_store_does_not_matter(mut store in fleet()) {
        for expr in ["sum by (group) (rate(c[2m]))", "topk(2, c)", "c / on (pod) c", "c > 5 or c"] {
            let before = evaluate(&store, expr);
            store.reverse();
            prop_assert_eq!(before, evaluate(&store, expr));
        }
    }

    #[test]
    fn quantiles_lie_between_the_least_and_the_greatest(store in fleet(), wanted in 0.0_f64..=1.0) {
        let quantile = evaluate(&store, &format!("quantile({wanted}, c)"));
        let (least, most) = (evaluate(&store, "min(c)"), evaluate(&store, "max(c)"));
        for point in quantile.iter().flat_map(|series| &series.points) {
            prop_assert!(value_at(&least, point.at).unwrap() <= point.value + 1e-9);
            prop_assert!(point.value <= value_at(&most, point.at).unwrap() + 1e-9);
        }
    }

    #[test]
    fn topk_and_what_is_left_share_out_the_series(store in fleet(), k in 0_usize..5) {
        let count = |expr: &str| evaluate(&store, expr).iter().map(|series| series.points.len()).sum::<usize>();
        let (top, rest) = (format!("topk({k}, c)"), format!("c unless topk({k}, c)"));
        prop_assert_eq!(count(&top) + count(&rest), count("c"));
    }

    #[test]
    fn a_comparison_and_its_contrary_share_out_the_samples(store in fleet(), bound in 0_u32..200) {
        let count = |expr: &str| evaluate(&store, expr).iter().map(|series| series.points.len()).sum::<usize>();
        let (above, below) = (format!("c > {bound}"), format!("c <= {bound}"));
        prop_assert_eq!(count(&above) + count(&below), count("c"));
    }

    #[test]
    fn answers_are_canonical(store in fleet()) {
        let answer = evaluate(&store, "rate(c[1m]) or c");
        prop_assert!(answer.is_sorted_by(|one, other| (&one.name, &one.labels) < (&other.name, &other.labels)));
        for series in answer {
            prop_assert!(series.points.is_sorted_by(|one, other| one.at < other.at));
            prop_assert!(series.points.iter().all(|point| point.value.is_finite()));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        drop(check(&text));
    }

    #[test]
    fn no_mutation_of_an_expression_panics(cut in 0_usize..110, put in r#"[{}()\[\]=~!"'`\\¡0-9a-z@:. ]{0,4}"#) {
        let expr = r#"sum by (le) (rate(x_bucket{a=~"b|c"}[5m] offset 1h @ 5)) / on (a) group_left (b) y ^ 2 > bool -1.5e3"#;
        let text: String = expr.chars().take(cut).chain(put.chars()).chain(expr.chars().skip(cut + 1)).collect();
        let at = Timestamp::from_second(T0).unwrap();
        drop(range(&[], &text, Window::new(at, at), Duration::from_secs(1)));
    }
}
