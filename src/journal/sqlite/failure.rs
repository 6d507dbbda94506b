//! From SQLite's errors to the journal's: what was being done, why it failed, what to do next.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::journal::Error;

/// The file that errors name.
#[derive(Clone, Debug)]
pub(super) struct Place(Arc<str>);

impl Place {
    pub(super) fn new(path: &str) -> Self {
        Self(path.into())
    }

    pub(super) fn storage(&self, message: impl Into<String>) -> Error {
        Error::Storage { path: self.0.to_string(), message: message.into() }
    }

    pub(super) fn corrupt(&self, position: u64, message: impl Into<String>) -> Error {
        Error::Corrupt { path: self.0.to_string(), position, message: message.into() }
    }

    /// An error of SQLite while `doing`, e.g. `cannot commit`, near `position` (0: not known).
    pub(super) fn sqlite(&self, doing: &str, position: u64, error: &rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => self.corrupt(
                position,
                format!("{doing}: {error}; stop quell and restore the file from a backup, or move it away"),
            ),
            Some(ErrorCode::DiskFull) => {
                self.storage(format!("{doing}: {error}; free space on the disk that holds it"))
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                self.storage(format!("{doing}: {error}; let the user that runs quell write to the folder"))
            }
            _ => self.storage(format!("{doing}: {error}")),
        }
    }
}
