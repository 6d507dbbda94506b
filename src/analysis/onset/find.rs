//! The moment that explains most.

use quell_sdk::signal::UnixNanos;

use super::{
    tallies::Tallies,
    votes::{Vote, Votes},
};
use crate::analysis::{case::Periods, finding::Since, logs::Mined, traces::Traced};

/// The onset, or the stand-in for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    pub since: Since,
    /// Nothing changed: a usual distance before the page is assumed.
    pub assumed: bool,
    /// How many indicators changed level there.
    pub votes: usize,
    /// Where counts alone put it, when that is another moment: what is rare has little voice among indicators.
    pub rival: Option<UnixNanos>,
}

impl Onset {
    /// Latest moment at which what caused it may have happened. The onset is an estimate: a change that
    /// seems to have come a little after it may still have caused it.
    pub fn cause_by(&self, periods: &Periods) -> UnixNanos {
        let length = periods.end - periods.start;
        self.since.latest + (length / 10).clamp(2_000_000_000, 60_000_000_000)
    }
}

/// Distance before the page that is assumed when nothing is found: rules wait for minutes before they fire.
const USUAL: UnixNanos = 180_000_000_000;
/// Distance before the page at which a moment counts half: most rules fire within minutes.
const FAR: f64 = 900e9;
/// Moments tried, at most.
const TRIED: i64 = 90;
/// Part of the best support from which on a neighbouring moment may be the onset as well.
const PLATEAU: f64 = 0.9;
/// Least support of an onset, in decibans: what one clear change brings.
const LEAST: f64 = 4.0;

/// Finds the onset within `[start, end)`, given the moment of the page and the votes on it.
pub fn find(
    votes: &Votes,
    traced: &Traced<'_>,
    mined: &Mined<'_>,
    (start, end): (UnixNanos, UnixNanos),
    at: UnixNanos,
) -> Onset {
    let until = at.clamp(start, end);
    let width = bin_width(start, end);
    let votes = &votes.0;
    let tallies = Tallies::new(traced, mined, (start, end), width);
    let fine = (width / 2).max((until - start) / TRIED).max(1);
    let moments: Vec<UnixNanos> = (0..=(until - start) / fine)
        .map(|step| start + step * fine)
        .chain(votes.iter().map(|vote| vote.since.at))
        .collect();
    let mut moments: Vec<UnixNanos> = moments.into_iter().filter(|at| *at <= until).collect();
    moments.sort_unstable();
    moments.dedup();
    let of_tallies = tallies.support(&moments);
    let support: Vec<(UnixNanos, f64)> = moments
        .iter()
        .zip(&of_tallies)
        .map(|(moment, counted)| {
            let distance = (until - moment) as f64 / FAR;
            (*moment, (counted + heard(votes, *moment, width * 2)) / (1.0 + distance * distance))
        })
        .collect();
    let by_counts: Vec<(UnixNanos, f64)> = support
        .iter()
        .zip(&of_tallies)
        .map(|((moment, _), counted)| {
            let distance = (until - moment) as f64 / FAR;
            (*moment, counted / (1.0 + distance * distance))
        })
        .collect();
    let rival = by_counts.iter().max_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    let rival = rival.filter(|(_, most)| *most >= LEAST).map(|(moment, _)| *moment);
    let best = support.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1).then_with(|| b.0.cmp(&a.0)));
    match best {
        Some((index, best)) if best.1 >= LEAST => {
            let onset = plateau(&support, (index, *best), votes, width * 2);
            let is_other = |moment: &UnixNanos| (moment - onset.since.at).abs() > width;
            Onset { rival: rival.filter(is_other), ..onset }
        }
        _ => {
            let assumed = (until - USUAL.min((until - start) / 2)).max(start);
            let since = Since { at: assumed, earliest: start.max(assumed - USUAL), latest: until };
            Onset { since, assumed: true, votes: 0, rival: None }
        }
    }
}

/// The periods that follow from an onset.
pub fn periods(onset: &Onset, start: UnixNanos, end: UnixNanos) -> Periods {
    let slack = if onset.assumed { USUAL / 2 } else { bin_width(start, end).min(30_000_000_000) };
    Periods {
        start,
        onset: onset.since.at,
        end: end.max(onset.since.at + 1),
        guard: slack.min((onset.since.at - start).max(0) / 4),
    }
}

pub(super) fn bin_width(start: UnixNanos, end: UnixNanos) -> UnixNanos {
    ((end - start) / 60).clamp(1_000_000_000, 60_000_000_000)
}

/// Weight of the votes for a moment. A vote whose interval holds it counts whole.
fn heard(votes: &[Vote], moment: UnixNanos, width: UnixNanos) -> f64 {
    votes
        .iter()
        .map(|vote| {
            let distance = if moment < vote.since.earliest {
                vote.since.earliest - moment
            } else {
                (moment - vote.since.latest).max(0)
            };
            vote.weight * (-(distance as f64 / width as f64).powi(2)).exp()
        })
        .sum()
}

fn plateau(
    support: &[(UnixNanos, f64)],
    (best, (at, most)): (usize, (UnixNanos, f64)),
    votes: &[Vote],
    width: UnixNanos,
) -> Onset {
    let holds = |(_, of): &&(UnixNanos, f64)| *of >= PLATEAU * most;
    let earlier = support.get(..best).unwrap_or_default().iter().rev().take_while(holds).last();
    let later = support.get(best..).unwrap_or_default().iter().take_while(holds).last();
    Onset {
        since: Since {
            at,
            earliest: earlier.map_or(at, |(moment, _)| *moment),
            latest: later.map_or(at, |(moment, _)| *moment),
        },
        assumed: false,
        votes: votes.iter().filter(|vote| (vote.since.at - at).abs() <= width).count(),
        rival: None,
    }
}
