//! The score of a path: user-minutes that it saves, less what trying it may cost.
//!
//! `gain = P(fix) x impact x (horizon - eta)`;
//! `harm = (1 - P(fix)) x eta x impact + risk x blast x (undo time, or 4 horizons when there is no undo)`.
//! Impact is users affected per hundred. Every term is kept as a factor, so that the order can be
//! explained.

use crate::domain::{Blast, Factor, RecoveryPath, Risk};

/// Minutes over which a recovery pays off.
const HORIZON: f64 = 60.0;
/// Horizons that it costs to break something that cannot be undone.
const HARD: f64 = 4.0;

/// Chance that a step of this risk makes things worse.
pub(super) fn chance_of_harm(risk: Risk) -> f64 {
    match risk {
        Risk::None => 0.0,
        Risk::Low => 0.02,
        Risk::Medium => 0.08,
        Risk::High => 0.25,
        Risk::Unknown => 0.3,
    }
}

/// How much a step touches, in pods.
pub(super) fn size(blast: Blast) -> f64 {
    match blast {
        Blast::Pod => 1.0,
        Blast::Node => 2.0,
        Blast::Service => 5.0,
        Blast::Zone => 15.0,
        Blast::Cluster => 40.0,
        Blast::Global => 100.0,
        Blast::Data => 200.0,
    }
}

/// Scores a path, given the share of users affected (0 to 1).
pub(super) fn score(path: &mut RecoveryPath, impact: f64) {
    let users = (impact * 100.0).clamp(1.0, 100.0);
    let eta = path.eta.as_secs_f64() / 60.0;
    let fix = path.probability_of_fix;
    let gain = fix * users * (HORIZON - eta).max(0.0);
    let wasted = (1.0 - fix) * eta * users;
    let undo = if path.reversible { eta.max(1.0) } else { HARD * HORIZON };
    let risk = chance_of_harm(path.risk) * size(path.blast) * undo * users / 5.0;
    let factor = |name: &str, value: f64, text: String| Factor { name: name.to_owned(), value, text };
    path.factors = vec![
        factor("P(fix)", fix, format!("{:.0} % likely to end it", fix * 100.0)),
        factor("impact", users, format!("{users:.0} of 100 requests affected")),
        factor("eta", eta, format!("{eta:.1} min until it shows")),
        factor("gain", gain, format!("{gain:.0} user-minutes saved if it works")),
        factor("wasted", -wasted, format!("{wasted:.0} user-minutes lost if it does not")),
        factor(
            "risk",
            -risk,
            format!(
                "{} risk, blast {}, {}",
                path.risk.as_str(),
                path.blast.as_str(),
                if path.reversible { "reversible" } else { "not reversible" }
            ),
        ),
    ];
    path.score = gain - wasted - risk;
}
