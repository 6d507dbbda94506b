//! Decides what a delivery means. No IO: it changes the state and writes into the plan.

mod alerts;

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use quell_sdk::{Received, receiver::Note};
use uuid::{NoContext, Uuid};

use super::{
    changelog::ChangeLog,
    dedup::Deliveries,
    episode::Episode,
    fingerprint::{self, Key, Keys, Set, Table},
    handle::{Accepted, Asked, Delivered},
    name::Name,
    plan::Plan,
    repeats::Mark,
    state::{Slot, State, Tracked},
};
use crate::{
    domain::{Alert, Change, IncidentId, Payload},
    journal::Append,
};

/// Decides on one delivery after the other, for one append.
pub(super) struct Decider<'a> {
    pub(super) state: &'a mut State,
    pub(super) deliveries: &'a mut Deliveries,
    pub(super) changes: &'a ChangeLog,
    /// Ids of changes of the plan that is being stored.
    pub(super) storing: &'a HashSet<String>,
    pub(super) plan: &'a mut Plan,
    pub(super) now: Timestamp,
}

/// What has come of a delivery so far.
#[derive(Default)]
struct Told {
    /// Incidents with news, in order, and the alerts that are it.
    order: Vec<Slot>,
    alerts: Table<Slot, Vec<Alert>>,
    opened: Set<Slot>,
    touched: Vec<Slot>,
    spent: Vec<Alert>,
    seen: Set<Slot>,
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
    pub(super) fn delivery(&mut self, received: Received) -> Delivered {
        let mut told = Told::default();
        let repeatable = is_repeatable(&received);
        let parts = u32::try_from(received.alerts.len()).unwrap_or(u32::MAX);
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
        let accepted = Accepted {
            incidents: told.touched.iter().filter_map(incident).collect(),
            duplicates: told.duplicates,
            unmatched: told.unmatched,
        };
        let again =
            (repeatable && accepted.unmatched == 0).then(|| self.marks(&told)).flatten().map(|marks| {
                let again =
                    Accepted { incidents: accepted.incidents.clone(), duplicates: parts, unmatched: 0 };
                (again, marks)
            });
        Delivered { accepted, spent: told.spent, again }
    }

    /// What has to stay as it is for the same delivery to tell nothing new; `None` where an incident is
    /// over, after which time alone can turn a repeat into news.
    fn marks(&self, told: &Told) -> Option<Vec<Mark>> {
        let incidents = told.touched.iter().map(|slot| self.state.incidents.get(slot));
        incidents
            .map(|incident| Some(incident?.news.mark()).filter(|_| incident.is_some_and(Tracked::is_open)))
            .collect()
    }

    /// Opens an incident for which a person asked, and gives the id of its investigation.
    pub(super) fn asked(&mut self, mut asked: Asked) -> (Slot, IncidentId, String) {
        let id = IncidentId(new_id("inc_", self.now));
        let slot = self.state.open(id.clone(), asked.service.clone(), self.now);
        for alert in &mut asked.alerts {
            let sender_named = alerts::name(alert);
            let episode = Episode::first(self.said(alert, true));
            self.state.add(slot, alert, episode, sender_named, &mut Keys::default());
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
            let found = self.state.find(alert, &mut Keys::default());
            if let Some(known) = found.and_then(|id| self.state.alerts.get(&id)) {
                told.touch(known.slot);
            }
        }
        let parts = received.alerts.len() + received.notes.len() + received.changes.len();
        told.duplicates = u32::try_from(parts).unwrap_or(u32::MAX);
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
        let known = self.changes.contains(&change.id) || self.storing.contains(&change.id);
        if known || !self.plan.change(&change) {
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
}

/// Whether the same delivery means the same as long as nothing happens in between: it says nothing but of
/// alerts that give their own start.
fn is_repeatable(received: &Received) -> bool {
    let Received { alerts, undated, changes, notes, delivery_id, dropped, reply } = received;
    let plain = changes.is_empty() && notes.is_empty() && dropped.is_empty();
    let unnamed = delivery_id.is_none() && reply.is_none();
    plain && unnamed && !undated && !alerts.is_empty() && !alerts.iter().any(Alert::ends_group)
}

fn new_id(prefix: &str, now: Timestamp) -> String {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanoseconds));
    format!("{prefix}{}", id.simple())
}
