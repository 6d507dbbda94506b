//! What is known of open and lately resolved incidents: a fold over the journal, kept in memory.

mod forget;

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use super::{
    config::Config,
    episode::Episode,
    fingerprint::{Key, Keys, LastGroup, Set, Table},
    group::{Subject, Topics},
    packed::Packed,
    repeats::News,
};
use crate::domain::{Alert, IncidentId, Labels};

/// Place of an incident in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Slot(pub(super) u64);

/// Place of an alert in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct AlertId(u64);

/// An incident as far as it decides where alerts go.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) id: IncidentId,
    pub(super) resolved_at: Option<Timestamp>,
    /// When an alert last told something new.
    pub(super) last_alert_at: Timestamp,
    pub(super) alerts: Vec<AlertId>,
    /// Alerts of it that fire.
    pub(super) firing: usize,
    /// As it was opened with; alerts may name others.
    service: String,
    subjects: HashSet<Subject>,
    groups: Set<Key>,
    /// What happens to alerts that it has already.
    pub(super) news: News,
}

impl Tracked {
    pub(super) fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }
}

/// An alert of an incident.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) slot: Slot,
    /// As the journal has it: under the name by which it first came.
    pub(super) alert: Packed,
    pub(super) groups: Vec<Key>,
    pub(super) episode: Episode,
    /// What each receiver that gives fingerprints calls it.
    names: Vec<(Box<str>, Key)>,
    labels: Key,
    weight: usize,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) config: Config,
    pub(super) incidents: Table<Slot, Tracked>,
    pub(super) alerts: Table<AlertId, Known>,
    pub(super) topics: Topics,
    by_id: HashMap<IncidentId, Slot>,
    by_key: Table<Key, AlertId>,
    by_group: Table<Key, Vec<Slot>>,
    last_group: LastGroup,
    /// In the order of their resolve.
    resolved: VecDeque<Slot>,
    next: u64,
    weight: usize,
}

