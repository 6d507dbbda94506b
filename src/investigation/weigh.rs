//! From arguments to probabilities.
//!
//! Log-odds add up, which is right only for independent evidence. Symptoms of one fault are anything but
//! independent, so the sum is tempered before it becomes a probability. "None of these" competes too, and
//! what was not seen caps how sure anybody can be.

use std::collections::BTreeMap;

use crate::domain::{Entity, Hypothesis, SignalKind};

/// Exponent of the tempered odds: how much of a deciban is left when evidence overlaps as symptoms of one
/// fault do.
const TEMPER: f64 = 0.8;
/// Log-odds of "none of these", in decibans: what a place with one clear symptom reaches.
const NONE: f64 = 6.0;
/// Most that may be claimed with all four signals, and with each one fewer.
const CAPS: [f64; 5] = [0.3, 0.6, 0.85, 0.93, 0.97];

/// Sets probabilities and puts the hypotheses in rank order.
///
/// Entities compete with each other and with "none of these"; at one entity its changes compete with each other
/// and with "no change did it". What remains, the kinds of fault at one entity, are nested more than rival
/// claims: a slow query is a slowdown. The best of them carries the figure of the place; the others are told
/// with their part of it.
pub(super) fn weigh(hypotheses: &mut [Hypothesis], seen: &[SignalKind]) {
    for hypothesis in hypotheses.iter_mut() {
        hypothesis.arguments.sort_by(|a, b| a.test.cmp(&b.test));
    }
    let odds = |decibans: f64| 10_f64.powf(TEMPER * decibans.clamp(-300.0, 300.0) / 10.0);
    let mut entities: BTreeMap<Entity, BTreeMap<Option<String>, f64>> = BTreeMap::new();
    for hypothesis in hypotheses.iter() {
        let branches = entities.entry(hypothesis.entity.clone()).or_default();
        let best = branches.entry(hypothesis.change_id.clone()).or_insert(0.0);
        *best = best.max(odds(hypothesis.log_odds()));
    }
    let of_entity = |branches: &BTreeMap<Option<String>, f64>| branches.values().copied().fold(0.0, f64::max);
    let total: f64 = odds(NONE) + entities.values().map(of_entity).sum::<f64>();
    let signals = [SignalKind::Metrics, SignalKind::Logs, SignalKind::Traces, SignalKind::Changes];
    let answered = signals.iter().filter(|signal| seen.contains(signal)).count();
    let cap = CAPS.get(answered).copied().unwrap_or(0.97);
    for hypothesis in hypotheses.iter_mut() {
        let Some(branches) = entities.get(&hypothesis.entity) else { continue };
        let all: f64 = branches.values().sum();
        let best = branches.get(&hypothesis.change_id).copied().unwrap_or(0.0);
        let place = of_entity(branches) / total;
        let of_place = if all > 0.0 { best / all } else { 0.0 };
        let of_branch = if best > 0.0 { odds(hypothesis.log_odds()) / best } else { 0.0 };
        hypothesis.probability = (place * of_place * of_branch).min(cap);
    }
    hypotheses.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then_with(|| b.log_odds().total_cmp(&a.log_odds()))
            .then_with(|| a.id.cmp(&b.id))
    });
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
        assert!(hypotheses[0].probability <= 0.6);
    }
}
