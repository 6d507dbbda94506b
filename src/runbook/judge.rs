use super::{Bound, Expect, Op};

/// Outcome of a check. Unknown is never false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }

    /// `None` when unknown.
    pub fn known(self) -> Option<bool> {
        match self {
            Self::True => Some(true),
            Self::False => Some(false),
            Self::Unknown => None,
        }
    }

    fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// One series of an answer, or all that a selection of logs or spans found. Non-finite numbers count as no
/// data wherever they stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Which series, e.g. `{pod="cart-7f"}`; may be empty.
    pub name: String,
    /// The one number that a plain comparison looks at; `None` when there is none.
    pub level: Option<f64>,
    /// The same when things were normal.
    pub baseline_level: Option<f64>,
    /// Samples or durations in ascending order of time. A row with a level and no samples says:
    /// looked, and found none.
    pub samples: Vec<f64>,
    pub baseline: Vec<f64>,
    /// The level is a count that was cut short: it is at least this.
    pub at_least: bool,
}

/// What a source answered to a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// Empty: no data.
    pub rows: Vec<Row>,
    /// Log bodies or status messages, for `matches`.
    pub texts: Vec<String>,
    /// Whether the answer held all that was asked for, or a fair sample of it.
    pub complete: bool,
    /// It is a sample: enough for numbers, not to say that a text is nowhere.
    pub sampled: bool,
}

/// Which rows have to satisfy a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Any,
    Every,
}

impl Expect {
    /// Judges an answer as an alert rule would: one series that satisfies it is enough. No data, or nothing
    /// that satisfies it in an incomplete answer, is unknown; only `absent` takes a complete and empty
    /// answer for a yes.
    pub fn judge(&self, observed: &Observation) -> Truth {
        self.judge_rows(observed, Which::Any)
    }

    /// The same for a verification: every series has to satisfy it, and a single one that does not is a no.
    pub fn judge_every(&self, observed: &Observation) -> Truth {
        self.judge_rows(observed, Which::Every)
    }

    fn judge_rows(&self, observed: &Observation, which: Which) -> Truth {
        let found = !observed.texts.is_empty() || observed.rows.iter().any(|row| has_data(&row.samples));
        // a row that counts to none: the source knows the subject and found nothing
        let counted = observed.rows.iter().any(|row| row.level.is_some_and(f64::is_finite));
        match self {
            Self::Absent if found => Truth::False,
            Self::Absent if observed.complete => Truth::True,
            Self::Present if found => Truth::True,
            Self::Present if observed.complete && counted => Truth::False,
            Self::Absent | Self::Present => Truth::Unknown,
            Self::Matches(regex) => {
                if observed.texts.iter().any(|text| regex.is_match(text)) {
                    Truth::True
                } else if observed.complete && !observed.sampled && (found || counted) {
                    Truth::False
                } else {
                    Truth::Unknown
                }
            }
            Self::Increasing => combine(observed, which, |row| increasing(&row.samples)),
            Self::Compare { quantile, op, bound } => {
                combine(observed, which, |row| compare(row, *quantile, *op, *bound))
            }
        }
    }
}

fn combine(observed: &Observation, which: Which, judge: impl Fn(&Row) -> Truth) -> Truth {
    let mut unknown = observed.rows.is_empty() || !observed.complete;
    let decides = if which == Which::Any { Truth::True } else { Truth::False };
    for row in &observed.rows {
        match judge(row) {
            truth if truth == decides => return decides,
            Truth::Unknown => unknown = true,
            _ => {}
        }
    }
    match (unknown, which) {
        (true, _) => Truth::Unknown,
        (false, Which::Any) => Truth::False,
        (false, Which::Every) => Truth::True,
    }
}

fn compare(row: &Row, quantile: Option<f64>, op: Op, bound: Bound) -> Truth {
    let (now, normal) = match quantile {
        None => (row.level.filter(|level| level.is_finite()), row.baseline_level),
        Some(percent) => (self::quantile(&row.samples, percent), self::quantile(&row.baseline, percent)),
    };
    let against = match bound {
        Bound::Fixed(quantity) => Some(quantity.value()),
        Bound::Baseline(times) => normal.filter(|normal| normal.is_finite()).map(|normal| normal * times),
    };
    // nothing then and nothing now: the question may simply not fit this service
    let never = quantile.is_none() && row.samples.is_empty() && now == Some(0.0) && normal == Some(0.0);
    if never && matches!(bound, Bound::Baseline(_)) {
        return Truth::Unknown;
    }
    let may_grow = row.at_least && quantile.is_none();
    match (now, against) {
        (Some(now), Some(against)) if may_grow && !(op.exceeds() && op.holds(now, against)) => Truth::Unknown,
        (Some(now), Some(against)) => Truth::of(op.holds(now, against)),
        _ => Truth::Unknown,
    }
}

fn has_data(samples: &[f64]) -> bool {
    samples.iter().any(|sample| sample.is_finite())
}

/// The percentile of the finite samples, by linear interpolation between neighbours.
pub fn quantile(samples: &[f64], percent: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let rank = (percent / 100.0).clamp(0.0, 1.0) * last as f64;
    let below = *sorted.get(rank.floor() as usize)?;
    let above = *sorted.get(rank.ceil() as usize)?;
    Some(below + (above - below) * rank.fract())
}

pub(super) fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 50.0)
}

/// Whether samples rise: most pairs are in order (Kendall's tau of at least 0.6), and the last third lies
/// above the first by more than a twentieth. Fewer than five samples say nothing.
fn increasing(samples: &[f64]) -> Truth {
    const FEWEST: usize = 5;
    const MOST: usize = 120;
    let finite: Vec<f64> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
    if finite.len() < FEWEST {
        return Truth::Unknown;
    }
    let stride = finite.len().div_ceil(MOST);
    let thinned: Vec<f64> = finite.iter().copied().step_by(stride).collect();
    let (mut in_order, mut pairs) = (0.0, 0.0);
    for (at, earlier) in thinned.iter().enumerate() {
        for later in thinned.iter().skip(at + 1) {
            pairs += 1.0;
            in_order += match later.total_cmp(earlier) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
            };
        }
    }
    let third = thinned.len().div_ceil(3);
    let first = median(thinned.get(..third).unwrap_or_default());
    let last = median(thinned.get(thinned.len() - third..).unwrap_or_default());
    match (first, last) {
        (Some(first), Some(last)) => {
            Truth::of(pairs > 0.0 && in_order / pairs >= 0.6 && last - first > 0.05 * first.abs())
        }
        _ => Truth::Unknown,
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
