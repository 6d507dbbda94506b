//! What one alert means: known, news of a known one, or new, and then of which incident.

use std::time::Duration;

use jiff::Timestamp;

use super::{Decider, Told, new_id};
use crate::{
    domain::{Alert, AlertStatus, IncidentId},
    intake::{
        episode::{Episode, Judgement, Said},
        fingerprint::{self, Key, Keys},
        group::Subject,
        state::{AlertId, Slot},
    },
};

/// Alerts of a resolved incident that are asked whether a receiver has told of it.
const MAX_ASKED: usize = 64;

impl Decider<'_> {
    pub(super) fn alert(&mut self, mut alert: Alert, dated: bool, told: &mut Told) {
        if alert.ends_group() {
            self.group_end(&alert, told);
            return;
        }
        if alert.labels.is_empty() && alert.fingerprint.is_empty() {
            alert.fingerprint = fingerprint::fingerprint(&alert);
        }
        let mut keys = Keys::default();
        match self.state.find(&alert, &mut keys) {
            Some(id) => self.known(id, alert, dated, told, keys),
            None if alert.is_firing() => self.fresh(alert, dated, told, keys),
            None => told.unmatched = told.unmatched.saturating_add(1),
        }
    }

    fn known(&mut self, id: AlertId, alert: Alert, dated: bool, told: &mut Told, mut keys: Keys) {
        let said = self.said(&alert, dated);
        let settle = self.state.config.settle_window;
        let Some(known) = self.state.alerts.get_mut(&id) else { return };
        let slot = known.slot;
        let was_firing = known.episode.is_firing();
        let was_heard = known.episode.heard_from(said.source);
        let mut judgement = known.episode.judge(said, settle);
        let resolved_at = self.state.incidents.get(&slot).and_then(|incident| incident.resolved_at);
        if let Some(resolved_at) = resolved_at
            && judgement == Judgement::Known
            && said.firing
            && known.episode.is_firing()
        {
            // One receiver told of it late, after its incident was over, and nothing was opened. Another
            // one that says the same, or that it still says so, means that it is not over.
            let confirmed = !was_heard && known.episode.heard_from(said.source);
            if confirmed || age(resolved_at, self.now) > settle {
                judgement = Judgement::Fired;
            }
        }
        if judgement == Judgement::Known {
            let group = alert.group_key.as_deref();
            self.state.alias(id, &alert.source, &alert.fingerprint, group, &mut keys);
            told.duplicates = told.duplicates.saturating_add(1);
            told.touch(slot);
            told.spent.push(alert);
            return;
        }
        let (source, fingerprint) = (alert.source.clone(), alert.fingerprint.clone());
        let alert = as_known(known.alert.alert(), alert, self.now);
        if judgement == Judgement::Fired && resolved_at.is_some() {
            let Some(known) = self.state.take(id) else { return };
            let slot = self.place(&alert, told);
            let sender_named = alert.fingerprint != fingerprint::fingerprint(&alert);
            // Its name may be another receiver's, so that these keys are not its own.
            let id = self.state.add(slot, &alert, known.episode, sender_named, &mut Keys::default());
            self.state.alias(id, &source, &fingerprint, None, &mut keys);
            self.tell(slot, alert, told);
            return;
        }
        self.state.update(id, &alert, was_firing);
        self.state.alias(id, &source, &fingerprint, alert.group_key.as_deref(), &mut keys);
        self.tell(slot, alert, told);
    }

    fn fresh(&mut self, mut alert: Alert, dated: bool, told: &mut Told, mut keys: Keys) {
        let sender_named = name(&mut alert);
        let late = if dated { self.late_for(&alert) } else { None };
        let slot = late.unwrap_or_else(|| self.place(&alert, told));
        let episode = Episode::first(self.said(&alert, dated));
        self.state.add(slot, &alert, episode, sender_named, &mut keys);
        self.tell(slot, alert, told);
    }

    /// The incident that a firing alert belongs to: that of its group, else that of its service, else a
    /// new one.
    fn place(&mut self, alert: &Alert, told: &mut Told) -> Slot {
        let max = self.state.config.max_alerts_per_incident;
        let window = self.state.config.correlation_window;
        let group = alert.group_key.as_deref().map(|group| self.state.group(group));
        let takes_more = |slot: &Slot| {
            let incident = self.state.incidents.get(slot)?;
            (incident.is_open() && incident.alerts.len() < max).then_some(incident)
        };
        let of_group = group.map(|group| self.state.of_group(group)).unwrap_or_default();
        if let Some(slot) = of_group.iter().rev().find(|slot| takes_more(slot).is_some()) {
            return *slot;
        }
        let subject = Subject::of(&alert.labels, &self.state.config);
        let recent = |slot: &Slot| {
            takes_more(slot).is_some_and(|incident| age(incident.last_alert_at, self.now) <= window)
        };
        if let Some(slot) = self.state.topics.matching(&subject).find(recent) {
            return slot;
        }
        let id = IncidentId(new_id("inc_", self.now));
        let slot = self.state.open(id, subject.service, self.now);
        told.opened.insert(slot);
        slot
    }

    /// The resolved incident that a receiver tells of late: its group is over, the alert began before
    /// that, and this receiver had not said a word about it. One that had is telling of something new.
    fn late_for(&mut self, alert: &Alert) -> Option<Slot> {
        let group = self.state.group(alert.group_key.as_deref()?);
        let slot = *self.state.of_group(group).last()?;
        let incident = self.state.incidents.get(&slot)?;
        if alert.starts_at > incident.resolved_at? {
            return None;
        }
        let told_of_it = |id: &AlertId| {
            self.state
                .alerts
                .get(id)
                .is_some_and(|known| known.groups.contains(&group) && known.episode.heard_from(&alert.source))
        };
        (!incident.alerts.iter().take(MAX_ASKED).any(told_of_it)).then_some(slot)
    }

    fn group_end(&mut self, end: &Alert, told: &mut Told) {
        let group = end.group_key.as_deref().map(Key::of_group);
        let slots = group.map(|group| self.state.of_group(group).to_vec()).unwrap_or_default();
        if slots.is_empty() {
            told.unmatched = told.unmatched.saturating_add(1);
        }
        let said = self.said(end, false);
        let settle = self.state.config.settle_window;
        for slot in slots {
            let Some(incident) = self.state.incidents.get(&slot) else { continue };
            for id in incident.alerts.clone() {
                let Some(known) = self.state.alerts.get_mut(&id) else { continue };
                if group.is_none_or(|group| !known.groups.contains(&group)) {
                    continue;
                }
                told.touch(slot);
                let was_firing = known.episode.is_firing();
                if known.episode.judge(said, settle) == Judgement::Resolved {
                    let mut alert = known.alert.alert();
                    alert.status = AlertStatus::Resolved;
                    alert.ends_at = Some(end.ends_at.unwrap_or(self.now));
                    self.state.update(id, &alert, was_firing);
                    self.tell(slot, alert, told);
                }
            }
        }
    }

    fn tell(&mut self, slot: Slot, alert: Alert, told: &mut Told) {
        if let Some(incident) = self.state.incidents.get_mut(&slot) {
            incident.last_alert_at = self.now;
        }
        told.touch(slot);
        let order = &mut told.order;
        let news = told.alerts.entry(slot).or_insert_with(|| {
            order.push(slot);
            Vec::new()
        });
        news.push(alert);
    }

    pub(super) fn said<'s>(&self, alert: &'s Alert, dated: bool) -> Said<'s> {
        let firing = alert.is_firing();
        Said { source: &alert.source, firing, starts_at: alert.starts_at, dated, now: self.now }
    }
}

/// Makes sure that an alert has a fingerprint; `true` when it is the sender's.
pub(super) fn name(alert: &mut Alert) -> bool {
    let sender_named = !alert.fingerprint.is_empty();
    if !sender_named {
        alert.fingerprint = fingerprint::fingerprint(alert);
    }
    sender_named
}

/// News of a known alert under the name by which it is in the journal, with what this receiver leaves out.
fn as_known(known: Alert, mut news: Alert, now: Timestamp) -> Alert {
    news.source = known.source;
    news.fingerprint = known.fingerprint;
    if news.labels.is_empty() {
        news.labels = known.labels;
    }
    if news.annotations.is_empty() {
        news.annotations = known.annotations;
    }
    news.generator_url = news.generator_url.or(known.generator_url);
    news.group_key = known.group_key.or(news.group_key);
    if !news.is_firing() {
        news.starts_at = known.starts_at;
        news.ends_at = news.ends_at.or(Some(now));
    }
    news
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(since).unsigned_abs()
}
