use std::path::{Path, PathBuf};

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a dataset: one folder with `labels.json` and one bundle per case.
    #[error("{}: not a dataset: {reason}; name a folder with labels.json and one bundle per case", path.display())]
    NotADataset { path: PathBuf, reason: String },
    /// The system refused.
    #[error("{}: cannot be read: {source}; check the path and its permissions", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{}: {message}", path.display())]
    Content { path: PathBuf, message: String },
    /// Nothing to fit.
    #[error("{0}")]
    TooFew(String),
}

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn content(path: &Path, message: impl Into<String>) -> Self {
        Self::Content { path: path.to_owned(), message: message.into() }
    }
}
