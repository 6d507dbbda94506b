use std::collections::BTreeMap;

use proptest::prelude::*;
use quell_sdk::signal::{Labels, MetricKind, Point};

use super::{SeriesSet, Shape};
use crate::Limits;

fn set_of(told: &[(i64, i32)], delta: bool) -> SeriesSet {
    let mut set = SeriesSet::default();
    let shape = Shape { kind: MetricKind::Counter, delta };
    let slot = set.create(1, "n".to_owned(), Labels::new(), shape, "", &Limits::default()).unwrap();
    for (at, value) in told {
        set.push(slot, Point { at: *at, value: f64::from(*value) });
    }
    set
}

fn points_of(set: SeriesSet) -> Vec<(i64, f64)> {
    let series = set.finish().series;
    series.iter().flat_map(|series| &series.points).map(|point| (point.at, point.value)).collect()
}

proptest! {
    /// Whatever the order, levels end up ascending, and the value told last for a moment stays.
    #[test]
    fn levels_in_any_order(told in prop::collection::vec((0_i64..40, -9..9_i32), 0..600)) {
        let want: BTreeMap<i64, f64> = told.iter().map(|(at, value)| (*at, f64::from(*value))).collect();
        prop_assert_eq!(points_of(set_of(&told, false)), want.into_iter().collect::<Vec<_>>());
    }

    /// Whatever the order, steps add up in the order of time, and a step told twice counts once.
    #[test]
    fn steps_in_any_order(told in prop::collection::vec((0_i64..400, 0..9_i32), 0..600)) {
        let mut steps = BTreeMap::new();
        for (at, value) in &told {
            steps.entry(*at).or_insert_with(|| f64::from(*value));
        }
        let mut sum = 0.0;
        let want: Vec<_> = steps.into_iter().map(|(at, step)| { sum += step; (at, sum) }).collect();
        prop_assert_eq!(points_of(set_of(&told, true)), want);
    }

    /// Many points at once are the same as one after another.
    #[test]
    fn runs_of_points(
        runs in prop::collection::vec(prop::collection::vec((0_i64..300, 0..9_i32), 0..40), 0..12),
        is_ordered in any::<bool>(),
        delta in any::<bool>(),
    ) {
        let mut runs = runs;
        runs.iter_mut().filter(|_| is_ordered).for_each(|run| run.sort_unstable());
        let mut set = set_of(&[], delta);
        for run in &runs {
            let points: Vec<_> =
                run.iter().map(|(at, value)| Point { at: *at, value: f64::from(*value) }).collect();
            set.extend(0, &points);
        }
        let mut single = set_of(&runs.concat(), delta);
        prop_assert_eq!((set.take_pushed(), set.earliest()), (single.take_pushed(), single.earliest()));
        prop_assert_eq!(set.take_repeats(), single.take_repeats());
        let (set, single) = (set.finish(), single.finish());
        prop_assert_eq!((set.repeats, set.series), (single.repeats, single.series));
    }

    /// Forgetting takes just what is older, and a total keeps what it counted.
    #[test]
    fn forgetting(told in prop::collection::vec((0_i64..100, 0..9_i32), 1..100), before in 0_i64..100) {
        let all = points_of(set_of(&told, true));
        let mut set = set_of(&told, true);
        let gone = set.forget(before);
        let want: Vec<_> = all.iter().copied().filter(|(at, _)| *at >= before).collect();
        prop_assert_eq!(gone as usize, all.len() - want.len());
        prop_assert_eq!(set.is_empty(), want.is_empty());
        prop_assert_eq!(points_of(set), want);
    }
}

#[test]
fn a_series_is_found_again_after_others_went() {
    let mut set = SeriesSet::default();
    let limits = Limits::default();
    let create = |set: &mut SeriesSet, key, name: &str| {
        set.create(key, name.to_owned(), Labels::new(), Shape::GAUGE, "", &limits).unwrap()
    };
    let old = create(&mut set, 1, "old");
    set.push(old, Point { at: 1, value: 1.0 });
    let kept = create(&mut set, 2, "kept");
    set.push(kept, Point { at: 9, value: 1.0 });
    set.forget(5);
    assert_eq!(set.len(), 1);
    assert_eq!(set.slot(2), None);
    let again = create(&mut set, 2, "kept");
    set.push(again, Point { at: 10, value: 2.0 });
    assert_eq!(points_of(set), [(9, 1.0), (10, 2.0)]);
}

#[test]
fn a_reader_keeps_what_it_saw() {
    let mut set = set_of(&[(1, 1)], false);
    set.settle();
    let seen: Vec<_> = set.snapshot().collect();
    let slot = set.slot(1).unwrap();
    set.push(slot, Point { at: 2, value: 2.0 });
    assert_eq!(seen[0].points.len(), 1);
    assert_eq!(points_of(set).len(), 2);
}

#[test]
fn endless_spellings_of_one_series_stay_bounded() {
    let mut set = SeriesSet::default();
    for key in 0..100_000 {
        set.create(key, "n".to_owned(), Labels::new(), Shape::GAUGE, "", &Limits::default()).unwrap();
    }
    assert_eq!(set.len(), 1);
    assert!(set.bytes() < 100_000, "{}", set.bytes());
}
