//! Reading on blocking threads, over a few connections.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row, params, types::ValueRef};
use serde::Deserialize;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{failure::Place, live::lock};
use crate::{
    domain::{Alert, Event, IncidentId, Payload},
    journal::{Error, Position, Result},
};

/// Connections to read with.
pub(super) struct Readers {
    source: Source,
    permits: Arc<Semaphore>,
    place: Place,
}

enum Source {
    /// Opened when first needed.
    Pool { path: PathBuf, idle: Mutex<Vec<Connection>> },
    /// The writer's own.
    Shared(Arc<Mutex<Connection>>),
}

/// How much to read at once.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub(super) events: usize,
    /// Stops after the event that reaches it.
    pub(super) bytes: usize,
    /// Gives what could be read before an error; the next page then begins with the error.
    pub(super) up_to_error: bool,
}

impl Readers {
    pub(super) fn pool(path: PathBuf, size: usize, place: Place) -> Self {
        let source = Source::Pool { path, idle: Mutex::default() };
        Self { source, permits: Arc::new(Semaphore::new(size.max(1))), place }
    }

    pub(super) fn shared(connection: Arc<Mutex<Connection>>, place: Place) -> Self {
        Self { source: Source::Shared(connection), permits: Arc::new(Semaphore::new(1)), place }
    }

    /// Events of one incident with a number above `after`.
    pub(super) async fn read(
        self: Arc<Self>,
        incident: IncidentId,
        after: u64,
        page: Page,
    ) -> Result<Vec<Event>> {
        self.run(move |connection, place| read(connection, place, &incident, after, page)).await
    }

    /// Events of all incidents past a position.
    pub(super) async fn read_all(
        self: Arc<Self>,
        after: Position,
        page: Page,
    ) -> Result<Vec<(Position, Event)>> {
        self.run(move |connection, place| read_all(connection, place, after.0, page)).await
    }

    /// Closes connections that nobody uses; those in use close when given back.
    pub(super) fn close(&self) {
        self.permits.close();
        if let Source::Pool { idle, .. } = &self.source {
            lock(idle).clear();
        }
    }

    async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Connection, &Place) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Error::Closed)?;
        let place = self.place.clone();
        // The permit goes along: a caller that gives up does not free a connection still in use.
        let task = spawn_blocking(move || {
            let result = self.with(work);
            drop(permit);
            result
        });
        task.await.unwrap_or_else(|error| Err(place.storage(format!("reading was cut: {error}"))))
    }

    fn with<T>(&self, work: impl FnOnce(&Connection, &Place) -> Result<T>) -> Result<T> {
        match &self.source {
            Source::Shared(connection) => work(&lock(connection), &self.place),
            Source::Pool { path, idle } => {
                let known = lock(idle).pop();
                let connection = match known {
                    Some(connection) => connection,
                    None => {
                        open(path).map_err(|error| self.place.sqlite("cannot open for reading", 0, &error))?
                    }
                };
                let result = work(&connection, &self.place);
                if !self.permits.is_closed() {
                    lock(idle).push(connection);
                }
                result
            }
        }
    }
}

fn open(path: &PathBuf) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

fn read(
    connection: &Connection,
    place: &Place,
    incident: &IncidentId,
    after: u64,
    page: Page,
) -> Result<Vec<Event>> {
    let mut next = after.saturating_add(1);
    let fail = |error: rusqlite::Error| place.sqlite("cannot read", 0, &error);
    let mut statement = connection
        .prepare_cached(
            "SELECT e.position, e.seq, e.at, e.payload
             FROM incidents i JOIN events e ON e.incident = i.key
             WHERE i.id = ?1 AND e.seq > ?2 ORDER BY e.seq LIMIT ?3",
        )
        .map_err(fail)?;
    let mut rows = statement.query(params![incident.0, to_i64(after), limit(page)]).map_err(fail)?;
    collect(page, || {
        let Some(row) = rows.next().map_err(fail)? else { return Ok(None) };
        let (position, event, size) = event(row, incident.clone(), place)?;
        if event.seq != next {
            return Err(place.corrupt(
                position,
                format!("{incident}: event {} follows {}; restore from a backup", event.seq, next - 1),
            ));
        }
        next = next.saturating_add(1);
        Ok(Some((event, size)))
    })
}

fn read_all(
    connection: &Connection,
    place: &Place,
    after: u64,
    page: Page,
) -> Result<Vec<(Position, Event)>> {
    let fail = |error: rusqlite::Error| place.sqlite("cannot read", after, &error);
    let mut statement = connection
        .prepare_cached(
            "SELECT e.position, e.seq, e.at, e.payload, i.id
             FROM events e JOIN incidents i ON i.key = e.incident
             WHERE e.position > ?1 ORDER BY e.position LIMIT ?2",
        )
        .map_err(fail)?;
    let mut rows = statement.query(params![to_i64(after), limit(page)]).map_err(fail)?;
    collect(page, || {
        let Some(row) = rows.next().map_err(fail)? else { return Ok(None) };
        let (position, event, size) = event(row, IncidentId(row.get(4).map_err(fail)?), place)?;
        Ok(Some(((Position(position), event), size)))
    })
}

/// A page of what `next` gives, with its bytes, until it gives no more.
fn collect<T>(page: Page, mut next: impl FnMut() -> Result<Option<(T, usize)>>) -> Result<Vec<T>> {
    let mut items = Vec::new();
    let mut bytes = 0;
    while bytes < page.bytes {
        match next() {
            Ok(Some((item, size))) => {
                items.push(item);
                bytes += size;
            }
            Ok(None) => break,
            Err(_) if page.up_to_error && !items.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(items)
}

fn event(row: &Row<'_>, incident: IncidentId, place: &Place) -> Result<(u64, Event, usize)> {
    let fail = |error: rusqlite::Error| place.sqlite("cannot read", 0, &error);
    let position = row.get::<_, i64>(0).map_err(fail)?.cast_unsigned();
    let column =
        |index| row.get::<_, i64>(index).map_err(|error| place.sqlite("cannot read", position, &error));
    let seq = column(1)?.cast_unsigned();
    let at = Timestamp::from_nanosecond(i128::from(column(2)?))
        .map_err(|error| place.corrupt(position, format!("{incident}, event {seq}: {error}")))?;
    let json = match row.get_ref(3).map_err(fail)? {
        ValueRef::Text(json) => json,
        other => {
            return Err(place.corrupt(position, format!("{incident}, event {seq}: {}", other.data_type())));
        }
    };
    let payload = payload(json).map_err(|error| {
        place.corrupt(
            position,
            format!("{incident}, event {seq} is not readable: {error}; restore the file from a backup"),
        )
    })?;
    Ok((position, Event { seq, at, incident, payload }, json.len()))
}

/// A payload that is not yet known by its type is read by way of a copy, which costs most of the reading.
/// Alerts, of which storms are made, are read straight away.
fn payload(json: &[u8]) -> serde_json::Result<Payload> {
    #[derive(Deserialize)]
    struct Received {
        alerts: Vec<Alert>,
    }
    if json.starts_with(br#"{"type":"alerts_received","#) {
        let Received { alerts } = serde_json::from_slice(json)?;
        return Ok(Payload::AlertsReceived { alerts });
    }
    serde_json::from_slice(json)
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn limit(page: Page) -> i64 {
    i64::try_from(page.events).unwrap_or(i64::MAX)
}
