//! Rows of the view: one per incident, one per event that told of alerts, and how far the journal is in.
//!
//! An alert is written when there is news of it, and not again with each of the thousands beside it. When
//! there has been as much news as there are alerts, an incident's rows become one.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use super::{find::Filter, store::Mark};
use crate::{
    domain::{Alert, Event, Incident, IncidentId, Payload, Transition},
    journal::Position,
};

/// Rows of an incident's alerts that are left as they are.
const ROWS: usize = 64;

/// The fold of an incident without its alerts, and with its investigation in short.
pub(super) struct Held {
    key: i64,
    incident: Incident,
    rows: usize,
    /// Alerts in the first row, and in the others.
    first: usize,
    others: usize,
}

impl Held {
    fn count(&mut self, alerts: usize) {
        let part = if self.rows == 0 { &mut self.first } else { &mut self.others };
        *part += alerts;
        self.rows += 1;
    }
}

/// An incident and its alerts, as JSON.
pub(super) type Stored = (String, Vec<String>);

pub(super) fn list(connection: &Connection, filter: &Filter, limit: usize) -> rusqlite::Result<Vec<Stored>> {
    let since = filter.since.map(|since| i64::try_from(since.as_nanosecond()).unwrap_or(i64::MAX));
    let status = filter.status.map(|status| status.as_str());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut incidents = connection.prepare_cached(
        "SELECT key, incident FROM incidents
         WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR service = ?2)
           AND (?3 IS NULL OR opened_at >= ?3)
         ORDER BY opened_at DESC, number DESC LIMIT ?4",
    )?;
    incidents
        .query_map(params![status, filter.service, since, limit], |row| {
            Ok((row.get(1)?, alerts(connection, row.get(0)?)?))
        })?
        .collect()
}

fn alerts(connection: &Connection, key: i64) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT alerts FROM alerts WHERE incident = ?1 ORDER BY seq")?
        .query_map([key], |row| row.get(0))?
        .collect()
}

/// The incident with its alerts.
pub(super) fn whole((incident, rows): Stored) -> serde_json::Result<Incident> {
    let mut incident: Incident = serde_json::from_str(&incident)?;
    incident.alerts = folded(&incident, &rows)?;
    Ok(incident)
}

/// Newest state of each alert, in order of arrival.
fn folded(incident: &Incident, rows: &[String]) -> serde_json::Result<Vec<Alert>> {
    let mut fold = Incident { last_seq: 0, ..incident.clone() };
    for (seq, row) in (1..).zip(rows) {
        let payload = Payload::AlertsReceived { alerts: serde_json::from_str(row)? };
        fold.apply(&Event { seq, at: incident.opened_at, incident: incident.id.clone(), payload });
    }
    Ok(fold.alerts)
}

