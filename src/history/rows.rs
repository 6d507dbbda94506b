//! Rows of the view: one per incident, one per alert, and how far the journal is in.
//!
//! An alert is written when there is news of it, and not again with each of the thousands beside it.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde::Serialize;

use super::{find::Filter, store::Mark};
use crate::{
    domain::{Event, Incident, IncidentId, Payload, Transition},
    journal::Position,
};

/// The fold of an incident without its alerts and investigation.
pub(super) struct Held {
    key: i64,
    incident: Incident,
}

/// JSON of incidents, and of the alerts of each.
pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
    limit: usize,
) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let since = filter.since.map(|since| i64::try_from(since.as_nanosecond()).unwrap_or(i64::MAX));
    let status = filter.status.map(|status| status.as_str());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut incidents = connection.prepare_cached(
        "SELECT key, incident FROM incidents
         WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR service = ?2)
           AND (?3 IS NULL OR opened_at >= ?3)
         ORDER BY opened_at DESC, number DESC LIMIT ?4",
    )?;
    let mut alerts =
        connection.prepare_cached("SELECT alert FROM alerts WHERE incident = ?1 ORDER BY place")?;
    incidents
        .query_map(params![status, filter.service, since, limit], |row| {
            let alerts = alerts.query_map([row.get::<_, i64>(0)?], |row| row.get(0))?;
            Ok((row.get(1)?, alerts.collect::<rusqlite::Result<_>>()?))
        })?
        .collect()
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
                        place.insert(Held { key: insert(&transaction, &incident)?, incident });
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
        known.incident.investigation = None;
        return Ok(transition);
    };
    let transition = known.incident.apply(&without_alerts(event));
    if transition == Transition::Repeated {
        return Ok(transition);
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO alerts (incident, fingerprint, source, alert) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (incident, fingerprint, source) DO UPDATE SET alert = excluded.alert",
    )?;
    for alert in alerts {
        statement.execute(params![known.key, alert.fingerprint, alert.source, json(alert)?])?;
    }
    Ok(transition)
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
    let incident = serde_json::from_str(&json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Some(Held { key, incident }))
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

fn save(connection: &Connection, Held { key, incident }: &Held) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE incidents SET status = ?2, last_seq = ?3, incident = ?4 WHERE key = ?1")?
        .execute(params![key, incident.status.as_str(), incident.last_seq.cast_signed(), json(incident)?])?;
    Ok(())
}

fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
