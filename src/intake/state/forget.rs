//! Keeps the state within its bounds.

use jiff::Timestamp;

use super::{Slot, State};

impl State {
    /// Forgets incidents that were resolved long ago, and the quietest ones when memory is used up.
    pub(in crate::intake) fn tidy(&mut self, now: Timestamp) {
        while let Some(slot) = self.resolved.front().copied() {
            let age = self.incidents.get(&slot).and_then(|incident| incident.resolved_at);
            let age = age.map(|at| now.duration_since(at).unsigned_abs());
            if age.is_some_and(|age| age <= self.config.remember_resolved) && !self.is_heavy() {
                break;
            }
            self.resolved.pop_front();
            self.forget(slot);
        }
        if !self.is_heavy() {
            return;
        }
        let mut quietest: Vec<(Timestamp, Slot)> =
            self.incidents.iter().map(|(slot, incident)| (incident.last_alert_at, *slot)).collect();
        quietest.sort_unstable();
        // One pass makes room for a while: a pass costs as much as there are incidents.
        let enough = self.config.max_state_bytes / 10 * 9;
        let mut forgotten = 0_usize;
        // The newest stays, however heavy: something may be joining it right now.
        quietest.pop();
        for (_, slot) in quietest {
            if self.weight <= enough {
                break;
            }
            self.forget(slot);
            forgotten += 1;
        }
        tracing::warn!(forgotten, "open incidents forgotten by the intake: too many alerts to keep");
    }

    fn is_heavy(&self) -> bool {
        self.weight > self.config.max_state_bytes
    }

    fn forget(&mut self, slot: Slot) {
        let Some(incident) = self.incidents.remove(&slot) else { return };
        self.by_id.remove(&incident.id);
        for subject in &incident.subjects {
            self.topics.remove(&subject.topic, slot);
        }
        for group in &incident.groups {
            if let Some(slots) = self.by_group.get_mut(group) {
                slots.retain(|other| *other != slot);
                if slots.is_empty() {
                    self.by_group.remove(group);
                }
            }
        }
        for id in incident.alerts {
            if let Some(known) = self.alerts.remove(&id) {
                self.unlink(id, &known);
            }
        }
    }
}
