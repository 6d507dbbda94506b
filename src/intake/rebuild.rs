//! The state from the journal, at start and after a failed append.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    changelog::ChangeLog,
    config::Config,
    episode::{Episode, Said},
    fingerprint::{Keys, fingerprint},
    handle::{CHANGES_STREAM, is_incident},
    state::{Slot, State},
};
use crate::{
    domain::{Alert, Event, Payload},
    journal::{self, Journal, Position},
};

const PAGE: usize = 1_000;

/// Reads the whole journal. An event that cannot be read is passed over and logged: one bad event must
/// not stop the intake of all others.
pub(super) async fn rebuild(
    journal: &Arc<dyn Journal>,
    config: &Config,
    changes: &ChangeLog,
    now: Timestamp,
) -> journal::Result<State> {
    let mut state = State::new(config.clone());
    let mut after = Position::default();
    loop {
        let page = match journal.read_all(after, PAGE).await {
            Ok(page) => page,
            Err(journal::Error::Corrupt { position, message, .. }) if position > after.0 => {
                tracing::error!(position, message, "event passed over: it cannot be read");
                after = Position(position);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (_, event) in &page {
            if event.incident.0 == CHANGES_STREAM {
                if let Payload::ChangeSeen { change } = &event.payload {
                    changes.add(change.clone(), event.at, now);
                }
            } else if is_incident(&event.incident) {
                state.fold(event);
            }
        }
        state.tidy(now);
    }
    Ok(state)
}

impl State {
    /// Takes in one stored event.
    pub(super) fn fold(&mut self, event: &Event) {
        match &event.payload {
            Payload::IncidentOpened { service, .. } => {
                self.open(event.incident.clone(), service.clone(), event.at);
            }
            Payload::InvestigationRequested { .. } => {
                if let Some(slot) = self.slot_of(&event.incident) {
                    self.index_asked(slot);
                }
            }
            Payload::IncidentResolved { .. } => {
                if let Some(slot) = self.slot_of(&event.incident) {
                    self.resolve(slot, event.at);
                }
            }
            Payload::AlertsReceived { alerts } => {
                if let Some(slot) = self.slot_of(&event.incident) {
                    if let Some(incident) = self.incidents.get_mut(&slot) {
                        incident.last_alert_at = event.at;
                    }
                    alerts.iter().for_each(|alert| self.fold_alert(slot, alert, event.at));
                }
            }
            _ => {}
        }
    }

    fn fold_alert(&mut self, slot: Slot, alert: &Alert, at: Timestamp) {
        let mut keys = Keys::default();
        let found = self.find(alert, &mut keys);
        if let Some(id) = found
            && let Some(known) = self.alerts.get_mut(&id)
            && known.slot == slot
        {
            let was_firing = known.episode.is_firing();
            known.episode.restore(alert, at);
            self.update(id, alert, was_firing);
            return;
        }
        let moved = found.and_then(|id| self.take(id)).map(|known| known.episode);
        let said =
            Said { source: &alert.source, firing: true, starts_at: alert.starts_at, dated: true, now: at };
        let mut episode = moved.unwrap_or_else(|| Episode::first(said));
        episode.restore(alert, at);
        // A name that the intake made up is not the sender's.
        let sender_named = alert.fingerprint != fingerprint(alert);
        self.add(slot, alert, episode, sender_named, &mut keys);
    }
}
