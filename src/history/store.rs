//! The view's own tables: one row per incident, and how far the journal is in.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    error::{Error, Result},
    find::Filter,
};
use crate::{
    domain::{Event, Incident, IncidentId, Transition},
    journal::Position,
};

const FILE: &str = "history.sqlite";
/// Raised whenever the tables or the fold change: older files are built anew.
const VERSION: i64 = 1;
/// Incidents whose fold is held in memory.
const HELD: usize = 2_048;

const TABLES: &str = "
CREATE TABLE incidents (
    id        TEXT PRIMARY KEY,
    number    INTEGER NOT NULL,
    status    TEXT NOT NULL,          -- open, resolved
    service   TEXT NOT NULL,
    severity  TEXT NOT NULL,
    title     TEXT NOT NULL,
    opened_at INTEGER NOT NULL,       -- nanoseconds since 1970, UTC
    last_seq  INTEGER NOT NULL,
    incident  TEXT NOT NULL           -- JSON, without the investigation
) STRICT;
CREATE INDEX incidents_by_number ON incidents (number);
CREATE INDEX incidents_newest_first ON incidents (opened_at DESC, number DESC);

-- the last event that is folded
CREATE TABLE mark (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    incident TEXT NOT NULL,
    seq      INTEGER NOT NULL
) STRICT;
";

/// The last event that a view has folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: u64,
    incident: IncidentId,
    seq: u64,
}

impl Mark {
    pub(super) fn of(position: Position, event: &Event) -> Self {
        Self { position: position.0, incident: event.incident.clone(), seq: event.seq }
    }
}

pub(super) struct Store {
    path: String,
    inner: Mutex<Inner>,
}

struct Inner {
    connection: Connection,
    /// Folds without investigations, as they stand in the table.
    held: HashMap<IncidentId, Incident>,
}

impl Store {
    /// Opens the file in the folder, or tables in memory. A file that cannot be used is made anew.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self> {
        let (connection, path) = match folder {
            None => (prepare(Connection::open_in_memory()), "in memory".to_owned()),
            Some(folder) => {
                let file = folder.join(FILE);
                let path = file.display().to_string();
                let fail =
                    |error: io::Error| Error::Storage { path: path.clone(), message: error.to_string() };
                fs::create_dir_all(folder).map_err(fail)?;
                let mut connection = prepare(Connection::open(&file));
                if let Err(error) = &connection {
                    tracing::warn!(%error, path, "history cannot be used and is built anew");
                    remove(&file).map_err(fail)?;
                    connection = prepare(Connection::open(&file));
                }
                (connection, path)
            }
        };
        let connection = connection.map_err(|error| Error::Storage {
            path: path.clone(),
            message: format!("cannot open: {error}"),
        })?;
        Ok(Self { path, inner: Mutex::new(Inner { connection, held: HashMap::new() }) })
    }

    /// Folds events and moves the mark, in one transaction.
    pub(super) fn fold(&self, events: &[(Position, Event)]) -> Result<()> {
        let Some((position, last)) = events.last() else { return Ok(()) };
        let mark = Mark::of(*position, last);
        let mut inner = self.lock();
        let Inner { connection, held } = &mut *inner;
        let written = fold(connection, held, events, &mark);
        if written.is_err() || held.len() > HELD {
            held.clear();
        }
        drop(inner);
        written.map_err(|error| self.fail(&error))
    }

    pub(super) fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Incident>> {
        let inner = self.lock();
        let since = filter.since.map(|since| i64::try_from(since.as_nanosecond()).unwrap_or(i64::MAX));
        let rows = inner
            .connection
            .prepare_cached(
                "SELECT incident FROM incidents
                 WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR service = ?2)
                   AND (?3 IS NULL OR opened_at >= ?3)
                 ORDER BY opened_at DESC, number DESC LIMIT ?4",
            )
            .and_then(|mut statement| {
                let status = filter.status.map(|status| status.as_str());
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                statement
                    .query_map(params![status, filter.service, since, limit], |row| row.get::<_, String>(0))?
                    .collect::<rusqlite::Result<Vec<_>>>()
            });
        drop(inner);
        rows.map_err(|error| self.fail(&error))?
            .iter()
            .map(|json| {
                serde_json::from_str(json).map_err(|error| Error::Storage {
                    path: self.path.clone(),
                    message: format!(
                        "an incident cannot be read: {error}; delete the file, it is built anew"
                    ),
                })
            })
            .collect()
    }

    pub(super) fn by_number(&self, number: u64) -> Result<Option<IncidentId>> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let id = self.lock().connection.query_row(
            "SELECT id FROM incidents WHERE number = ?1 ORDER BY opened_at DESC",
            [number],
            |row| row.get(0).map(IncidentId),
        );
        id.optional().map_err(|error| self.fail(&error))
    }

    pub(super) fn mark(&self) -> Result<Option<Mark>> {
        let mark = self.lock().connection.query_row("SELECT position, incident, seq FROM mark", [], |row| {
            Ok(Mark {
                position: row.get::<_, i64>(0)?.cast_unsigned(),
                incident: IncidentId(row.get(1)?),
                seq: row.get::<_, i64>(2)?.cast_unsigned(),
            })
        });
        mark.optional().map_err(|error| self.fail(&error))
    }

    pub(super) fn clear(&self) -> Result<()> {
        let mut inner = self.lock();
        inner.held.clear();
        inner
            .connection
            .execute_batch("BEGIN; DELETE FROM incidents; DELETE FROM mark; COMMIT")
            .map_err(|error| self.fail(&error))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: &rusqlite::Error) -> Error {
        Error::Storage { path: self.path.clone(), message: error.to_string() }
    }
}

