//! What was seen of one condition at one service or node, and how unlikely that is without a fault.
//!
//! What happens now and then has a rate: its count since the onset is held against the rate before (two Poisson
//! counts over two exposures). What holds for a while has a share of the time: the moments at which it held are
//! held against those before (two binomial shares, one moment a bin, so that a state that lasts is not counted
//! anew with every scrape). Services that were quiet are like each other: that none of twenty showed anything
//! tells more of what is normal than one of them does, and twenty places to look at cost what they cost anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quell_sdk::signal::UnixNanos;

use super::Condition;
use crate::{
    analysis::{
        case::Periods,
        significance::{binomial_g, decibans_of_g, rates_g},
    },
    domain::Decibans,
};

/// Where something was read, by index among the case's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum From {
    Series(usize),
    Event(usize),
}

/// Something that happened at a moment.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub at: UnixNanos,
    pub count: f64,
    pub object: Arc<str>,
    pub from: From,
}

/// Something that happened so often between two moments, nobody says when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub from: UnixNanos,
    pub to: UnixNanos,
    pub count: f64,
}

/// A state of one object over time.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub object: Arc<str>,
    pub series: usize,
    /// Low values of the series are the bad ones.
    pub low: bool,
    pub on: Vec<(UnixNanos, bool)>,
}

/// All of one condition at one place, from one signal.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    pub namespaces: BTreeSet<String>,
    pub happened: Vec<Happened>,
    pub spread: Vec<Spread>,
    pub held: Vec<Held>,
}

/// What a healthy recording shows of it; nothing of everything where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usual {
    pub count: f64,
    pub seconds: f64,
    /// Bins in which it held, and all.
    pub held: [f64; 2],
}

/// What comparing gave.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub decibans: Decibans,
    /// The first moment at which it was seen.
    pub first: UnixNanos,
    /// How often it happened before and since, for what happens; else 0.
    pub counts: [f64; 2],
    /// The shares of the time in which it held before and since, for what holds; else 0.
    pub shares: [f64; 2],
    /// Whether the state weighs more than the count.
    pub by_share: bool,
    /// Objects that it was seen at since the onset, the worst first.
    pub objects: Vec<Arc<str>>,
    /// Where the worst was read.
    pub source: From,
}

/// What all stories are measured against.
pub(super) struct Ground<'a> {
    pub periods: &'a Periods,
    /// Moments at which states were exported at all.
    pub watched: &'a BTreeSet<UnixNanos>,
    /// Places that might have shown it, and those of them that did not before the onset.
    pub places: usize,
    pub quiet: usize,
    pub usual: Usual,
}

/// Part of the normal time that has to be quiet for what begins at its end to be news rather than habit.
const QUIET: f64 = 0.6;
/// What it costs to have looked for when it began.
const LOOKED: Decibans = 2.0;
/// Part of the normal time from which on a state is an object's habit.
const HABIT: f64 = 0.5;

/// A state with the moments at which it had held for long enough to matter.
struct Run<'a> {
    held: &'a Held,
    on: Vec<UnixNanos>,
}

/// What is compared: what was before `split` with what is since `since`.
struct Sides<'a> {
    periods: &'a Periods,
    split: UnixNanos,
    since: UnixNanos,
    /// It began before the estimate of the onset.
    is_early: bool,
}

impl<'a> Sides<'a> {
    /// What begins shortly before the estimate of the onset, after long silence, began then.
    fn new(periods: &'a Periods, first: UnixNanos) -> Self {
        let normal = periods.normal_until();
        let was_quiet = (first - periods.start) as f64 >= QUIET * (normal - periods.start) as f64;
        if first < normal && was_quiet {
            Self { periods, split: first, since: first, is_early: true }
        } else {
            Self { periods, split: normal, since: periods.onset, is_early: false }
        }
    }

    /// 0 for before, 1 for since.
    fn of(&self, at: UnixNanos) -> Option<usize> {
        if at >= self.periods.start && at < self.split {
            Some(0)
        } else {
            (at >= self.since && at < self.periods.end).then_some(1)
        }
    }
}

