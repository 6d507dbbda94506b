//! The view's own file: its tables, and the folds that are held in memory.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension};

use super::{
    error::{Error, Result},
    find::Filter,
    rows::{self, Held},
};
use crate::{
    domain::{Event, Incident, IncidentId},
    journal::Position,
};

const FILE: &str = "history.sqlite";
/// Raised whenever the tables or the fold change: older files are built anew.
const VERSION: i64 = 3;
/// Incidents whose fold is held in memory.
const HELD: usize = 16_384;

const TABLES: &str = "
CREATE TABLE incidents (
    key       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    number    INTEGER NOT NULL,
    status    TEXT NOT NULL,          -- open, resolved
    service   TEXT NOT NULL,
    severity  TEXT NOT NULL,
    title     TEXT NOT NULL,
    opened_at INTEGER NOT NULL,       -- nanoseconds since 1970, UTC
    last_seq  INTEGER NOT NULL,
    incident  TEXT NOT NULL           -- JSON, without its alerts, the investigation in short
) STRICT;
CREATE INDEX incidents_by_number ON incidents (number);
CREATE INDEX incidents_newest_first ON incidents (opened_at DESC, number DESC);

CREATE TABLE alerts (
    incident INTEGER NOT NULL,        -- incidents.key
    seq      INTEGER NOT NULL,        -- of the event that told of them
    many     INTEGER NOT NULL,
    alerts   TEXT NOT NULL,           -- JSON; later ones replace earlier ones of the same name
    UNIQUE (incident, seq)
) STRICT;

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
    pub(super) incident: IncidentId,
    pub(super) seq: u64,
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
    /// As they stand in the table.
    held: HashMap<IncidentId, Held>,
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
        let written = rows::fold(connection, held, events, &mark);
        if written.is_err() || held.len() > HELD {
            held.clear();
        }
        drop(inner);
        written.map_err(|error| self.fail(&error))
    }

    pub(super) fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Incident>> {
        let inner = self.lock();
        let rows = rows::list(&inner.connection, filter, limit);
        drop(inner);
        let incidents = rows.map_err(|error| self.fail(&error))?.into_iter();
        incidents.map(rows::whole).collect::<serde_json::Result<_>>().map_err(|error| Error::Storage {
            path: self.path.clone(),
            message: format!("an incident cannot be read: {error}; delete the file, it is built anew"),
        })
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
            .execute_batch("BEGIN; DELETE FROM alerts; DELETE FROM incidents; DELETE FROM mark; COMMIT")
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
    // A checkpoint has the disk sync, for which the journal may be waiting: fewer, larger ones.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
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
