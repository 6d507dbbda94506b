//! What makes two notifications one alert.

use sha2::{Digest, Sha256};

use crate::domain::{Alert, Change, Labels};

/// Identity of an alert or a group, short enough to keep a hundred thousand of. Made by SHA-256, since
/// senders must not be able to choose which alerts are taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u128);

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
        Self(digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte)))
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
    let mut hasher = Sha256::new();
    hasher.update(kind);
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
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
