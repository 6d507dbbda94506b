use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Finding, Runbook, Severity, embedded::EMBEDDED, index::Index, parse, parse::LARGEST};
use crate::domain::FaultClass;

/// The runbooks in use: a plain value that is built whole and never changes; a reload builds another.
#[derive(Debug)]
pub struct Library {
    /// In the order of their ids.
    runbooks: Vec<Arc<Runbook>>,
    index: Option<Index>,
}

impl Library {
    /// Only the shipped runbooks.
    pub fn embedded() -> Self {
        Self::load(&[], true).0
    }

    /// Runbooks of these folders, with the shipped ones below them if wanted. A file takes the place of a
    /// shipped runbook of the same id. Files with errors are left out; the findings say why.
    pub fn load(dirs: &[PathBuf], embedded: bool) -> (Self, Vec<Finding>) {
        let mut loader = Loader::default();
        if embedded {
            for (name, text) in EMBEDDED {
                loader.add(name, text);
            }
            loader.shipped = loader.runbooks.len();
        }
        for dir in dirs {
            loader.folder(dir, 0);
        }
        loader.finish()
    }

    /// In the order of their ids.
    pub fn runbooks(&self) -> &[Arc<Runbook>] {
        &self.runbooks
    }

    pub fn get(&self, id: &str) -> Option<&Arc<Runbook>> {
        let at = self.runbooks.binary_search_by(|runbook| runbook.id.as_str().cmp(id)).ok()?;
        self.runbooks.get(at)
    }

    /// Runbooks with a hypothesis of that fault class, those that are about it first.
    pub fn about(&self, fault: FaultClass) -> Vec<&Arc<Runbook>> {
        let mut about: Vec<_> =
            self.runbooks.iter().filter(|runbook| runbook.hypotheses_of(fault).next().is_some()).collect();
        about
            .sort_by_key(|runbook| runbook.hypotheses.first().is_none_or(|first| first.fault != Some(fault)));
        about
    }

    /// How well each runbook shares words with a text, by its position.
    pub(super) fn search(&self, text: &str) -> BTreeMap<usize, f64> {
        let found = self.index.as_ref().map(|index| index.search(text));
        found
            .and_then(|found| found.inspect_err(|error| tracing::warn!(%error, "runbook search failed")).ok())
            .unwrap_or_default()
    }
}

const DEEPEST: usize = 8;
const MOST_FILES: usize = 10_000;

#[derive(Default)]
struct Loader {
    runbooks: BTreeMap<String, Arc<Runbook>>,
    /// How many of them came with the program, until a file takes their place.
    shipped: usize,
    files: usize,
    findings: Vec<Finding>,
}

impl Loader {
    fn add(&mut self, file: &str, text: &str) {
        let (runbook, findings) = parse(file, text);
        self.findings.extend(findings);
        let Some(runbook) = runbook else { return };
        if let Some(other) = self.runbooks.get(&runbook.id) {
            let other_shipped = EMBEDDED.iter().any(|(name, _)| *name == other.file);
            if !other_shipped || self.shipped == 0 {
                let message = format!("id `{}` is that of {} too; this one is used", runbook.id, other.file);
                self.findings.push(Finding::of_file(Severity::Warning, "RB015", file, message));
            }
        }
        self.runbooks.insert(runbook.id.clone(), Arc::new(runbook));
    }

    fn folder(&mut self, dir: &Path, depth: usize) {
        let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<_> = match entries {
            Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
            Err(error) => return self.unreadable(dir, &error),
        };
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // a mounted ConfigMap keeps its generations in hidden folders
            if name.starts_with('.') {
                continue;
            }
            let is_link = path.is_symlink();
            if path.is_dir() {
                if !is_link && depth < DEEPEST {
                    self.folder(&path, depth + 1);
                }
            } else if name.ends_with(".md") && !name.eq_ignore_ascii_case("README.md") {
                self.files += 1;
                if self.files > MOST_FILES {
                    if self.files == MOST_FILES + 1 {
                        let message = format!("more than {MOST_FILES} files; the rest is left out");
                        let file = dir.to_string_lossy();
                        self.findings.push(Finding::of_file(Severity::Error, "RB012", &file, message));
                    }
                    return;
                }
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let size = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) => return self.unreadable(path, &error),
        };
        let file = path.to_string_lossy();
        if size > LARGEST as u64 {
            let message = format!("it has {size} bytes, more than {LARGEST}; split it");
            self.findings.push(Finding::of_file(Severity::Error, "RB012", &file, message));
            return;
        }
        match fs::read_to_string(path) {
            Ok(text) => self.add(&file, &text),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let message = format!("cannot be read: {error}; check the path and its permissions");
        self.findings.push(Finding::of_file(Severity::Error, "RB032", &path.to_string_lossy(), message));
    }

    fn finish(mut self) -> (Library, Vec<Finding>) {
        let runbooks: Vec<_> = self.runbooks.into_values().collect();
        let index = match Index::build(&runbooks) {
            Ok(index) => Some(index),
            Err(error) => {
                let message = format!("the full-text index could not be built, so only rules match: {error}");
                self.findings.push(Finding::of_file(Severity::Warning, "RB033", "runbooks", message));
                None
            }
        };
        (Library { runbooks, index }, self.findings)
    }
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