fn prepare(connection: rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
    let connection = connection?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What power loss takes is folded again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        // Fails on a file of another version, which is then removed.
        connection.execute_batch(&format!("BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT"))?;
    }
    Ok(connection)
}

fn remove(file: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn fold(
    connection: &mut Connection,
    held: &mut HashMap<IncidentId, Incident>,
    events: &[(Position, Event)],
    mark: &Mark,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut changed: Vec<&IncidentId> = Vec::new();
    for (_, event) in events {
        if !held.contains_key(&event.incident) {
            let known = match load(&transaction, &event.incident)? {
                Some(known) => known,
                // Not the stream of an incident, unless this opens one.
                None => match (event.seq, Incident::open(event)) {
                    (1, Some(opened)) => {
                        held.insert(event.incident.clone(), opened);
                        changed.push(&event.incident);
                        continue;
                    }
                    _ => continue,
                },
            };
            held.insert(event.incident.clone(), known);
        }
        let Some(incident) = held.get_mut(&event.incident) else { continue };
        if incident.apply(event) == Transition::Gap {
            tracing::warn!(incident = %event.incident, seq = event.seq, "history lacks events of an incident");
        }
        incident.investigation = None;
        changed.push(&event.incident);
    }
    changed.sort_unstable();
    changed.dedup();
    for id in changed {
        if let Some(incident) = held.get(id) {
            save(&transaction, incident)?;
        }
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO mark (only, position, incident, seq) VALUES (1, ?1, ?2, ?3)")?
        .execute(params![mark.position.cast_signed(), mark.incident.0, mark.seq.cast_signed()])?;
    transaction.commit()
}

fn load(connection: &Connection, id: &IncidentId) -> rusqlite::Result<Option<Incident>> {
    let json = connection
        .prepare_cached("SELECT incident FROM incidents WHERE id = ?1")?
        .query_row([&id.0], |row| row.get::<_, String>(0))
        .optional()?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn save(connection: &Connection, incident: &Incident) -> rusqlite::Result<()> {
    let json = serde_json::to_string(incident)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let opened_at = i64::try_from(incident.opened_at.as_nanosecond()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "INSERT INTO incidents (id, number, status, service, severity, title, opened_at, last_seq, incident)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET status = excluded.status, last_seq = excluded.last_seq,
                 incident = excluded.incident",
        )?
        .execute(params![
            incident.id.0,
            i64::try_from(incident.number).unwrap_or(i64::MAX),
            incident.status.as_str(),
            incident.service,
            incident.severity,
            incident.title,
            opened_at,
            incident.last_seq.cast_signed(),
            json
        ])?;
    Ok(())
}
