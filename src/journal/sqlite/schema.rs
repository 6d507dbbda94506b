//! Tables, as a list of migrations that only ever grows.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::Place;
use crate::journal::Result;

/// "quel" in ASCII: tells a journal from any other SQLite file.
const APPLICATION_ID: i64 = 0x7175_656c;

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[Migration { version: 1, name: "journal and work queue", sql: V1 }];

const V1: &str = "
CREATE TABLE incidents (
    key INTEGER PRIMARY KEY,
    id  TEXT NOT NULL UNIQUE CHECK (id <> '')      -- inc_...
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,                  -- order over all incidents
    incident INTEGER NOT NULL,                     -- incidents.key
    seq      INTEGER NOT NULL CHECK (seq > 0),     -- 1, 2, 3, ... within the incident
    at       INTEGER NOT NULL,                     -- nanoseconds since 1970, UTC
    type     TEXT NOT NULL,
    payload  TEXT NOT NULL CHECK (payload <> ''),  -- JSON
    UNIQUE (incident, seq)
) STRICT;

-- ids of appends that are in, so that a repeated one changes nothing
CREATE TABLE messages (
    id       TEXT PRIMARY KEY,
    incident INTEGER NOT NULL,
    seq      INTEGER NOT NULL                      -- last event of that append
) STRICT, WITHOUT ROWID;

-- investigations asked for and not finished
CREATE TABLE work (
    incident       INTEGER NOT NULL,
    investigation  TEXT NOT NULL,
    position       INTEGER NOT NULL,               -- of the event that asked for it
    budget_seconds INTEGER NOT NULL,
    attempts       INTEGER NOT NULL DEFAULT 0,     -- times it was handed out
    worker         TEXT,                           -- who holds it; NULL: free
    PRIMARY KEY (incident, investigation)
) STRICT, WITHOUT ROWID;
CREATE INDEX work_free ON work (position) WHERE worker IS NULL;

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW events_readable AS
SELECT e.position, i.id AS incident, e.seq,
       strftime('%Y-%m-%dT%H:%M:%f', e.at / 1e9, 'unixepoch') || 'Z' AS at, e.type, e.payload
FROM events e JOIN incidents i ON i.key = e.incident
ORDER BY e.position;

CREATE VIEW work_readable AS
SELECT i.id AS incident, w.investigation, w.budget_seconds, w.attempts, w.worker
FROM work w JOIN incidents i ON i.key = w.incident
ORDER BY w.position;
";

/// Brings the file to the newest version. Errors when it is another program's, or a newer quell's.
pub(super) fn migrate(connection: &mut Connection, place: &Place) -> Result<()> {
    let fail = |error: rusqlite::Error| place.sqlite("cannot prepare the tables", 0, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let application: i64 =
        transaction.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(fail)?;
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    if application != APPLICATION_ID && (application != 0 || tables > 0) {
        return Err(place.storage("is a file of another program; choose another data folder"));
    }
    transaction
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                 version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT",
        )
        .map_err(fail)?;
    let current: i64 = transaction
        .query_row("SELECT coalesce(max(version), 0) FROM schema_migrations", [], |row| row.get(0))
        .map_err(fail)?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if current > newest {
        return Err(place.storage(format!(
            "was written by a newer quell (tables version {current}, this one knows {newest}); run the \
             newer quell, or choose another data folder"
        )));
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > current) {
        transaction.execute_batch(migration.sql).map_err(fail)?;
        transaction
            .execute(
                "INSERT INTO schema_migrations VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%SZ'))",
                (migration.version, migration.name),
            )
            .map_err(fail)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(fail)?;
    transaction.commit().map_err(fail)
}
