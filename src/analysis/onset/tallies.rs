//! Counts over time whose rate may have changed: how often an operation's executions make a call, log a line,
//! fail, or are slow.
//!
//! Each is a part of something (so many of so many executions), compared before and after a moment, with a
//! healthy recording on the side of before. What is normally always so and then never is found in a handful
//! of executions.

use std::collections::BTreeMap;

use quell_sdk::signal::{SpanStatus, UnixNanos};

use crate::analysis::{
    hash::{HashMap, HashSet},
    logs::{Mined, TemplateId},
    series::quantile,
    significance::{binomial_g, decibans_of_g, rule},
    traces::{Forest, Traced, gap},
};

/// Samples of an operation from which on its own past says what is normal for it.
const ENOUGH: usize = 8;
/// Most operations that are counted.
const OPERATIONS: usize = 3_000;
/// Executions on both sides below which nothing is said.
const FEWEST: (f64, f64) = (4.0, 2.0);

/// Decibans that every count may differ by between two days.
const FAINT: f64 = 6.0;

#[derive(Clone, Default)]
struct Count {
    /// Of the healthy recording.
    reference: [f64; 2],
    /// Per bin: those that did, and all.
    bins: Vec<[f64; 2]>,
    /// Whether becoming rarer is bad as well.
    falls: bool,
    /// What a rise counts.
    weight: f64,
}

/// All counts of a case.
pub(super) struct Tallies {
    start: UnixNanos,
    width: UnixNanos,
    counts: Vec<Count>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Calls(u32, u32),
    Fails(u32),
    Slow(u32),
    /// Time lost between a caller's operation and its callee's.
    Gap(u32, u32),
}

impl Tallies {
    pub(super) fn new(
        traced: &Traced<'_>,
        mined: &Mined<'_>,
        (start, end): (UnixNanos, UnixNanos),
        width: UnixNanos,
    ) -> Self {
        let bins = usize::try_from((end - start) / width).unwrap_or(0).min(10_000) + 1;
        let mut did: HashMap<Key, Count> = HashMap::default();
        let mut all: HashMap<u32, Count> = HashMap::default();
        let limits = Limits::new(traced);
        let kept = often(traced);
        for forest in [&traced.now, &traced.reference] {
            let is_reference = std::ptr::eq(forest, &raw const traced.reference);
            for (index, span) in forest.spans.iter().enumerate() {
                let slot =
                    (!is_reference).then(|| usize::try_from((span.start - start) / width).unwrap_or(0));
                let is_outside = !is_reference && (span.start < start || span.start >= end);
                if is_outside || mined.is_disturbed(is_reference, index) {
                    continue;
                }
                let operation = forest.operation(index);
                if !kept.contains(&operation) {
                    continue;
                }
                count(all.entry(operation).or_default(), slot, bins, 1);
                let mut note = |key: Key| count(did.entry(key).or_default(), slot, bins, 0);
                let mut children: Vec<u32> =
                    forest.children(index).map(|child| forest.operation(child)).collect();
                children.sort_unstable();
                children.dedup();
                children.into_iter().for_each(|child| note(Key::Calls(operation, child)));
                if span.status == SpanStatus::Error {
                    note(Key::Fails(operation));
                }
                if let Some(callee) = callee(traced, forest, index) {
                    if gap(forest, index)
                        .is_some_and(|seconds| seconds > limits.of((operation, Some(callee))))
                    {
                        note(Key::Gap(operation, callee));
                    }
                } else if forest.self_nanos(index) as f64 / 1e9 > limits.of((operation, None)) {
                    note(Key::Slow(operation));
                }
            }
        }
        let calls: HashMap<(u32, u32), Count> = did
            .iter()
            .filter_map(|(key, count)| match key {
                Key::Calls(operation, child) => Some(((*operation, *child), count.clone())),
                _ => None,
            })
            .collect();
        let mut counts: Vec<(Key, Count)> = did
            .into_iter()
            .filter_map(|(key, mut did)| {
                // Executions that could have; for a gap, those that called.
                let (of, part) = match key {
                    Key::Calls(operation, _) | Key::Fails(operation) | Key::Slow(operation) => {
                        (all.get(&operation)?, 1)
                    }
                    Key::Gap(operation, callee) => (calls.get(&(operation, callee))?, 0),
                };
                did.bins.resize(bins, [0.0; 2]);
                did.falls = matches!(key, Key::Calls(..));
                did.weight = if did.falls { 0.5 } else { 1.0 };
                did.reference[1] = of.reference[part];
                for (bin, of) in did.bins.iter_mut().zip(&of.bins) {
                    bin[1] = of[part];
                }
                Some((key, did))
            })
            .collect();
        counts.sort_by_key(|(key, _)| *key);
        let mut counts: Vec<Count> = counts.into_iter().map(|(_, count)| count).collect();
        counts.extend(of_lines(mined, &all, (start, end), width, bins));
        Self { start, width, counts }
    }

