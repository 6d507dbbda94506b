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

/// Normal times, beside those before the onset.
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

impl Story {
    /// Holds what was seen since the onset against what was before. `None` when nothing was seen since, or there
    /// is nothing to compare with.
    pub(super) fn measure(&self, condition: Condition, ground: &Ground<'_>) -> Option<Measured> {
        let periods = ground.periods;
        let width = bin_width(periods);
        let held: Vec<&Held> = self.held.iter().filter(|held| !held.is_habit(periods)).collect();
        let runs: Vec<(&Held, Vec<UnixNanos>)> =
            held.iter().map(|held| (*held, held.lasting(condition.patience(), periods))).collect();
        let first = self
            .happened
            .iter()
            .map(|happened| happened.at)
            .chain(runs.iter().filter_map(|(_, on)| on.first().copied()))
            .filter(|at| *at >= periods.start && *at < periods.end)
            .min()?;
        // What begins shortly before the estimate of the onset, after long silence, began then.
        let normal = periods.normal_until();
        let is_late = (first - periods.start) as f64 >= QUIET * (normal - periods.start) as f64;
        let split = if first < normal && is_late { first } else { normal };
        let (since, cost) = if split < normal { (split, LOOKED) } else { (periods.onset, 0.0) };
        let is_before = |at: UnixNanos| at >= periods.start && at < split;
        let is_since = |at: UnixNanos| at >= since && at < periods.end;

        let mut counts = [ground.usual.count, 0.0];
        let mut now: BTreeMap<Arc<str>, (f64, From)> = BTreeMap::new();
        let mut is_current = false;
        for happened in &self.happened {
            if is_before(happened.at) {
                counts[0] += happened.count;
            } else if is_since(happened.at) {
                counts[1] += happened.count;
                is_current |= periods.is_during(happened.at);
                let of = now.entry(happened.object.clone()).or_insert((0.0, happened.from));
                of.0 += happened.count;
            }
        }
        for spread in &self.spread {
            counts[0] += spread.within(periods.start, split);
            counts[1] += spread.within(since, periods.end);
        }
        let seconds = |nanos: UnixNanos| nanos.max(0) as f64 / 1e9;
        let exposure = [seconds(split - periods.start) + ground.usual.seconds, seconds(periods.end - since)];
        let quiet = |usual: f64| if usual < 0.5 { ground.quiet.max(1) as f64 } else { 1.0 };
        let of_count = if counts[1] > 0.0 {
            rates_g(counts[0], exposure[0] * quiet(counts[0]), counts[1], exposure[1])
        } else {
            0.0
        };

        let bins = |keep: &dyn Fn(UnixNanos) -> bool, of: &mut dyn Iterator<Item = UnixNanos>| {
            of.filter(|at| keep(*at)).map(|at| at.div_euclid(width)).collect::<BTreeSet<_>>()
        };
        let all_on = || runs.iter().flat_map(|(_, on)| on.iter().copied());
        let [mut on_before, on_since] = [bins(&is_before, &mut all_on()), bins(&is_since, &mut all_on())];
        let seen_before = bins(&is_before, &mut ground.watched.iter().copied());
        let seen_since = bins(&is_since, &mut ground.watched.iter().copied());
        on_before.retain(|bin| seen_before.contains(bin));
        let trials =
            [seen_before.len() as f64 + ground.usual.held[1], seen_since.union(&on_since).count() as f64];
        let on = [on_before.len() as f64 + ground.usual.held[0], on_since.len() as f64];
        let shares = [0, 1].map(|side: usize| {
            let (on, all) = (on.get(side).copied().unwrap_or(0.0), trials.get(side).copied().unwrap_or(0.0));
            if all > 0.0 { on / all } else { 0.0 }
        });
        let of_share = if on[1] > 0.0 && trials[0] > 0.0 {
            binomial_g(on[0], trials[0] * quiet(on[0]), on[1], trials[1])
        } else {
            0.0
        };
        for (held, moments) in &runs {
            let since = moments.iter().filter(|at| is_since(**at)).count();
            is_current |= moments.iter().any(|at| periods.is_during(*at));
            if since > 0 {
                let of = now.entry(held.object.clone()).or_insert((0.0, From::Series(held.series)));
                of.0 += since as f64;
            }
        }
        let g = of_count.max(of_share);
        if !is_current || g <= 0.0 {
            return None;
        }
        let decibans = (decibans_of_g(g, ground.places) - cost).min(condition.most());
        let mut objects: Vec<(Arc<str>, (f64, From))> = now.into_iter().collect();
        objects.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        let source = objects.first()?.1.1;
        Some(Measured {
            decibans,
            first: if on[0] + counts[0] < 0.5 { first } else { first.max(since) },
            counts,
            shares,
            by_share: of_share > of_count,
            objects: objects.into_iter().map(|(object, _)| object).collect(),
            source,
        })
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
