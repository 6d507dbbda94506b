//! Opening: the folder's lock, the connections and their settings.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{failure::Place, reader::Readers, schema};
use crate::journal::Result;

const FILE: &str = "journal.sqlite";
const LOCK: &str = "journal.lock";

/// Syncs the log at each commit: what is acknowledged survives power loss, not just a kill.
pub(super) const SYNCED: &str = "PRAGMA synchronous = FULL";
/// Commits survive a kill, and power loss once a later one is synced.
pub(super) const WRITTEN: &str = "PRAGMA synchronous = NORMAL";

/// Bounds of the embedded journal.
#[derive(Clone, Debug)]
pub struct Options {
    /// Writes that may wait; one more gives `Error::Overloaded`.
    pub queue: usize,
    /// Bytes of payloads that may wait; one more gives `Error::Overloaded`.
    pub queue_bytes: usize,
    /// Connections that read side by side.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue: 8_192, queue_bytes: 64 << 20, readers: 4 }
    }
}

/// What the journal runs on.
pub(super) struct Opened {
    pub(super) connection: Arc<Mutex<Connection>>,
    pub(super) readers: Readers,
    pub(super) place: Place,
    /// Held as long as this process may write.
    pub(super) lock: Option<File>,
}

/// Opens the journal in `folder`, which is made when missing.
pub(super) fn on_disk(folder: &Path, options: &Options) -> Result<Opened> {
    let path = folder.join(FILE);
    let place = Place::new(&path.to_string_lossy());
    make(folder).map_err(|error| {
        place.storage(format!("cannot make the data folder {}: {error}", folder.display()))
    })?;
    let lock = lock(folder, &place)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(&path, flags).map_err(|error| place.sqlite("cannot open", 0, &error))?;
    settings(&connection).map_err(|error| place.sqlite("cannot set up", 0, &error))?;
    schema::migrate(&mut connection, &place)?;
    let readers = Readers::pool(path, options.readers, place.clone());
    Ok(Opened { connection: Arc::new(Mutex::new(connection)), readers, place, lock: Some(lock) })
}

/// A journal that ends with the process: readers and writer share one connection.
pub(super) fn in_memory() -> Result<Opened> {
    let place = Place::new("in memory");
    let mut connection =
        Connection::open_in_memory().map_err(|error| place.sqlite("cannot open", 0, &error))?;
    schema::migrate(&mut connection, &place)?;
    let connection = Arc::new(Mutex::new(connection));
    let readers = Readers::shared(Arc::clone(&connection), place.clone());
    Ok(Opened { connection, readers, place, lock: None })
}

/// Makes the folder, and makes sure that its name survives power loss as its files do.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    match folder.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.execute_batch(SYNCED)?;
    // Fewer, larger checkpoints; the log file is cut back after a burst.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn lock(folder: &Path, place: &Place) -> Result<File> {
    let path = folder.join(LOCK);
    let fail = |error: io::Error| {
        place.storage(format!(
            "cannot lock {}: {error}; let the user that runs quell write to the folder",
            path.display()
        ))
    };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let process = match Read::by_ref(&mut file).take(20).read_to_string(&mut holder) {
                Ok(_) if !holder.trim().is_empty() => format!("process {}", holder.trim()),
                Ok(_) | Err(_) => "another process".to_owned(),
            };
            return Err(place.storage(format!(
                "the data folder {} is in use by {process}; stop that quell, or give this one another folder",
                folder.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(fail(error)),
    }
    file.set_len(0).map_err(fail)?;
    file.rewind().map_err(fail)?;
    write!(file, "{}", std::process::id()).map_err(fail)?;
    Ok(file)
}
