//! Appends, inside the writer's open transaction.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::{failure::Place, prepare::Prepared, queue::Queue};
use crate::{
    domain::{IncidentId, Payload},
    journal::{Appended, Error, Result},
};

/// Incidents whose end is known without asking SQLite.
const KNOWN_INCIDENTS: usize = 16_384;

/// Where an incident's journal ends.
#[derive(Clone, Copy)]
struct End {
    key: i64,
    last_seq: u64,
}

/// Why a command did not go through.
pub(super) enum Failed {
    /// Its own fault: only its caller hears of it.
    Refused(Error),
    /// SQLite failed: the whole transaction is lost.
    Broken(Error),
}

/// Positions and numbers that an append took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) appended: Appended,
    pub(super) first_seq: u64,
    pub(super) last_position: u64,
}

pub(super) struct Store {
    place: Place,
    ends: HashMap<IncidentId, End>,
}

impl Store {
    pub(super) fn new(place: Place) -> Self {
        Self { place, ends: HashMap::new() }
    }

    /// Forgets what a rolled-back transaction may have taught.
    pub(super) fn forget(&mut self) {
        self.ends.clear();
    }

    /// Appends all or none.
    pub(super) fn append_all(
        &mut self,
        connection: &Connection,
        queue: &mut Queue,
        batches: &[Prepared],
    ) -> Result<Vec<Written>, Failed> {
        if let [batch] = batches {
            // All checks precede the first write: nothing to take back.
            return self.append(connection, queue, batch).map(|written| vec![written]);
        }
        self.run(connection, "SAVEPOINT request")?;
        let mut written = Vec::with_capacity(batches.len());
        for batch in batches {
            match self.append(connection, queue, batch) {
                Ok(one) => written.push(one),
                Err(Failed::Refused(error)) => {
                    self.run(connection, "ROLLBACK TO request; RELEASE request")?;
                    self.forget();
                    return Err(Failed::Refused(error));
                }
                Err(broken) => return Err(broken),
            }
        }
        self.run(connection, "RELEASE request")?;
        Ok(written)
    }

    fn append(
        &mut self,
        connection: &Connection,
        queue: &mut Queue,
        batch: &Prepared,
    ) -> Result<Written, Failed> {
        let broken = |error: rusqlite::Error| broken(&self.place, &error);
        let known = match self.ends.get(&batch.incident) {
            Some(end) => Some(*end),
            None => end_of(connection, &batch.incident).map_err(broken)?,
        };
        let last_seq = known.map_or(0, |end| end.last_seq);
        if let Some(id) = &batch.message_id
            && cached(connection, "SELECT 1 FROM messages WHERE id = ?1")
                .and_then(|mut statement| statement.exists([id]))
                .map_err(broken)?
        {
            let appended = Appended { last_seq, duplicate: true };
            return Ok(Written { appended, first_seq: last_seq + 1, last_position: 0 });
        }
        if let Some(expected) = batch.expected
            && expected != last_seq
        {
            return Err(Failed::Refused(Error::Conflict {
                incident: batch.incident.clone(),
                expected,
                actual: last_seq,
            }));
        }
        let mut end = match known {
            Some(end) => end,
            None => End { key: insert_incident(connection, &batch.incident).map_err(broken)?, last_seq: 0 },
        };
        let mut last_position = 0;
        let mut insert = cached(
            connection,
            "INSERT INTO events (incident, seq, at, type, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .map_err(broken)?;
        for entry in &batch.entries {
            let seq = end.last_seq + 1;
            last_position = insert
                .insert(params![
                    end.key,
                    seq.cast_signed(),
                    batch.at_nanoseconds,
                    entry.payload.name(),
                    entry.json
                ])
                .map_err(broken)?;
            end.last_seq = seq;
            match &entry.payload {
                Payload::InvestigationRequested { investigation, budget_seconds } => queue
                    .enter(connection, end.key, investigation, last_position, *budget_seconds)
                    .map_err(broken)?,
                Payload::InvestigationFinished { investigation } => {
                    queue.leave(connection, end.key, &investigation.id).map_err(broken)?;
                }
                _ => {}
            }
        }
        if let Some(id) = &batch.message_id {
            cached(connection, "INSERT INTO messages (id, incident, seq) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute(params![id, end.key, end.last_seq.cast_signed()]))
                .map_err(broken)?;
        }
        if self.ends.len() >= KNOWN_INCIDENTS {
            self.ends.clear();
        }
        match self.ends.get_mut(&batch.incident) {
            Some(known) => *known = end,
            None => {
                self.ends.insert(batch.incident.clone(), end);
            }
        }
        Ok(Written {
            appended: Appended { last_seq: end.last_seq, duplicate: false },
            first_seq: last_seq + 1,
            last_position: last_position.cast_unsigned(),
        })
    }

    /// The next value of a counter, from 1.
    pub(super) fn count(&self, connection: &Connection, name: &str) -> Result<u64> {
        cached(
            connection,
            "INSERT INTO counters (name, value) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        )
        .and_then(|mut statement| statement.query_row([name], |row| row.get::<_, i64>(0)))
        .map(i64::cast_unsigned)
        .map_err(|error| self.place.sqlite("cannot count", 0, &error))
    }

    fn run(&self, connection: &Connection, sql: &str) -> Result<(), Failed> {
        connection.execute_batch(sql).map_err(|error| broken(&self.place, &error))
    }
}

fn broken(place: &Place, error: &rusqlite::Error) -> Failed {
    Failed::Broken(place.sqlite("cannot append", 0, error))
}

fn cached<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(sql)
}

fn end_of(connection: &Connection, incident: &IncidentId) -> rusqlite::Result<Option<End>> {
    let mut statement = cached(
        connection,
        "SELECT key, (SELECT max(seq) FROM events WHERE incident = key) FROM incidents WHERE id = ?1",
    )?;
    statement
        .query_row([&incident.0], |row| {
            let last_seq: Option<i64> = row.get(1)?;
            Ok(End { key: row.get(0)?, last_seq: last_seq.map_or(0, i64::cast_unsigned) })
        })
        .optional()
}

fn insert_incident(connection: &Connection, incident: &IncidentId) -> rusqlite::Result<i64> {
    cached(connection, "INSERT INTO incidents (id) VALUES (?1)")?.insert([&incident.0])
}
