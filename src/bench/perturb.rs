use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use quell_sdk::local::Store;

use super::draw::uniform;
use crate::{bundle::Bundle, domain::SignalKind};

/// A part of a whole, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    pub const ALL: Self = Self(1.0);
    pub const NONE: Self = Self(0.0);

    pub fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Share {
    type Err = String;

    /// Reads `10%` or `0.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no share; write 10% or 0.1");
        let (number, unit) = match text.trim().strip_suffix('%') {
            Some(number) => (number, 100.0),
            None => (text, 1.0),
        };
        let share: f64 = number.trim().parse().map_err(|_| wrong())?;
        let share = share / unit;
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}%", self.0 * 100.0)
    }
}

/// What is taken from a bundle, or made wrong in it, before it is investigated. The healthy recording that it
/// names suffers the same, as what is not recorded, sampled away or on a wrong clock is so on every day.
#[derive(Clone, Debug, PartialEq)]
pub struct Perturbation {
    /// Signals that were never recorded. Without topology, calls are still known from traces.
    pub ablate: BTreeSet<SignalKind>,
    /// The page comes, and the onset is found, that much later; earlier when negative.
    pub onset_shift: SignedDuration,
    /// Share of metric series that are missing.
    pub drop: Share,
    /// Share of traces that are kept, each whole.
    pub traces: Share,
    /// Each service's clock is wrong by up to this much, either way.
    pub skew: Duration,
    pub seed: u64,
}

impl Default for Perturbation {
    fn default() -> Self {
        Self {
            ablate: BTreeSet::new(),
            onset_shift: SignedDuration::ZERO,
            drop: Share::NONE,
            traces: Share::ALL,
            skew: Duration::ZERO,
            seed: 7,
        }
    }
}

impl Perturbation {
    /// What can be ablated.
    pub const SIGNALS: [SignalKind; 5] = [
        SignalKind::Metrics,
        SignalKind::Logs,
        SignalKind::Traces,
        SignalKind::Changes,
        SignalKind::Topology,
    ];

    /// The signal of that name.
    pub fn signal(word: &str) -> Result<SignalKind, String> {
        let known = Self::SIGNALS.into_iter().find(|signal| signal.as_str() == word.trim());
        known.ok_or_else(|| {
            format!("{word:?} is none of {}", Self::SIGNALS.map(SignalKind::as_str).join(", "))
        })
    }

    /// Whether it leaves everything as it is.
    pub fn is_none(&self) -> bool {
        Self { seed: self.seed, ..Self::default() } == *self
    }

    /// Conditions under which telemetry is read in practice: whole, sampled, with gaps, on wrong clocks, and paged
    /// early or late. How often answers are right over all of them is what confidence should promise: incidents to
    /// come are no cleaner than those that are kept.
    pub fn conditions() -> Vec<Self> {
        let as_it_is = Self::default;
        vec![
            as_it_is(),
            Self { traces: Share(0.5), ..as_it_is() },
            Self { traces: Share(0.5), seed: 8, ..as_it_is() },
            Self { onset_shift: SignedDuration::from_secs(60), ..as_it_is() },
            Self { onset_shift: SignedDuration::from_secs(-60), ..as_it_is() },
            Self { drop: Share(0.1), ..as_it_is() },
            Self { skew: Duration::from_secs(2), ..as_it_is() },
        ]
    }

    /// In a few words; empty when it changes nothing.
    pub fn phrase(&self) -> String {
        let mut words: Vec<String> =
            self.ablate.iter().map(|signal| format!("without {}", signal.as_str())).collect();
        if !self.onset_shift.is_zero() {
            words.push(format!("onset {:+} s", self.onset_shift.as_secs_f64()));
        }
        if self.drop > Share::NONE {
            words.push(format!("{} of series missing", self.drop));
        }
        if self.traces < Share::ALL {
            words.push(format!("{} of traces kept", self.traces));
        }
        if !self.skew.is_zero() {
            words.push(format!("clocks wrong by up to {} s", self.skew.as_secs_f64()));
        }
        words.join(", ")
    }

    /// As [`Perturbation::phrase`], in words where it changes nothing.
    pub fn words(&self) -> String {
        match self.phrase() {
            phrase if phrase.is_empty() => "as recorded".to_owned(),
            phrase => phrase,
        }
    }

    /// Does it. The same seed does the same, in any bundle.
    pub fn apply(&self, bundle: &mut Bundle) {
        if self.is_none() {
            return;
        }
        let moved = |at: Timestamp| at.saturating_add(self.onset_shift).unwrap_or(at);
        for alert in &mut bundle.alerts {
            alert.starts_at = moved(alert.starts_at);
            alert.ends_at = alert.ends_at.map(moved);
        }
        self.telemetry(bundle);
        if let Some(reference) = &mut bundle.reference {
            self.telemetry(reference);
        }
    }

    fn telemetry(&self, bundle: &mut Bundle) {
        let store = Arc::make_mut(&mut bundle.store);
        let recorded = &mut bundle.recorded;
        for signal in &self.ablate {
            match signal {
                SignalKind::Metrics => {
                    (store.series, recorded.metrics) = (Vec::new(), false);
                    store.meta.clear();
                }
                SignalKind::Logs => (store.logs, recorded.logs) = (Vec::new(), false),
                SignalKind::Traces => (store.spans, recorded.traces) = (Vec::new(), false),
                SignalKind::Changes => (store.changes, recorded.changes) = (Vec::new(), false),
                SignalKind::Topology => (store.edges, recorded.topology) = (Vec::new(), false),
                SignalKind::Alert => {}
            }
        }
        self.thin(store);
        self.wrong_clocks(store);
    }

    fn thin(&self, store: &mut Store) {
        if self.drop > Share::NONE {
            store.series.retain(|series| {
                let labels =
                    series.labels.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
                let identity = [b"series".as_slice(), series.name.as_bytes()].into_iter().chain(labels);
                uniform(self.seed, identity) >= self.drop.get()
            });
        }
        if self.traces < Share::ALL {
            store
                .spans
                .retain(|span| uniform(self.seed, [&b"trace"[..], &span.trace_id.0]) < self.traces.get());
        }
    }

    fn wrong_clocks(&self, store: &mut Store) {
        if self.skew.is_zero() {
            return;
        }
        let offset = |service: &str| {
            let drawn = uniform(self.seed, [&b"clock"[..], service.as_bytes()]);
            ((drawn * 2.0 - 1.0) * self.skew.as_secs_f64() * 1e9) as i64
        };
        for span in &mut store.spans {
            let offset = offset(&span.service);
            span.start = span.start.saturating_add(offset);
            span.end = span.end.saturating_add(offset);
        }
        for record in &mut store.logs {
            record.at = record.at.saturating_add(offset(&record.service));
        }
        // Queries rely on the order.
        store.sort();
    }
}
