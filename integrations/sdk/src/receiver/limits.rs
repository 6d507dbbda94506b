//! Limits on what one delivery may hold.
//!
//! Alert text is written by outsiders. What lies beyond a limit is left out or cut and counted, so that
//! [`super::Received::dropped`] says it; it is never an error, since a sender drops a delivery that is
//! refused, and the page in it with it.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::signal::Labels;

/// Alerts taken from one delivery.
pub const MAX_ALERTS: usize = 1_000;
/// Labels, and annotations, kept of one alert.
pub const MAX_LABELS: usize = 64;
/// Bytes of a label's or an annotation's name; longer ones are left out.
pub const MAX_NAME_BYTES: usize = 128;
/// Bytes of a label's value; longer ones are cut.
pub const MAX_VALUE_BYTES: usize = 4 * 1024;
/// Bytes of an annotation, a note or a link; longer ones are cut.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Bytes of a key such as a fingerprint; longer ones are cut.
pub const MAX_KEY_BYTES: usize = 512;

/// How far a sender's clock may run ahead of ours.
const MAX_SKEW: Duration = Duration::from_secs(600);

/// Labels that survive a flood of others, since grouping and naming need them.
const KEPT_FIRST: [&str; 14] = [
    "alertname",
    "app",
    "app_kubernetes_io_name",
    "cluster",
    "container",
    "deployment",
    "environment",
    "instance",
    "job",
    "namespace",
    "pod",
    "service",
    "service_name",
    "severity",
];

/// Applies the limits to one delivery and counts what it left out.
#[derive(Debug)]
pub struct Limiter {
    received_at: Timestamp,
    tally: BTreeMap<&'static str, u64>,
    clamped: bool,
}

impl Limiter {
    pub fn new(received_at: Timestamp) -> Self {
        Self { received_at, tally: BTreeMap::new(), clamped: false }
    }

    /// Notes that `many` parts were left out; `what` names part and reason.
    pub fn count(&mut self, what: &'static str, many: usize) {
        if many > 0 {
            let tally = self.tally.entry(what).or_default();
            *tally = tally.saturating_add(u64::try_from(many).unwrap_or(u64::MAX));
        }
    }

    /// Cuts a list of alerts to [`MAX_ALERTS`].
    pub fn alerts<T>(&mut self, alerts: &mut Vec<T>) {
        self.count("alerts: more than 1000 in one delivery", alerts.len().saturating_sub(MAX_ALERTS));
        alerts.truncate(MAX_ALERTS);
    }

    /// Labels within the limits.
    pub fn labels(&mut self, given: impl IntoIterator<Item = (String, String)>) -> Labels {
        self.pairs(given, MAX_VALUE_BYTES, "labels: more than 64 on one alert")
    }

    /// Annotations within the limits.
    pub fn annotations(&mut self, given: impl IntoIterator<Item = (String, String)>) -> Labels {
        self.pairs(given, MAX_TEXT_BYTES, "annotations: more than 64 on one alert")
    }

    fn pairs(
        &mut self,
        given: impl IntoIterator<Item = (String, String)>,
        max_bytes: usize,
        too_many: &'static str,
    ) -> Labels {
        let given: Vec<(String, String)> = given.into_iter().collect();
        let fits = |(name, value): &(String, String)| {
            (1..=MAX_NAME_BYTES).contains(&name.len()) && value.len() <= max_bytes
        };
        if given.len() <= MAX_LABELS && given.iter().all(fits) {
            // All at once, which is much cheaper than one by one.
            return given.into_iter().collect();
        }
        let mut kept = Labels::new();
        let mut surplus = 0;
        for (name, value) in given {
            if name.is_empty() || name.len() > MAX_NAME_BYTES {
                self.count("names: empty or longer than 128 bytes", 1);
                continue;
            }
            if kept.len() >= MAX_LABELS && !kept.contains_key(&name) {
                surplus += 1;
                if !KEPT_FIRST.contains(&name.as_str()) || !make_room(&mut kept) {
                    continue;
                }
            }
            let value = self.text(value, max_bytes);
            kept.insert(name, value);
        }
        self.count(too_many, surplus);
        kept
    }

