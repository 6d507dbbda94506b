//! An alert in few bytes: a hundred thousand of them are kept.

use jiff::Timestamp;

use crate::domain::{Alert, AlertStatus, Labels};

/// An alert whose texts stand in one piece of memory. It costs a quarter of the alert, and two allocations
/// instead of some twenty.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    status: AlertStatus,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    has_url: bool,
    has_group: bool,
    /// How many of the pairs are labels; the others are annotations.
    labels: usize,
    text: Box<str>,
    /// Where each text ends: source, fingerprint, link, group key, then names and values.
    ends: Box<[u32]>,
}

impl Packed {
    pub(super) fn of(alert: &Alert) -> Self {
        let fixed = [
            alert.source.as_str(),
            &alert.fingerprint,
            alert.generator_url.as_deref().unwrap_or_default(),
            alert.group_key.as_deref().unwrap_or_default(),
        ];
        let pairs = alert.labels.iter().chain(&alert.annotations);
        let texts = || fixed.into_iter().chain(pairs.clone().flat_map(|(name, value)| [&**name, &**value]));
        let mut text = String::with_capacity(texts().map(str::len).sum());
        let mut ends = Vec::with_capacity(4 + 2 * (alert.labels.len() + alert.annotations.len()));
        for one in texts() {
            text.push_str(one);
            // A delivery has a megabyte at most.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self {
            status: alert.status,
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            has_url: alert.generator_url.is_some(),
            has_group: alert.group_key.is_some(),
            labels: alert.labels.len(),
            text: text.into_boxed_str(),
            ends: ends.into_boxed_slice(),
        }
    }

    pub(super) fn alert(&self) -> Alert {
        let mut begin = 0;
        let mut texts = self.ends.iter().map(|end| {
            let end = *end as usize;
            let text = self.text.get(begin..end).unwrap_or_default().to_owned();
            begin = end;
            text
        });
        let source = texts.next().unwrap_or_default();
        let fingerprint = texts.next().unwrap_or_default();
        let url = texts.next();
        let group = texts.next();
        let mut pairs = Vec::with_capacity(self.ends.len() / 2);
        while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
            pairs.push((name, value));
        }
        let annotations: Labels = pairs.split_off(self.labels.min(pairs.len())).into_iter().collect();
        Alert {
            source,
            status: self.status,
            labels: pairs.into_iter().collect(),
            annotations,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            generator_url: url.filter(|_| self.has_url),
            fingerprint,
            group_key: group.filter(|_| self.has_group),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs() -> impl Strategy<Value = Labels> {
        prop::collection::btree_map(".{0,5}", ".{0,9}", 0..6)
    }

    proptest! {
        #[test]
        fn what_is_unpacked_is_what_was_packed(
            labels in pairs(),
            annotations in pairs(),
            texts in (".{0,5}", ".{0,5}", prop::option::of(".{0,9}"), prop::option::of(".{0,9}")),
            ended in prop::option::of(0_i64..1_000_000),
        ) {
            let (source, fingerprint, generator_url, group_key) = texts;
            let at = |second| Timestamp::from_second(second).unwrap();
            let alert = Alert {
                source,
                status: if ended.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
                labels,
                annotations,
                starts_at: at(7),
                ends_at: ended.map(at),
                generator_url,
                fingerprint,
                group_key,
            };
            prop_assert_eq!(Packed::of(&alert).alert(), alert);
        }
    }
}