impl State {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            incidents: Table::default(),
            alerts: Table::default(),
            topics: Topics::default(),
            by_id: HashMap::new(),
            by_key: Table::default(),
            by_group: Table::default(),
            last_group: LastGroup::default(),
            resolved: VecDeque::new(),
            next: 0,
            weight: 0,
        }
    }

    pub(super) fn slot_of(&self, incident: &IncidentId) -> Option<Slot> {
        self.by_id.get(incident).copied()
    }

    /// Begins an incident that has no alerts yet.
    pub(super) fn open(&mut self, id: IncidentId, service: String, at: Timestamp) -> Slot {
        let slot = Slot(self.count());
        self.by_id.insert(id.clone(), slot);
        let tracked = Tracked {
            id,
            resolved_at: None,
            last_alert_at: at,
            alerts: Vec::new(),
            firing: 0,
            service,
            subjects: HashSet::new(),
            groups: Set::default(),
            news: News::default(),
        };
        self.incidents.insert(slot, tracked);
        slot
    }

    /// Marks an incident as resolved: it takes no further alerts, and is forgotten after a while.
    pub(super) fn resolve(&mut self, slot: Slot, at: Timestamp) {
        let Some(incident) = self.incidents.get_mut(&slot).filter(|incident| incident.is_open()) else {
            return;
        };
        incident.resolved_at = Some(at);
        incident.news.happened();
        for subject in incident.subjects.drain() {
            self.topics.remove(&subject.topic, slot);
        }
        self.resolved.push_back(slot);
    }

    /// The alert that this one is, if it is known: by its sender's name for it, else by its labels.
    pub(super) fn find(&self, alert: &Alert, keys: &mut Keys) -> Option<AlertId> {
        if !alert.fingerprint.is_empty() {
            let name = keys.sender(&alert.source, &alert.fingerprint);
            if let Some(id) = self.by_key.get(&name) {
                return Some(*id);
            }
        }
        if alert.labels.is_empty() {
            return None;
        }
        let id = *self.by_key.get(&keys.labels(&alert.labels))?;
        // A sender that gives two names means two alerts, however alike.
        let named = self.alerts.get(&id)?.names.iter().any(|(source, _)| **source == *alert.source);
        (alert.fingerprint.is_empty() || !named).then_some(id)
    }

    /// Adds an alert to an incident, as it stands in the journal; `keys` are its own.
    pub(super) fn add(
        &mut self,
        slot: Slot,
        alert: &Alert,
        episode: Episode,
        sender_named: bool,
        keys: &mut Keys,
    ) -> AlertId {
        let id = AlertId(self.count());
        let known = Known {
            slot,
            alert: Packed::of(alert),
            groups: Vec::new(),
            names: Vec::new(),
            labels: keys.labels(&alert.labels),
            weight: weight(alert),
            episode,
        };
        self.weight += known.weight;
        if !alert.labels.is_empty() {
            let before = self.by_key.insert(known.labels, id);
            if let Some(before) = before.and_then(|id| self.alerts.get(&id)) {
                // Who goes by these labels finds another alert from now on.
                self.incidents.get(&before.slot).inspect(|incident| incident.news.happened());
            }
        }
        if let Some(incident) = self.incidents.get_mut(&slot) {
            incident.alerts.push(id);
            incident.firing += usize::from(known.episode.is_firing());
        }
        self.alerts.insert(id, known);
        let name = if sender_named { alert.fingerprint.as_str() } else { "" };
        self.alias(id, &alert.source, name, alert.group_key.as_deref(), keys);
        self.index(slot, &alert.labels);
        id
    }

    /// Notes the names under which one more receiver knows an alert and its group; `keys` are those of
    /// the alert as it says it.
    pub(super) fn alias(
        &mut self,
        id: AlertId,
        source: &str,
        fingerprint: &str,
        group_key: Option<&str>,
        keys: &mut Keys,
    ) {
        let group = group_key.map(|group| self.last_group.key(group));
        let Some(known) = self.alerts.get_mut(&id) else { return };
        let Some(incident) = self.incidents.get_mut(&known.slot) else { return };
        let slot = known.slot;
        let mut join = |group: Key| {
            if incident.groups.insert(group) {
                self.by_group.entry(group).or_default().push(slot);
            }
        };
        if !fingerprint.is_empty() && !known.names.iter().any(|(name, _)| **name == *source) {
            let name = keys.sender(source, fingerprint);
            known.names.push((source.into(), name));
            self.by_key.insert(name, id);
            // Notes may name an alert instead of its group.
            join(Key::of_group(fingerprint));
        }
        if let Some(group) = group {
            if !known.groups.contains(&group) && known.groups.len() < 8 {
                known.groups.push(group);
            }
            join(group);
        }
    }

    /// The key of a group of that name.
    pub(super) fn group(&mut self, name: &str) -> Key {
        self.last_group.key(name)
    }

    /// Makes an incident findable by what one of its alerts is about.
    fn index(&mut self, slot: Slot, labels: &Labels) {
        let subject = Subject::of(labels, &self.config);
        self.index_subject(slot, subject);
    }

    /// Makes an incident without alerts, for which a person asked, findable by its service.
    pub(super) fn index_asked(&mut self, slot: Slot) {
        let Some(incident) = self.incidents.get(&slot).filter(|incident| incident.alerts.is_empty()) else {
            return;
        };
        let (service, topic) = (incident.service.clone(), incident.service.clone());
        self.index_subject(slot, Subject { service, topic, scope: String::new() });
    }

    fn index_subject(&mut self, slot: Slot, subject: Subject) {
        if let Some(incident) = self.incidents.get_mut(&slot)
            && incident.is_open()
            && !incident.subjects.contains(&subject)
        {
            self.topics.insert(&subject, slot);
            incident.subjects.insert(subject);
        }
    }

    /// Changes a known alert to what the journal says of it now.
    pub(super) fn update(&mut self, id: AlertId, alert: &Alert, was_firing: bool) {
        let Some(known) = self.alerts.get_mut(&id) else { return };
        if let Some(incident) = self.incidents.get_mut(&known.slot) {
            incident.news.happened();
            match (was_firing, known.episode.is_firing()) {
                (true, false) => incident.firing = incident.firing.saturating_sub(1),
                (false, true) => incident.firing += 1,
                _ => {}
            }
        }
        let weight = weight(alert);
        self.weight = (self.weight + weight).saturating_sub(known.weight);
        known.weight = weight;
        known.alert = Packed::of(alert);
    }

    /// Takes a known alert out of its incident, which is over, to be added to another.
    pub(super) fn take(&mut self, id: AlertId) -> Option<Known> {
        let known = self.alerts.remove(&id)?;
        self.unlink(id, &known);
        if let Some(incident) = self.incidents.get_mut(&known.slot) {
            incident.alerts.retain(|other| *other != id);
            incident.news.happened();
        }
        Some(known)
    }

    /// Incidents that know a group, or an alert of that fingerprint, oldest first.
    pub(super) fn of_group(&self, group: Key) -> &[Slot] {
        self.by_group.get(&group).map(Vec::as_slice).unwrap_or_default()
    }

    fn unlink(&mut self, id: AlertId, known: &Known) {
        self.weight = self.weight.saturating_sub(known.weight);
        for key in known.names.iter().map(|(_, name)| name).chain([&known.labels]) {
            // A later alert with the same labels may have taken the place.
            if self.by_key.get(key) == Some(&id) {
                self.by_key.remove(key);
            }
        }
    }

    fn count(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// What an alert costs to keep, about.
pub(super) fn weight(alert: &Alert) -> usize {
    const FIXED: usize = 800;
    const PER_PAIR: usize = 64;
    let pairs = alert.labels.iter().chain(&alert.annotations);
    let pairs: usize = pairs.map(|(name, value)| PER_PAIR + name.len() + value.len()).sum();
    let url = alert.generator_url.as_ref().map_or(0, String::len);
    let group = alert.group_key.as_ref().map_or(0, String::len);
    FIXED + pairs + url + group + alert.fingerprint.len() + alert.source.len()
}