    /// Text cut to `max_bytes`, at a character's end.
    pub fn text(&mut self, mut text: String, max_bytes: usize) -> String {
        if text.len() > max_bytes {
            self.count("text: cut to its limit", 1);
            let end = (0..=max_bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            text.shrink_to_fit();
        }
        text
    }

    /// A time as senders write it. `None` when it is absent, unreadable, or the year 1 by which Go says
    /// "none". One from before the year 2000 or from the future becomes the time of receipt.
    pub fn time(&mut self, written: Option<&str>) -> Option<Timestamp> {
        let written = written.map(str::trim).filter(|written| !written.is_empty())?;
        if written.starts_with("0001-01-01") {
            return None;
        }
        let Ok(at) = written.parse::<Timestamp>() else {
            self.count("times: unreadable", 1);
            return None;
        };
        let latest = self.received_at.saturating_add(MAX_SKEW).unwrap_or(Timestamp::MAX);
        if at > latest || at < year_2000() {
            self.count("times: absurd, taken as the time of receipt", 1);
            self.clamped = true;
            return Some(self.received_at);
        }
        Some(at)
    }

    /// Whether an absurd time was replaced, so that times of this delivery are partly our own.
    pub fn clamped(&self) -> bool {
        self.clamped
    }

    /// What was left out, as `what: why (times)`.
    pub fn finish(self) -> Vec<String> {
        self.tally.into_iter().map(|(what, times)| format!("{what} ({times})")).collect()
    }
}

/// Takes the last label out that is not one of [`KEPT_FIRST`].
fn make_room(kept: &mut Labels) -> bool {
    let victim = kept.keys().rev().find(|name| !KEPT_FIRST.contains(&name.as_str())).cloned();
    victim.is_some_and(|name| kept.remove(&name).is_some())
}

fn year_2000() -> Timestamp {
    Timestamp::constant(946_684_800, 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter() -> Limiter {
        Limiter::new("2026-03-02T08:00:00Z".parse().expect("a time"))
    }

    #[test]
    fn a_label_bomb_keeps_what_names_the_alert() {
        let mut limiter = limiter();
        let bomb = (0..10_000).map(|i| (format!("a{i:05}"), "x".to_owned()));
        let labels = limiter.labels(bomb.chain([("service".to_owned(), "checkout".to_owned())]));
        assert_eq!(labels.len(), MAX_LABELS);
        assert_eq!(labels.get("service").map(String::as_str), Some("checkout"));
        assert_eq!(limiter.finish(), ["labels: more than 64 on one alert (9937)"]);
    }

    #[test]
    fn of_a_name_that_comes_twice_the_last_counts() {
        let pairs = [("b", "1"), ("a", "2"), ("b", "3")].map(|(name, value)| (name.into(), value.into()));
        let labels = limiter().labels(pairs);
        assert_eq!(labels, [("a", "2"), ("b", "3")].map(|(name, value)| (name.into(), value.into())).into());
    }

    #[test]
    fn long_values_are_cut_at_a_characters_end() {
        let mut limiter = limiter();
        let labels = limiter.labels([("a".to_owned(), "é".repeat(1_000_000)), ("b".repeat(129), "x".into())]);
        assert_eq!(labels.get("a").map(String::len), Some(MAX_VALUE_BYTES));
        assert_eq!(limiter.finish().len(), 2);
    }

    #[test]
    fn times_absent_absurd_and_unreadable() {
        let mut limiter = limiter();
        assert_eq!(limiter.time(None), None);
        assert_eq!(limiter.time(Some("0001-01-01T00:00:00Z")), None);
        assert_eq!(limiter.time(Some("yesterday")), None);
        assert!(!limiter.clamped());
        assert_eq!(limiter.time(Some("9998-01-01T00:00:00Z")), Some(limiter.received_at));
        assert_eq!(limiter.time(Some("1970-01-01T00:00:00Z")), Some(limiter.received_at));
        assert!(limiter.clamped());
        let pagerduty = limiter.time(Some("2020-07-17T08:42:58.315+0000"));
        assert_eq!(pagerduty.map(|at| at.to_string()).as_deref(), Some("2020-07-17T08:42:58.315Z"));
    }

    proptest! {
        #[test]
        fn nothing_exceeds_its_limit(
            given in prop::collection::vec((".{0,9}", 0_usize..40, 0_usize..1_500), 0..100),
            time in ".{0,40}",
        ) {
            let mut limiter = limiter();
            let grown = given.into_iter().map(|(text, name, value)| (text.repeat(name), text.repeat(value)));
            let labels = limiter.labels(grown);
            prop_assert!(labels.len() <= MAX_LABELS);
            prop_assert!(labels.iter().all(|(k, v)| k.len() <= MAX_NAME_BYTES && v.len() <= MAX_VALUE_BYTES));
            limiter.time(Some(&time));
        }
    }
}