/// Folds events and moves the mark, in one transaction.
pub(super) fn fold(
    connection: &mut Connection,
    held: &mut HashMap<IncidentId, Held>,
    events: &[(Position, Event)],
    mark: &Mark,
) -> rusqlite::Result<()> {
    // Immediate: a view of the same file that is just closing may still be writing its last fold.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut changed: Vec<&IncidentId> = Vec::new();
    for (_, event) in events {
        let known = match held.entry(event.incident.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => match load(&transaction, &event.incident)? {
                Some(known) => place.insert(known),
                // Not the stream of an incident, unless this opens one.
                None => match (event.seq, Incident::open(event)) {
                    (1, Some(incident)) => {
                        let key = insert(&transaction, &incident)?;
                        place.insert(Held { key, incident, rows: 0, first: 0, others: 0 });
                        continue;
                    }
                    _ => continue,
                },
            },
        };
        if apply(&transaction, known, event)? == Transition::Gap {
            tracing::warn!(incident = %event.incident, seq = event.seq, "history lacks events of an incident");
        }
        changed.push(&event.incident);
    }
    changed.sort_unstable();
    changed.dedup();
    for id in changed {
        if let Some(known) = held.get(id) {
            save(&transaction, known)?;
        }
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO mark (only, position, incident, seq) VALUES (1, ?1, ?2, ?3)")?
        .execute(params![mark.position.cast_signed(), mark.incident.0, mark.seq.cast_signed()])?;
    transaction.commit()
}

/// Folds an event: its alerts into their rows, the rest into what is held.
fn apply(connection: &Connection, known: &mut Held, event: &Event) -> rusqlite::Result<Transition> {
    let Payload::AlertsReceived { alerts } = &event.payload else {
        let transition = known.incident.apply(event);
        known.incident.investigation =
            known.incident.investigation.take().map(|found| Box::new(found.in_short()));
        return Ok(transition);
    };
    let transition = known.incident.apply(&without_alerts(event));
    if transition == Transition::Repeated {
        return Ok(transition);
    }
    write(connection, known.key, event.seq, alerts)?;
    known.count(alerts.len());
    if known.rows > ROWS && known.others >= known.first {
        merge(connection, known, event.seq)?;
    }
    Ok(transition)
}

fn write(connection: &Connection, key: i64, seq: u64, alerts: &[Alert]) -> rusqlite::Result<()> {
    let many = i64::try_from(alerts.len()).unwrap_or(i64::MAX);
    connection
        .prepare_cached("INSERT INTO alerts (incident, seq, many, alerts) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, seq.cast_signed(), many, json(&alerts)?])?;
    Ok(())
}

/// Makes one row of all rows of an incident's alerts.
fn merge(connection: &Connection, known: &mut Held, seq: u64) -> rusqlite::Result<()> {
    let alerts = folded(&known.incident, &alerts(connection, known.key)?).map_err(unreadable)?;
    connection.prepare_cached("DELETE FROM alerts WHERE incident = ?1")?.execute([known.key])?;
    write(connection, known.key, seq, &alerts)?;
    (known.rows, known.first, known.others) = (1, alerts.len(), 0);
    Ok(())
}

fn without_alerts(event: &Event) -> Event {
    let payload = Payload::AlertsReceived { alerts: Vec::new() };
    Event { seq: event.seq, at: event.at, incident: event.incident.clone(), payload }
}

fn load(connection: &Connection, id: &IncidentId) -> rusqlite::Result<Option<Held>> {
    let row = connection
        .prepare_cached("SELECT key, incident FROM incidents WHERE id = ?1")?
        .query_row([&id.0], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((key, json)) = row else { return Ok(None) };
    let incident = serde_json::from_str(&json).map_err(unreadable)?;
    let mut held = Held { key, incident, rows: 0, first: 0, others: 0 };
    let mut statement =
        connection.prepare_cached("SELECT many FROM alerts WHERE incident = ?1 ORDER BY seq")?;
    let mut rows = statement.query([key])?;
    while let Some(row) = rows.next()? {
        held.count(row.get::<_, i64>(0)?.try_into().unwrap_or(0));
    }
    Ok(Some(held))
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

fn insert(connection: &Connection, incident: &Incident) -> rusqlite::Result<i64> {
    let opened_at = i64::try_from(incident.opened_at.as_nanosecond()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO incidents (id, number, status, service, severity, title, opened_at, last_seq, incident)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .insert(params![
            incident.id.0,
            i64::try_from(incident.number).unwrap_or(i64::MAX),
            incident.status.as_str(),
            incident.service,
            incident.severity,
            incident.title,
            opened_at,
            incident.last_seq.cast_signed(),
            json(incident)?
        ])
}

fn save(connection: &Connection, Held { key, incident, .. }: &Held) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE incidents SET status = ?2, last_seq = ?3, incident = ?4 WHERE key = ?1")?
        .execute(params![key, incident.status.as_str(), incident.last_seq.cast_signed(), json(incident)?])?;
    Ok(())
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
