use std::{path::Path, sync::Arc};

use quell_otlp::Dropped;
use quell_sdk::{local, signal::Alert};

use super::Manifest;

/// A recorded incident, in memory.
#[derive(Debug)]
pub struct Bundle {
    pub manifest: Manifest,
    /// In the order of the file.
    pub alerts: Vec<Alert>,
    pub store: Arc<local::Store>,
    /// The healthy recording that the manifest names.
    pub reference: Option<Box<Bundle>>,
    pub recorded: Recorded,
    /// What was left out, by file; files read in full are not listed.
    pub skipped: Vec<Skipped>,
}

/// Which files there are. One that is there may still be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub alerts: bool,
    pub changes: bool,
    pub topology: bool,
    pub metrics: bool,
    pub logs: bool,
    pub traces: bool,
}

/// What was left out of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Name of the file.
    pub file: String,
    /// Lines that could not be read; only a lenient opening skips any.
    pub lines: u64,
    /// The first of them, and what was wrong with it.
    pub first: Option<(u64, String)>,
    /// Spans, records and points that were dropped, and texts that were cut.
    pub dropped: Dropped,
}

impl Skipped {
    pub(super) fn new(path: &Path) -> Self {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { file, lines: 0, first: None, dropped: Dropped::default() }
    }

    pub(super) fn line(&mut self, number: u64, message: String) {
        self.lines += 1;
        self.first.get_or_insert((number, message));
    }

    /// Whether it is the file of that name, compressed or not.
    pub(super) fn is_of(&self, stem: &str) -> bool {
        self.file.split('.').next() == Some(stem)
    }

    pub fn is_empty(&self) -> bool {
        self.lines == 0 && self.dropped.is_empty()
    }
}
