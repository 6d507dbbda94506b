//! A deviation from normal, before it becomes a symptom with evidence.

use quell_sdk::signal::UnixNanos;

use super::case::Periods;
use crate::domain::{Decibans, Direction, Entity, IndicatorKind, Language, Number, SignalKind, Trust};

/// When a finding began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub at: UnixNanos,
    pub earliest: UnixNanos,
    pub latest: UnixNanos,
}

/// One deviation.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub entity: Entity,
    pub signal: SignalKind,
    pub kind: IndicatorKind,
    /// What was measured, by its source's name for it.
    pub indicator: String,
    pub direction: Direction,
    pub baseline: f64,
    pub observed: f64,
    pub unit: String,
    /// Strength against noise, saturated; 0 is nothing.
    pub decibans: Decibans,
    /// How much of the whole system's excess of this kind is this entity's own, 0 to 1; `None` where shares
    /// make no sense.
    pub share: Option<f64>,
    pub since: Option<Since>,
    /// The onset that it was computed with, and the end of the stretch that counts as normal; `None` until stamped.
    pub divided_at: Option<UnixNanos>,
    pub normal_until: Option<UnixNanos>,
    /// The other end, when the finding is about a call.
    pub peer: Option<String>,
    pub language: Language,
    /// What to run at the source to see it.
    pub query: String,
    pub summary: String,
    pub numbers: Vec<Number>,
    pub trust: Trust,
    /// Where a person could have written the text that it quotes (log bodies, span messages).
    pub text: String,
}

impl Finding {
    /// Says which stretches were compared, for whoever repeats its query.
    pub fn stamp(&mut self, periods: &Periods) {
        self.divided_at = Some(periods.onset);
        self.normal_until = Some(periods.normal_until());
    }
}