    /// For each of the moments, in ascending order: how many decibans speak for a change there. Faint
    /// ones are left out: many of those are the difference of two days.
    pub(super) fn support(&self, moments: &[UnixNanos]) -> Vec<f64> {
        // Only what explains most is looked for, and counts of one fault come together: a full correction for all
        // that was looked at would silence rare operations.
        let places = self.counts.len().isqrt();
        let mut support = vec![0.0; moments.len()];
        for count in &self.counts {
            let mut sums = Vec::with_capacity(count.bins.len() + 1);
            let mut sum = [0.0, 0.0];
            sums.push(sum);
            for bin in &count.bins {
                sum = [sum[0] + bin[0], sum[1] + bin[1]];
                sums.push(sum);
            }
            // Where nothing happened since the moment before, the same is to be said.
            let mut last = ([f64::NAN; 2], 0.0);
            for (moment, support) in moments.iter().zip(&mut support) {
                // The first bin that lies wholly after the moment: what is counted came after it.
                let bin = (moment - self.start).saturating_add(self.width - 1) / self.width;
                let bin = usize::try_from(bin).unwrap_or(0);
                let Some(before) = sums.get(bin.min(sums.len() - 1)) else { continue };
                if *before == last.0 {
                    *support += last.1;
                    continue;
                }
                last = (*before, 0.0);
                let normal = [before[0] + count.reference[0], before[1] + count.reference[1]];
                let after = [sum[0] - before[0], sum[1] - before[1]];
                if normal[1] < FEWEST.0 || after[1] < FEWEST.1 {
                    continue;
                }
                let g = binomial_g(normal[0], normal[1], after[0], after[1]);
                let is_bad = g > 0.0 || count.falls;
                if is_bad {
                    // Where an operation does one thing or another, its workload may have changed.
                    let share = normal[0] / normal[1];
                    let weight = if g > 0.0 { rule(1.0 - share) * count.weight } else { rule(share) };
                    last.1 = (weight * decibans_of_g(g, places) - FAINT).max(0.0);
                    *support += last.1;
                }
            }
        }
        support
    }
}

fn count(counts: &mut Count, slot: Option<usize>, bins: usize, part: usize) {
    let cell = match slot {
        None => Some(&mut counts.reference),
        Some(slot) => {
            if counts.bins.is_empty() {
                counts.bins.resize(bins, [0.0; 2]);
            }
            counts.bins.get_mut(slot)
        }
    };
    if let Some(value) = cell.and_then(|cell| cell.get_mut(part)) {
        *value += 1.0;
    }
}

