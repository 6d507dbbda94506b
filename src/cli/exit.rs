//! Exit codes, and the errors that end a command.

use std::{fmt, process::ExitCode};

/// How a command ended; the numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// A confident answer, or simply done.
    Ok = 0,
    General = 1,
    Usage = 2,
    /// It ran, and nothing is conclusive.
    Inconclusive = 3,
    /// An answer, though some source failed.
    Partial = 4,
    NotFound = 5,
    Unauthorized = 6,
    Unreachable = 7,
    /// The budget ran out before all was tested.
    Timeout = 124,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with the code that it ends with.
#[derive(Debug)]
pub(super) struct Failure {
    pub exit: Exit,
    pub error: anyhow::Error,
}

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(super) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, error: anyhow::anyhow!("{message}") }
    }

    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::General, error: error.into() }
    }
}
