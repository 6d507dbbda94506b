//! The words in which faults say what they predict.

use crate::domain::{Direction, EntityKind, FaultClass, IndicatorKind};

/// A condition on symptoms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    /// The entity shows an indicator of one of these kinds in one of these directions.
    Own(&'static [IndicatorKind], &'static [Direction]),
    /// One of its callers does.
    AtCallers(&'static [IndicatorKind], &'static [Direction]),
    /// One of its callees does.
    AtCallees(&'static [IndicatorKind], &'static [Direction]),
    /// Something outside that it calls shows one of these.
    AtOutside(&'static [IndicatorKind]),
    /// New or more frequent text of the entity (logs, span messages) holds one of these words.
    Says(&'static [&'static str]),
    /// Text of its callers does.
    CallersSay(&'static [&'static str]),
    /// The alerted service or the entity gets more requests.
    MoreRequests,
    /// The entity is of this kind.
    Is(EntityKind),
    /// The entity reports no telemetry while it is called.
    Silent,
    /// A change took effect on it shortly before the onset.
    Changed,
}

/// A sign with its weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prediction {
    pub name: &'static str,
    pub sign: Sign,
    /// Decibans when it is seen, at full strength of the symptom.
    pub seen: f64,
    /// Decibans when it is not, though the signal was there to show it.
    pub unseen: f64,
}

/// A sign under a name, with what it weighs seen and not seen.
pub(super) const fn predict(name: &'static str, sign: Sign, seen: f64, unseen: f64) -> Prediction {
    Prediction { name, sign, seen, unseen }
}

/// Class, decibans before any evidence, predictions.
pub(super) struct Signature {
    pub fault: FaultClass,
    pub prior: f64,
    pub predictions: &'static [Prediction],
}
