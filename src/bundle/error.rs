use std::path::{Path, PathBuf};

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a bundle was not opened. Nothing of it was loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a directory nor a packed one.
    #[error("{}: not a bundle: {reason}; name a directory or a NAME.tar.zst with the files of an incident", path.display())]
    NotABundle { path: PathBuf, reason: String },
    /// The system refused.
    #[error("{}: cannot be read: {source}; check the path and its permissions", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A line that is not what its file holds.
    #[error("{}, line {line}: {message}; correct it, or skip bad lines with --lenient", file.display())]
    Line { file: PathBuf, line: u64, message: String },
    /// A file that is bad as a whole.
    #[error("{}: {message}", file.display())]
    File { file: PathBuf, message: String },
    /// More data than may be read, or a compressed file that unfolds to an absurd size.
    #[error("{}, line {line}: {message}; raise the limits of the bundle if this is what you want", file.display())]
    TooLarge { file: PathBuf, line: u64, message: String },
    /// A path that leads out of the bundle.
    #[error("{}: leaves the bundle: {message}; keep all files inside it and a reference beside it", path.display())]
    Outside { path: PathBuf, message: String },
    /// The healthy recording that the manifest names.
    #[error("{}: the reference {reference:?} {message}; put the recording there or take `reference` out", manifest.display())]
    Reference { manifest: PathBuf, reference: String, message: String },
}

impl Error {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn line(file: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Line { file: file.to_owned(), line, message: message.into() }
    }

    pub(super) fn file(file: &Path, message: impl Into<String>) -> Self {
        Self::File { file: file.to_owned(), message: message.into() }
    }
}

/// The message of a JSON error without its place, and the place.
pub(super) fn json(error: &serde_json::Error) -> (String, usize, usize) {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    (message, error.line(), error.column())
}
