//! From arguments to probabilities.
//!
//! Log-odds add up, which is right only for independent evidence. Symptoms of one fault are anything but
//! independent, so the sum is tempered before it becomes a probability. "None of these" competes too, and
//! what was not seen caps how sure anybody can be.

use std::collections::BTreeMap;

use super::calibration;
use crate::domain::{Decibans, Entity, Hypothesis, SignalKind};

/// Exponent of the tempered odds: how much of a deciban is left when evidence overlaps as symptoms of one
/// fault do.
const TEMPER: f64 = 0.8;
/// Log-odds of "none of these", in decibans: what a place with one clear symptom reaches.
const NONE: f64 = 6.0;
/// Most that may be claimed with no signal, with one, and so on up to all four.
const CAPS: [f64; 5] = [0.3, 0.95, 0.96, 0.97, 0.97];
/// Bound of a raw score, in decibans either way: one in a million.
const MOST: Decibans = 60.0;

/// Sets probabilities and puts the hypotheses in rank order.
///
/// Entities compete with each other and with "none of these"; at one entity its changes compete with each other
/// and with "no change did it". What remains, the kinds of fault at one entity, are nested more than rival
/// claims: a slow query is a slowdown. The best of them carries the figure of the place; the others are told
/// with their part of it. What the first one's odds are worth is known from labelled incidents; the others share
/// what it leaves as they did before.
pub(super) fn weigh(hypotheses: &mut [Hypothesis], seen: &[SignalKind]) {
    for hypothesis in hypotheses.iter_mut() {
        hypothesis.arguments.sort_by(|a, b| a.test.cmp(&b.test));
    }
    let stated = stated(hypotheses);
    for (hypothesis, probability) in hypotheses.iter_mut().zip(stated) {
        hypothesis.probability = probability;
    }
    hypotheses.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then_with(|| b.log_odds().total_cmp(&a.log_odds()))
            .then_with(|| a.id.cmp(&b.id))
    });
    let Some((first, others)) = hypotheses.split_first_mut() else { return };
    let signals = [SignalKind::Metrics, SignalKind::Logs, SignalKind::Traces, SignalKind::Changes];
    let answered = signals.iter().filter(|signal| seen.contains(signal)).count();
    let cap = CAPS.get(answered).copied().unwrap_or(0.97);
    let before = first.probability;
    // A table that cannot be read is a defect that a test finds; the odds as they are stand in for it.
    let worth = calibration().map_or(before, |table| table.apply(decibans(before)));
    first.probability = worth.min(cap);
    for other in others {
        let is_nested = other.entity == first.entity && other.change_id == first.change_id;
        let scale = if is_nested {
            first.probability / before.max(f64::MIN_POSITIVE)
        } else {
            (1.0 - first.probability) / (1.0 - before).max(f64::MIN_POSITIVE)
        };
        other.probability = (other.probability * scale).min(first.probability);
    }
}

/// What the arguments alone make of each hypothesis, in the same order.
fn stated(hypotheses: &[Hypothesis]) -> Vec<f64> {
    let odds = |decibans: f64| {
        let decibans = if decibans.is_nan() { -300.0 } else { decibans.clamp(-300.0, 300.0) };
        10_f64.powf(TEMPER * decibans / 10.0)
    };
    let mut entities: BTreeMap<&Entity, BTreeMap<Option<&str>, f64>> = BTreeMap::new();
    for hypothesis in hypotheses {
        let branches = entities.entry(&hypothesis.entity).or_default();
        let best = branches.entry(hypothesis.change_id.as_deref()).or_insert(0.0);
        *best = best.max(odds(hypothesis.log_odds()));
    }
    let of_entity = |branches: &BTreeMap<Option<&str>, f64>| branches.values().copied().fold(0.0, f64::max);
    let total: f64 = odds(NONE) + entities.values().map(of_entity).sum::<f64>();
    hypotheses
        .iter()
        .map(|hypothesis| {
            let Some(branches) = entities.get(&hypothesis.entity) else { return 0.0 };
            let all: f64 = branches.values().sum();
            let best = branches.get(&hypothesis.change_id.as_deref()).copied().unwrap_or(0.0);
            let place = of_entity(branches) / total;
            let of_place = if all > 0.0 { best / all } else { 0.0 };
            let of_branch = if best > 0.0 { odds(hypothesis.log_odds()) / best } else { 0.0 };
            place * of_place * of_branch
        })
        .collect()
}

fn decibans(probability: f64) -> Decibans {
    let odds = probability / (1.0 - probability).max(f64::MIN_POSITIVE);
    (10.0 * odds.max(f64::MIN_POSITIVE).log10()).clamp(-MOST, MOST)
}

/// The log-odds of the best hypothesis before calibration: what a table is fitted to and applied to. `None`
/// without hypotheses.
pub fn raw_score(hypotheses: &[Hypothesis]) -> Option<Decibans> {
    stated(hypotheses).into_iter().max_by(f64::total_cmp).map(decibans)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Argument, Entity, FaultClass, HypothesisId};

    const ALL: &[SignalKind] =
        &[SignalKind::Metrics, SignalKind::Logs, SignalKind::Traces, SignalKind::Changes];

    fn hypothesis(id: u32, decibans: f64) -> Hypothesis {
        Hypothesis {
            id: HypothesisId(id),
            entity: Entity::service(format!("s{id}")),
            fault: FaultClass::Slowdown,
            change_id: None,
            runbook: None,
            claim: String::new(),
            prior: 0.0,
            arguments: vec![Argument {
                decibans,
                text: String::new(),
                evidence: Vec::new(),
                test: "t".to_owned(),
            }],
            probability: 0.0,
            onset: None,
            propagation: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn probabilities_are_probabilities(weights in prop::collection::vec(-200.0_f64..200.0, 0..30)) {
            let mut hypotheses: Vec<_> = (0_u32..).zip(&weights).map(|(id, weight)| hypothesis(id, *weight)).collect();
            weigh(&mut hypotheses, ALL);
            let sum: f64 = hypotheses.iter().map(|hypothesis| hypothesis.probability).sum();
            prop_assert!(sum <= 1.0 + 1e-9);
            prop_assert!(hypotheses.iter().all(|hypothesis| (0.0..=0.97).contains(&hypothesis.probability)));
            prop_assert!(hypotheses.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
        }

        #[test]
        fn an_argument_for_never_lowers_a_probability(base in -50.0_f64..50.0, more in 0.0_f64..50.0) {
            let rank = |weight: f64| {
                let mut hypotheses = vec![hypothesis(1, weight), hypothesis(2, 5.0)];
                weigh(&mut hypotheses, ALL);
                hypotheses.iter().find(|hypothesis| hypothesis.id.0 == 1).expect("there").probability
            };
            prop_assert!(rank(base + more) >= rank(base) - 1e-12);
        }
    }

    #[test]
    fn fewer_signals_cap_the_claim() {
        let mut hypotheses = vec![hypothesis(1, 100.0)];
        weigh(&mut hypotheses, &[SignalKind::Metrics]);
        assert!(hypotheses[0].probability <= 0.95);
    }
}