impl Ground<'_> {
    /// How many places' silence tells what is normal for one that showed so much of it before.
    fn alike(&self, before: f64) -> f64 {
        if before < 0.5 { self.quiet.max(1) as f64 } else { 1.0 }
    }
}

/// In which share of the time it held on both sides, and how unlikely that is.
fn shared<I: Iterator<Item = UnixNanos>>(
    all_on: &dyn Fn() -> I,
    sides: &Sides<'_>,
    ground: &Ground<'_>,
) -> ([f64; 2], f64) {
    let width = bin_width(sides.periods);
    let of_side = |of: &mut dyn Iterator<Item = UnixNanos>, side: usize| -> BTreeSet<UnixNanos> {
        of.filter(|at| sides.of(*at) == Some(side)).map(|at| at.div_euclid(width)).collect()
    };
    let both = [0, 1].map(|side| {
        let on = of_side(&mut all_on(), side);
        let all = of_side(&mut ground.watched.iter().copied(), side);
        (on.len() as f64, all.union(&on).count() as f64)
    });
    let [(before, all_before), (since, all_since)] = both;
    let against =
        |before: f64, all: f64| (all > 0.0 && since > 0.0).then(|| binomial_g(before, all, since, all_since));
    let near = against(before, all_before * ground.alike(before));
    let far = against(ground.usual.held[0], ground.usual.held[1]);
    let share = |on: f64, all: f64| if all > 0.0 { on / all } else { 0.0 };
    ([share(before, all_before), share(since, all_since)], unlikeliest(near, far))
}

/// What the time before and the healthy recording both find unusual: what a healthy day shows is none.
fn unlikeliest(near: Option<f64>, far: Option<f64>) -> f64 {
    match (near, far) {
        (Some(near), Some(far)) => near.min(far),
        (one, other) => one.or(other).unwrap_or(0.0),
    }
}

impl Story {
    /// Holds what was seen since the onset against what was before. `None` when nothing is seen in the incident, or
    /// there is nothing to compare with.
    pub(super) fn measure(&self, condition: Condition, ground: &Ground<'_>) -> Option<Measured> {
        let periods = ground.periods;
        let held = self.held.iter().filter(|held| !held.is_habit(periods));
        let runs: Vec<Run<'_>> =
            held.map(|held| Run { held, on: held.lasting(condition.patience(), periods) }).collect();
        let all_on = || runs.iter().flat_map(|run| run.on.iter().copied());
        let moments = self.happened.iter().map(|happened| happened.at).chain(all_on());
        let first = moments.filter(|at| *at >= periods.start && *at < periods.end).min()?;
        let sides = Sides::new(periods, first);
        let (counts, of_count) = self.counted(&sides, ground);
        let (shares, of_share) = shared(&all_on, &sides, ground);
        let during = |at: UnixNanos| periods.is_during(at);
        let is_current = self.happened.iter().any(|happened| during(happened.at)) || all_on().any(during);
        let g = of_count.max(of_share);
        if !is_current || g <= 0.0 {
            return None;
        }
        let cost = if sides.is_early { LOOKED } else { 0.0 };
        let objects = self.worst(&runs, &sides);
        Some(Measured {
            decibans: (decibans_of_g(g, ground.places) - cost).min(condition.most()),
            first: if shares[0] > 0.0 || counts[0] >= 0.5 { first.max(sides.since) } else { first },
            counts,
            shares,
            by_share: of_share > of_count,
            source: objects.first()?.1,
            objects: objects.into_iter().map(|(object, _)| object).collect(),
        })
    }

    /// How often it happened on both sides, and how unlikely that is.
    fn counted(&self, sides: &Sides<'_>, ground: &Ground<'_>) -> ([f64; 2], f64) {
        let mut counts = [0.0, 0.0];
        for happened in &self.happened {
            if let Some(count) = sides.of(happened.at).and_then(|side| counts.get_mut(side)) {
                *count += happened.count;
            }
        }
        for spread in &self.spread {
            counts[0] += spread.within(sides.periods.start, sides.split);
            counts[1] += spread.within(sides.since, sides.periods.end);
        }
        let seconds = |nanos: UnixNanos| nanos.max(0) as f64 / 1e9;
        let exposed = [seconds(sides.split - sides.periods.start), seconds(sides.periods.end - sides.since)];
        let against = |before: f64, of: f64| (of > 0.0).then(|| rates_g(before, of, counts[1], exposed[1]));
        let near = against(counts[0], exposed[0] * ground.alike(counts[0]));
        let far = against(ground.usual.count, ground.usual.seconds);
        (counts, unlikeliest(near, far))
    }