/// How often lines are logged per execution of the operation that logs them.
fn of_lines(
    mined: &Mined<'_>,
    all: &HashMap<u32, Count>,
    (start, end): (UnixNanos, UnixNanos),
    width: UnixNanos,
    bins: usize,
) -> Vec<Count> {
    let mut counts: BTreeMap<TemplateId, Count> = BTreeMap::new();
    for line in mined.lines.iter().filter(|line| {
        line.is_first
            && !line.is_disturbed
            && !mined.is_sampled_away(line)
            && (line.is_reference || line.at >= start && line.at < end)
    }) {
        let slot = (!line.is_reference).then(|| usize::try_from((line.at - start) / width).unwrap_or(0));
        count(counts.entry(line.template).or_default(), slot, bins, 0);
    }
    counts
        .into_iter()
        .filter_map(|(id, mut count)| {
            let template = mined.templates.get(&id)?;
            let operations = template.emitters()?;
            count.bins.resize(bins, [0.0; 2]);
            count.falls = !template.is_error;
            count.weight = if template.is_error { 1.0 } else { 0.5 };
            for of in operations.iter().filter_map(|operation| all.get(operation)) {
                count.reference[1] += of.reference[1];
                for (bin, of) in count.bins.iter_mut().zip(&of.bins) {
                    bin[1] += of[1];
                }
            }
            Some(count)
        })
        .collect()
}

/// The operations that were executed often enough to tell, at most so many of them: names are what others make
/// them, and every one costs a row of bins.
fn often(traced: &Traced<'_>) -> HashSet<u32> {
    let mut counts: HashMap<u32, usize> = HashMap::default();
    for forest in [&traced.now, &traced.reference] {
        for index in 0..forest.spans.len() {
            *counts.entry(forest.operation(index)).or_default() += 1;
        }
    }
    let least = (FEWEST.0 + FEWEST.1) as usize;
    let mut often: Vec<(usize, u32)> = counts
        .into_iter()
        .filter(|(_, count)| *count >= least)
        .map(|(operation, count)| (count, operation))
        .collect();
    often.sort_unstable_by(|a, b| b.cmp(a));
    often.into_iter().take(OPERATIONS).map(|(_, operation)| operation).collect()
}

/// What is timed: an operation's own time, or the gap between it and the callee's operation.
type Timed = (u32, Option<u32>);

/// The operation at the other end, for the caller's half of a call.
fn callee(traced: &Traced<'_>, forest: &Forest<'_>, index: usize) -> Option<u32> {
    let child = forest.children(index).next().filter(|_| traced.is_caller_half(forest, index))?;
    Some(forest.operation(child))
}

/// Above what something is slow.
struct Limits {
    of: HashMap<Timed, f64>,
    /// For gaps that were hardly seen before: what is slow for all gaps together.
    gaps: f64,
}

impl Limits {
    /// The 95th percentiles of the healthy recording, or else of the first part of this one.
    fn new(traced: &Traced<'_>) -> Self {
        let mut values: HashMap<Timed, Vec<f64>> = HashMap::default();
        let mut gaps = Vec::new();
        let (forest, upto) = if traced.reference.spans.is_empty() {
            (&traced.now, traced.now.spans.len() * 2 / 5)
        } else {
            (&traced.reference, traced.reference.spans.len())
        };
        for index in 0..upto {
            let callee = callee(traced, forest, index);
            let seconds = match callee {
                Some(_) => gap(forest, index),
                None => Some(forest.self_nanos(index) as f64 / 1e9),
            };
            if callee.is_some() {
                gaps.extend(seconds);
            }
            values.entry((forest.operation(index), callee)).or_default().extend(seconds);
        }
        let least = traced.noticeable();
        let limit = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let usual = quantile(&values, 0.5).filter(|_| values.len() >= ENOUGH)?;
            Some(quantile(&values, 0.95)?.max(usual * 1.5).max(usual + least))
        };
        let of = values.into_iter().filter_map(|(timed, values)| Some((timed, limit(values)?))).collect();
        Self { of, gaps: limit(gaps).unwrap_or(f64::MAX) }
    }

    fn of(&self, timed: Timed) -> f64 {
        let unknown = if timed.1.is_some() { self.gaps } else { f64::MAX };
        self.of.get(&timed).copied().unwrap_or(unknown)
    }
}
