//! What a batch of deliveries writes: one append for each incident, then notes, then changes.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{fingerprint::Table, handle::CHANGES_STREAM, state::Slot};
use crate::{
    domain::{Change, IncidentId, Payload},
    journal::Append,
};

#[derive(Debug, Default)]
pub(super) struct Plan {
    order: Vec<Slot>,
    incidents: Table<Slot, Planned>,
    notes: Vec<Append>,
    changes: Vec<Change>,
    change_ids: HashSet<String>,
}

#[derive(Debug)]
struct Planned {
    id: IncidentId,
    payloads: Vec<Payload>,
    opens: bool,
    number: u64,
}

impl Plan {
    /// Adds payloads to an incident, after those that it has in this plan.
    pub(super) fn write(&mut self, slot: Slot, id: &IncidentId, payloads: impl IntoIterator<Item = Payload>) {
        let order = &mut self.order;
        let planned = self.incidents.entry(slot).or_insert_with(|| {
            order.push(slot);
            Planned { id: id.clone(), payloads: Vec::new(), opens: false, number: 0 }
        });
        planned.payloads.extend(payloads);
        planned.opens |= matches!(planned.payloads.first(), Some(Payload::IncidentOpened { .. }));
    }

    pub(super) fn note(&mut self, note: Append) {
        self.notes.push(note);
    }

    /// Adds a change; `false` when one of that id is in the plan already.
    pub(super) fn change(&mut self, change: &Change) -> bool {
        let new = self.change_ids.insert(change.id.clone());
        if new {
            self.changes.push(change.clone());
        }
        new
    }

    /// Whether there is nothing to append.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty() && self.notes.is_empty() && self.changes.is_empty()
    }

    /// Ids of the changes in it.
    pub(super) fn change_ids(&self) -> &HashSet<String> {
        &self.change_ids
    }

    /// Incidents to be opened, each of which needs a number.
    pub(super) fn openings(&self) -> usize {
        self.incidents.values().filter(|planned| planned.opens).count()
    }

    /// Gives the incidents to be opened their numbers, in order.
    pub(super) fn number(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let mut numbers = numbers.into_iter();
        for slot in &self.order {
            let Some(planned) = self.incidents.get_mut(slot).filter(|planned| planned.opens) else {
                continue;
            };
            let Some(given) = numbers.next() else { return };
            planned.number = given;
            if let Some(Payload::IncidentOpened { number, .. }) = planned.payloads.first_mut() {
                *number = given;
            }
        }
    }

    /// The number of an incident that this plan opens; 0 for others.
    pub(super) fn number_of(&self, slot: Slot) -> u64 {
        self.incidents.get(&slot).map_or(0, |planned| planned.number)
    }

    /// The appends in the order in which they are to stand, and the changes among them.
    pub(super) fn into_appends(mut self, at: Timestamp) -> (Vec<Append>, Vec<Change>) {
        let mut appends = Vec::with_capacity(self.order.len() + self.notes.len() + self.changes.len());
        for slot in self.order {
            if let Some(planned) = self.incidents.remove(&slot) {
                let expected = planned.opens.then_some(0);
                let Planned { id: incident, payloads, .. } = planned;
                appends.push(Append { incident, expected, at, payloads, message_id: None });
            }
        }
        appends.append(&mut self.notes);
        appends.extend(self.changes.iter().map(|change| Append {
            incident: IncidentId(CHANGES_STREAM.to_owned()),
            expected: None,
            at,
            payloads: vec![Payload::ChangeSeen { change: change.clone() }],
            message_id: Some(format!("change/{}", change.id)),
        }));
        (appends, self.changes)
    }
}
