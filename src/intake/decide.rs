//! Decides what a delivery means. No IO: it changes the state and writes into the plan.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use quell_sdk::{Received, receiver::Note};
use uuid::{NoContext, Uuid};

use super::{
    changelog::ChangeLog,
    dedup::Deliveries,
    episode::{Episode, Judgement, Said},
    fingerprint::{self, Key},
    group::Subject,
    handle::{Accepted, Asked},
    name::Name,
    plan::Plan,
    state::{AlertId, Slot, State},
};
use crate::{
    domain::{Alert, AlertStatus, Change, IncidentId, Payload},
    journal::Append,
};

/// Alerts of a resolved incident that are asked whether a receiver has told of it.
const MAX_ASKED: usize = 64;

/// Decides on one delivery after the other, for one append.
pub(super) struct Decider<'a> {
    pub(super) state: &'a mut State,
    pub(super) deliveries: &'a mut Deliveries,
    pub(super) changes: &'a ChangeLog,
    pub(super) plan: &'a mut Plan,
    pub(super) now: Timestamp,
}

/// What has come of a delivery so far.
#[derive(Default)]
struct Told {
    /// Incidents with news, in order, and the alerts that are it.
    order: Vec<Slot>,
    alerts: HashMap<Slot, Vec<Alert>>,
    opened: HashSet<Slot>,
    touched: Vec<Slot>,
    seen: HashSet<Slot>,
    duplicates: u32,
    unmatched: u32,
}

impl Told {
    fn touch(&mut self, slot: Slot) {
        if self.seen.insert(slot) {
            self.touched.push(slot);
        }
    }
}

