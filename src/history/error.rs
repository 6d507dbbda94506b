use crate::journal;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("history {path}: {message}")]
    Storage { path: String, message: String },
    /// The journal has closed, and the view with it.
    #[error("the history is closed")]
    Closed,
}
