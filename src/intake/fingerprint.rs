//! What makes two notifications one alert.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use sha2::{Digest, Sha256};

use crate::domain::{Alert, Change, Labels};

/// Identity of an alert or a group, short enough to keep a hundred thousand of. Made by SHA-256, since
/// senders must not be able to choose which alerts are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u128);

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u128(self.0);
    }
}

impl Key {
    /// As its sender knows it.
    pub(super) fn of_sender(source: &str, fingerprint: &str) -> Self {
        Self::of("sender", &mut [source, fingerprint].into_iter())
    }

    /// As its labels say, whoever sends it.
    pub(super) fn of_labels(labels: &Labels) -> Self {
        Self::of("labels", &mut labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]))
    }

    /// A group of alerts, under whatever name.
    pub(super) fn of_group(name: &str) -> Self {
        Self::of("group", &mut [name].into_iter())
    }

    /// A delivery.
    pub(super) fn of_delivery(id: &str) -> Self {
        Self::of("delivery", &mut [id].into_iter())
    }

    fn of(kind: &str, parts: &mut dyn Iterator<Item = &str>) -> Self {
        let digest = digest(kind, parts);
        let (half, _) = digest.split_at(16);
        Self(half.try_into().map_or(0, u128::from_be_bytes))
    }
}

/// Tables whose keys are digests or numbers that we count up ourselves: nobody outside can choose them so
/// that they collide, and one multiplication spreads them.
pub(super) type Table<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Spread>>;
pub(super) type Set<K> = std::collections::HashSet<K, BuildHasherDefault<Spread>>;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write_u64(&mut self, number: u64) {
        let product = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }

    fn write_u128(&mut self, digest: u128) {
        // Half of a digest tells apart as many as fit in memory.
        self.write_u64(digest as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The keys of one alert, each of them computed at most once.
#[derive(Debug, Default)]
pub(super) struct Keys {
    sender: Option<Key>,
    labels: Option<Key>,
}

impl Keys {
    /// [`Key::of_sender`], of the alert that these keys are for.
    pub(super) fn sender(&mut self, source: &str, fingerprint: &str) -> Key {
        *self.sender.get_or_insert_with(|| Key::of_sender(source, fingerprint))
    }

    /// [`Key::of_labels`], of the alert that these keys are for.
    pub(super) fn labels(&mut self, labels: &Labels) -> Key {
        *self.labels.get_or_insert_with(|| Key::of_labels(labels))
    }
}

/// The newest group key and what it hashes to: one delivery names the same group at each of its alerts.
#[derive(Debug, Default)]
pub(super) struct LastGroup(Option<(Box<str>, Key)>);

impl LastGroup {
    pub(super) fn key(&mut self, name: &str) -> Key {
        match &self.0 {
            Some((last, key)) if **last == *name => *key,
            _ => {
                let key = Key::of_group(name);
                self.0 = Some((name.into(), key));
                key
            }
        }
    }
}

/// Fingerprint of an alert whose sender gives none: a hash of source and labels, 16 hexadecimal digits.
pub fn fingerprint(alert: &Alert) -> String {
    let labels = alert.labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let digest = digest("alert", &mut std::iter::once(alert.source.as_str()).chain(labels));
    hex::encode(digest.iter().copied().take(8).collect::<Vec<u8>>())
}

/// Id of a change whose sender gives none.
pub(super) fn of_change(change: &Change) -> String {
    let at = change.at.to_string();
    let parts =
        [change.kind.as_str(), &change.service, &at, &change.title, &change.version_from, &change.version_to];
    hex::encode(digest("change", &mut parts.into_iter()).iter().copied().take(8).collect::<Vec<u8>>())
}

/// Lengths go in as well: where one part ends and the next begins must not be the sender's choice.
fn digest(kind: &str, parts: &mut dyn Iterator<Item = &str>) -> [u8; 32] {
    // Hashing many small pieces costs more than putting them together.
    let mut all = Vec::with_capacity(384);
    all.extend_from_slice(kind.as_bytes());
    for part in parts {
        all.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        all.extend_from_slice(part.as_bytes());
    }
    Sha256::digest(&all).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn order_does_not_matter_and_borders_do() {
        let key = |pairs| Key::of_labels(&labels(pairs));
        assert_eq!(key(&[("a", "1"), ("b", "2")]), key(&[("b", "2"), ("a", "1")]));
        assert_ne!(key(&[("a", "1b"), ("c", "")]), key(&[("a", "1"), ("bc", "")]));
        assert_ne!(Key::of_sender("am", "x"), Key::of_sender("a", "mx"));
        assert_ne!(Key::of_group("x"), Key::of_delivery("x"));
    }

    #[test]
    fn keys_are_those_of_the_alert_and_the_last_group() {
        let labels = labels(&[("a", "1")]);
        let mut keys = Keys::default();
        assert_eq!(keys.sender("am", "x"), Key::of_sender("am", "x"));
        assert_eq!(keys.labels(&labels), Key::of_labels(&labels));
        let mut last = LastGroup::default();
        for name in ["g", "g", "h", "", "g"] {
            assert_eq!(last.key(name), Key::of_group(name), "{name}");
        }
    }

    #[test]
    fn numbers_in_a_row_are_spread() {
        let hash = |number: u64| {
            let mut hasher = Spread::default();
            number.hash(&mut hasher);
            hasher.finish()
        };
        let high: Set<u64> = (0..128).map(|number| hash(number) >> 57).collect();
        let low: Set<u64> = (0..128).map(|number| hash(number) & 127).collect();
        assert!(high.len() > 60 && low.len() > 60, "{} {}", high.len(), low.len());
    }

    #[test]
    fn a_derived_fingerprint_depends_on_source_and_labels_only() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let mut alert = Alert::group_end("grpc", "g", at);
        alert.labels = labels(&[("alertname", "Slow")]);
        let one = fingerprint(&alert);
        assert_eq!(one.len(), 16);
        alert.annotations = labels(&[("summary", "p95 421 ms")]);
        alert.group_key = None;
        assert_eq!(fingerprint(&alert), one);
        alert.source = "other".to_owned();
        assert_ne!(fingerprint(&alert), one);
    }
}