impl Decider<'_> {
    pub(super) fn delivery(&mut self, received: Received) -> Accepted {
        let mut told = Told::default();
        let id = received.delivery_id.as_deref();
        if id.is_some_and(|id| !self.deliveries.insert(id)) {
            self.repeated(&received, &mut told);
        } else {
            let dated = !received.undated;
            for alert in received.alerts {
                self.alert(alert, dated, &mut told);
            }
            self.write(&mut told);
            for (number, note) in received.notes.into_iter().enumerate() {
                let message_id = id.map(|id| format!("note/{id}/{number}"));
                self.note(note, message_id, &mut told);
            }
            for change in received.changes {
                self.change(change, &mut told);
            }
        }
        let incident = |slot: &Slot| Some(self.state.incidents.get(slot)?.id.clone());
        Accepted {
            incidents: told.touched.iter().filter_map(incident).collect(),
            duplicates: told.duplicates,
            unmatched: told.unmatched,
        }
    }

    /// Opens an incident for which a person asked, and gives the id of its investigation.
    pub(super) fn asked(&mut self, asked: Asked) -> (Slot, IncidentId, String) {
        let id = IncidentId(new_id("inc_", self.now));
        let slot = self.state.open(id.clone(), asked.service.clone(), self.now);
        for mut alert in asked.alerts.clone() {
            let sender_named = name(&mut alert);
            let episode = Episode::first(self.said(&alert, true));
            self.state.add(slot, &alert, episode, sender_named);
        }
        self.state.index_asked(slot);
        let Asked { title, service, severity, alerts, budget } = asked;
        let opened = Payload::IncidentOpened { number: 0, title, service, severity };
        let alerts = (!alerts.is_empty()).then_some(Payload::AlertsReceived { alerts });
        let (investigation, request) = self.request(budget);
        self.plan.write(slot, &id, [opened].into_iter().chain(alerts).chain([request]));
        (slot, id, investigation)
    }

    /// Ends an incident because somebody says so; `false` when it is not open.
    pub(super) fn resolve(&mut self, incident: &IncidentId, because: String) -> bool {
        let Some(slot) = self.state.slot_of(incident) else { return false };
        let open = self.state.incidents.get(&slot).is_some_and(|incident| incident.is_open());
        if open {
            self.state.resolve(slot, self.now);
            self.plan.write(slot, incident, [Payload::IncidentResolved { because }]);
        }
        open
    }

    fn repeated(&self, received: &Received, told: &mut Told) {
        for alert in &received.alerts {
            if let Some(known) = self.state.find(alert).and_then(|id| self.state.alerts.get(&id)) {
                told.touch(known.slot);
            }
        }
        let parts = received.alerts.len() + received.notes.len() + received.changes.len();
        told.duplicates = u32::try_from(parts).unwrap_or(u32::MAX);
    }

    fn alert(&mut self, mut alert: Alert, dated: bool, told: &mut Told) {
        if alert.ends_group() {
            self.group_end(&alert, told);
            return;
        }
        if alert.labels.is_empty() && alert.fingerprint.is_empty() {
            alert.fingerprint = fingerprint::fingerprint(&alert);
        }
        match self.state.find(&alert) {
            Some(id) => self.known(id, alert, dated, told),
            None if alert.is_firing() => self.fresh(alert, dated, told),
            None => told.unmatched = told.unmatched.saturating_add(1),
        }
    }

    fn known(&mut self, id: AlertId, alert: Alert, dated: bool, told: &mut Told) {
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
            self.state.alias(id, &alert.source, &alert.fingerprint, alert.group_key.as_deref());
            told.duplicates = told.duplicates.saturating_add(1);
            told.touch(slot);
            return;
        }
        let (source, fingerprint) = (alert.source.clone(), alert.fingerprint.clone());
        let alert = as_known(&known.alert, alert, self.now);
        if judgement == Judgement::Fired && resolved_at.is_some() {
            let Some(known) = self.state.take(id) else { return };
            let slot = self.place(&alert, told);
            let sender_named = alert.fingerprint != fingerprint::fingerprint(&alert);
            let id = self.state.add(slot, &alert, known.episode, sender_named);
            self.state.alias(id, &source, &fingerprint, None);
            self.tell(slot, alert, told);
            return;
        }
        self.state.update(id, &alert, was_firing);
        self.state.alias(id, &source, &fingerprint, alert.group_key.as_deref());
        self.tell(slot, alert, told);
    }

    fn fresh(&mut self, mut alert: Alert, dated: bool, told: &mut Told) {
        let sender_named = name(&mut alert);
        let late = if dated { self.late_for(&alert) } else { None };
        let slot = late.unwrap_or_else(|| self.place(&alert, told));
        let episode = Episode::first(self.said(&alert, dated));
        self.state.add(slot, &alert, episode, sender_named);
        self.tell(slot, alert, told);
    }

    /// The incident that a firing alert belongs to: that of its group, else that of its service, else a
    /// new one.
    fn place(&mut self, alert: &Alert, told: &mut Told) -> Slot {
        let max = self.state.config.max_alerts_per_incident;
        let window = self.state.config.correlation_window;
        let takes_more = |slot: &Slot| {
            let incident = self.state.incidents.get(slot)?;
            (incident.is_open() && incident.alerts.len() < max).then_some(incident)
        };
        let group = alert.group_key.as_deref().map(Key::of_group);
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
    fn late_for(&self, alert: &Alert) -> Option<Slot> {
        let group = Key::of_group(alert.group_key.as_deref()?);
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
                    let mut alert = known.alert.clone();
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

    /// Writes the news into the plan, and ends the incidents of which no alert fires any more.
    fn write(&mut self, told: &mut Told) {
        for slot in told.order.drain(..) {
            let (Some(alerts), Some(incident)) = (told.alerts.remove(&slot), self.state.incidents.get(&slot))
            else {
                continue;
            };
            let id = incident.id.clone();
            let opened = told.opened.contains(&slot).then(|| {
                let Name { title, service, severity } = Name::of(&alerts, &self.state.config);
                Payload::IncidentOpened { number: 0, title, service, severity }
            });
            let request = opened.is_some().then(|| self.request(None).1);
            let over = incident.is_open() && incident.firing == 0;
            let resolved = over.then(|| {
                let because = match incident.alerts.len() {
                    1 => "its alert is resolved".to_owned(),
                    many => format!("all {many} alerts are resolved"),
                };
                Payload::IncidentResolved { because }
            });
            let received = [Payload::AlertsReceived { alerts }];
            self.plan.write(slot, &id, opened.into_iter().chain(received).chain(request).chain(resolved));
            if over {
                self.state.resolve(slot, self.now);
            }
        }
    }

    fn note(&mut self, note: Note, message_id: Option<String>, told: &mut Told) {
        let slots = self.state.of_group(Key::of_group(&note.group_key));
        let open = |slot: &&Slot| self.state.incidents.get(*slot).is_some_and(|incident| incident.is_open());
        // A note on how it was resolved comes after the resolve.
        let slot = slots.iter().rev().find(open).or_else(|| slots.last()).copied();
        let Some((slot, incident)) = slot.and_then(|slot| Some((slot, self.state.incidents.get(&slot)?)))
        else {
            told.unmatched = told.unmatched.saturating_add(1);
            return;
        };
        self.plan.note(Append {
            incident: incident.id.clone(),
            expected: None,
            at: self.now,
            payloads: vec![Payload::NoteAdded { author: note.author, text: note.text }],
            message_id,
        });
        told.touch(slot);
    }

    fn change(&mut self, mut change: Change, told: &mut Told) {
        if change.id.is_empty() {
            change.id = fingerprint::of_change(&change);
        }
        if self.changes.contains(&change.id) || !self.plan.change(&change) {
            told.duplicates = told.duplicates.saturating_add(1);
            return;
        }
        if change.service.is_empty() {
            return;
        }
        for slot in self.state.topics.of_service(&change.service) {
            if let Some(incident) = self.state.incidents.get(&slot) {
                self.plan.write(slot, &incident.id, [Payload::ChangeSeen { change: change.clone() }]);
                told.touch(slot);
            }
        }
    }

    fn request(&self, budget: Option<Duration>) -> (String, Payload) {
        let investigation = new_id("inv_", self.now);
        let budget_seconds = budget.unwrap_or(self.state.config.investigation_budget).as_secs().max(1);
        (investigation.clone(), Payload::InvestigationRequested { investigation, budget_seconds })
    }

    fn said<'s>(&self, alert: &'s Alert, dated: bool) -> Said<'s> {
        let firing = alert.is_firing();
        Said { source: &alert.source, firing, starts_at: alert.starts_at, dated, now: self.now }
    }
}

/// Makes sure that an alert has a fingerprint; `true` when it is the sender's.
fn name(alert: &mut Alert) -> bool {
    let sender_named = !alert.fingerprint.is_empty();
    if !sender_named {
        alert.fingerprint = fingerprint::fingerprint(alert);
    }
    sender_named
}

/// News of a known alert under the name by which it is in the journal, with what this receiver leaves out.
fn as_known(known: &Alert, mut news: Alert, now: Timestamp) -> Alert {
    news.source.clone_from(&known.source);
    news.fingerprint.clone_from(&known.fingerprint);
    if news.labels.is_empty() {
        news.labels.clone_from(&known.labels);
    }
    if news.annotations.is_empty() {
        news.annotations.clone_from(&known.annotations);
    }
    news.generator_url = news.generator_url.or_else(|| known.generator_url.clone());
    news.group_key = known.group_key.clone().or(news.group_key);
    if !news.is_firing() {
        news.starts_at = known.starts_at;
        news.ends_at = news.ends_at.or(Some(now));
    }
    news
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(since).unsigned_abs()
}

fn new_id(prefix: &str, now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds));
    format!("{prefix}{}", id.simple())
}