    /// The objects that it was seen at since, the worst first, with where that was read.
    fn worst(&self, runs: &[Run<'_>], sides: &Sides<'_>) -> Vec<(Arc<str>, From)> {
        let mut seen: BTreeMap<Arc<str>, (f64, From)> = BTreeMap::new();
        let happened = self.happened.iter().filter(|happened| sides.of(happened.at) == Some(1));
        let happened = happened.map(|happened| (&happened.object, happened.count, happened.from));
        let held = runs.iter().filter_map(|run| {
            let since = run.on.iter().filter(|at| sides.of(**at) == Some(1)).count();
            (since > 0).then_some((&run.held.object, since as f64, From::Series(run.held.series)))
        });
        for (object, much, from) in happened.chain(held) {
            seen.entry(object.clone()).or_insert((0.0, from)).0 += much;
        }
        let mut objects: Vec<(Arc<str>, (f64, From))> = seen.into_iter().collect();
        objects.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        objects.into_iter().map(|(object, (_, from))| (object, from)).collect()
    }

    /// How much of it there was in all, as what normal times are like.
    pub(super) fn as_usual(&self, watched: &BTreeSet<UnixNanos>, width: UnixNanos, seconds: f64) -> Usual {
        let bin = |at: &UnixNanos| at.div_euclid(width.max(1));
        let on: BTreeSet<_> =
            self.held.iter().flat_map(|held| &held.on).filter(|(_, on)| *on).map(|(at, _)| bin(at)).collect();
        let all: BTreeSet<_> = watched.iter().map(bin).collect();
        let count = self.happened.iter().fold(0.0, |sum, happened| sum + happened.count);
        Usual { count, seconds, held: [on.len() as f64, all.len() as f64] }
    }

    /// Whether anything of it was seen in normal times.
    pub(super) fn is_known_before(&self, periods: &Periods) -> bool {
        self.happened.iter().any(|happened| periods.is_before(happened.at))
            || self.spread.iter().any(|spread| spread.within(periods.start, periods.normal_until()) >= 0.5)
            || self.held.iter().any(|held| held.on.iter().any(|(at, on)| *on && periods.is_before(*at)))
    }
}

/// Length of the moments that count once: samples that are closer say the same.
pub(super) fn bin_width(periods: &Periods) -> UnixNanos {
    ((periods.end - periods.start) / 30).clamp(15_000_000_000, 120_000_000_000)
}

impl Held {
    /// Whether it held most of the normal time already.
    fn is_habit(&self, periods: &Periods) -> bool {
        let before = || self.on.iter().filter(|(at, _)| periods.is_before(*at));
        let all = before().count();
        all > 0 && before().filter(|(_, on)| *on).count() as f64 >= HABIT * all as f64
    }

    /// The moments at which it had held for so long, or had to be still holding at the end.
    fn lasting(&self, patience: UnixNanos, periods: &Periods) -> Vec<UnixNanos> {
        let mut moments = Vec::new();
        let mut run: Vec<UnixNanos> = Vec::new();
        let mut close = |run: &mut Vec<UnixNanos>| {
            let lasted = run.last().zip(run.first()).map_or(0, |(last, first)| last - first);
            if lasted >= patience {
                moments.append(run);
            }
            run.clear();
        };
        for (at, on) in self.on.iter().filter(|(at, _)| *at >= periods.start && *at < periods.end) {
            if *on {
                run.push(*at);
            } else {
                close(&mut run);
            }
        }
        close(&mut run);
        moments
    }
}

impl Spread {
    /// How many of them fall between two moments.
    fn within(&self, from: UnixNanos, to: UnixNanos) -> f64 {
        let (from, to) = (self.from.max(from), self.to.min(to));
        let length = (self.to - self.from).max(1) as f64;
        self.count * (to.saturating_sub(from)).max(0) as f64 / length
    }
}
