//! All time lost, in services and between them, as parts of one whole.

use super::{Traced, gap, gap::LOST, self_time};
use crate::{
    analysis::{case::Periods, finding::Finding},
    domain::IndicatorKind,
};

/// Finds the entities that lost time of their own and the calls that lost it on the way. Their shares are parts
/// of all time that was lost, in whichever way.
pub fn find(traced: &Traced<'_>, periods: &Periods) -> Vec<Finding> {
    let mut found = self_time::find(traced, periods);
    found.extend(gap::find(traced, periods));
    let seconds = |finding: &Finding| {
        let lost =
            finding.numbers.iter().find(|number| number.name == LOST).map_or(0.0, |number| number.value);
        match finding.kind {
            // Blamed on both ends of the call where it is not known which.
            IndicatorKind::NetworkGap => lost * finding.share.unwrap_or(1.0),
            _ => lost,
        }
    };
    let total: f64 = found.iter().map(seconds).sum();
    for finding in &mut found {
        finding.share = Some(seconds(finding) / total.max(f64::MIN_POSITIVE));
    }
    found
}
