use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Finding, Runbook, Severity,
    embedded::EMBEDDED,
    import::{self, Entry},
    index::Index,
    parse,
    parse::LARGEST,
};
use crate::domain::FaultClass;

/// The runbooks in use: a plain value that is built whole and never changes; a reload builds another.
#[derive(Debug)]
pub struct Library {
    /// In the order of their ids.
    runbooks: Vec<Arc<Runbook>>,
    index: Option<Index>,
    /// Of plain runbooks, apart: how rare a word is among native ones is not for them to change.
    plain: Option<Index>,
}

impl Library {
    /// Only the shipped runbooks.
    pub fn embedded() -> Self {
        Self::load(&[], true).0
    }

    /// Runbooks of these folders and files, with the shipped ones below them if wanted. A native file takes the
    /// place of a shipped runbook of the same id; plain Markdown stands beside it. Files with errors are left out;
    /// the findings say why.
    pub fn load(dirs: &[PathBuf], embedded: bool) -> (Self, Vec<Finding>) {
        let mut loader = Loader::default();
        if embedded {
            for (name, text) in EMBEDDED {
                loader.add(name, text);
            }
            loader.shipped = loader.runbooks.len();
        }
        for dir in dirs {
            if dir.is_dir() {
                loader.folder(dir, 0);
            } else {
                loader.named(dir);
            }
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
        let indices = self.index.iter().chain(&self.plain);
        let found = indices.map(|index| index.search(text));
        found
            .filter_map(|found| {
                found.inspect_err(|error| tracing::warn!(%error, "runbook search failed")).ok()
            })
            .flatten()
            .collect()
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
    /// Files that a catalogue lists, which were read with it.
    listed: BTreeSet<PathBuf>,
}

impl Loader {
    fn add(&mut self, file: &str, text: &str) {
        if !import::is_native(text) {
            return self.add_plain(file, text, None);
        }
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

    /// A plain runbook goes beside what has its name already: it has no hypotheses, so that it replaces nothing.
    fn add_plain(&mut self, file: &str, text: &str, entry: Option<&Entry>) {
        let (runbook, findings) = import::import(file, text, entry);
        self.findings.extend(findings);
        let Some(mut runbook) = runbook else { return };
        let wanted = runbook.id.clone();
        let mut number = 1;
        while self.runbooks.contains_key(&runbook.id) {
            number += 1;
            runbook.id = if number == 2 { format!("{wanted}-md") } else { format!("{wanted}-md{number}") };
        }
        self.runbooks.insert(runbook.id.clone(), Arc::new(runbook));
    }

    /// A file that somebody named.
    fn named(&mut self, path: &Path) {
        if path.extension().is_some_and(|extension| extension == "json") {
            if !self.catalogue(path) {
                let message =
                    "it is no catalogue of runbooks: it lists no `link`s under `catalog`".to_owned();
                self.findings.push(Finding::of_file(
                    Severity::Error,
                    "RB001",
                    &path.to_string_lossy(),
                    message,
                ));
            }
        } else if let Some(text) = self.text(path) {
            self.add(&path.to_string_lossy(), &text);
        }
    }

    /// Reads what a catalogue lists, with what it says of each; `false` when it is none.
    fn catalogue(&mut self, path: &Path) -> bool {
        let Some(entries) = self.text(path).as_deref().and_then(import::read_catalogue) else { return false };
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for entry in &entries {
            let path = folder.join(&entry.link);
            if !self.listed.insert(path.clone()) {
                continue;
            }
            self.files += 1;
            if self.files > MOST_FILES {
                break;
            }
            let Some(text) = self.text(&path) else { continue };
            let file = path.to_string_lossy();
            if import::is_native(&text) {
                self.add(&file, &text)
            } else {
                self.add_plain(&file, &text, Some(entry))
            }
        }
        true
    }

    fn folder(&mut self, dir: &Path, depth: usize) {
        let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<_> = match entries {
            Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
            Err(error) => return self.unreadable(dir, &error),
        };
        paths.sort();
        for path in paths.iter().filter(|path| is_catalogue(path)) {
            self.catalogue(path);
        }
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
            } else if is_runbook(&name) && !self.listed.contains(&path) {
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
        let Some(text) = self.text(path) else { return };
        let has_ending = path.extension().is_some();
        if has_ending || text.starts_with(['#', '-']) {
            self.add(&path.to_string_lossy(), &text);
        }
    }

    /// The text of a file that is not larger than any runbook.
    fn text(&mut self, path: &Path) -> Option<String> {
        let mut bytes = Vec::new();
        let read = fs::metadata(path).and_then(|metadata| {
            // a pipe or a device would never end
            if !metadata.is_file() {
                return Err(io::Error::other("it is no file"));
            }
            fs::File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
            Ok(metadata.len())
        });
        let size = match read {
            Ok(size) => size.max(bytes.len() as u64),
            Err(error) => {
                self.unreadable(path, &error);
                return None;
            }
        };
        let file = path.to_string_lossy();
        if size > LARGEST as u64 {
            let message = format!("it has {size} bytes, more than {LARGEST}; split it");
            self.findings.push(Finding::of_file(Severity::Error, "RB012", &file, message));
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                self.unreadable(path, &io::Error::other(format!("it is no UTF-8: {error}")));
                None
            }
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let message = format!("cannot be read: {error}; check the path and its permissions");
        self.findings.push(Finding::of_file(Severity::Error, "RB032", &path.to_string_lossy(), message));
    }

    fn finish(mut self) -> (Library, Vec<Finding>) {
        let runbooks: Vec<_> = self.runbooks.into_values().collect();
        let findings = &mut self.findings;
        let mut index = |is_plain: bool| {
            let those =
                runbooks.iter().enumerate().filter(|(_, runbook)| runbook.imported.is_some() == is_plain);
            Index::build(those)
                .inspect_err(|error| {
                    let message =
                        format!("the full-text index could not be built, so only rules match: {error}");
                    findings.push(Finding::of_file(Severity::Warning, "RB033", "runbooks", message));
                })
                .ok()
        };
        let (native, plain) = (index(false), index(true));
        (Library { runbooks, index: native, plain }, self.findings)
    }
}

/// Files in a folder that are runbooks by their names. Some have no ending at all; their text then decides.
fn is_runbook(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "readme",
        "_index",
        "index",
        "license",
        "contributing",
        "changelog",
        "code_of_conduct",
        "security",
        "claude",
        "agents",
    ];
    let stem = name.strip_suffix(".md").or_else(|| name.strip_suffix(".markdown"));
    let is_plausible = stem.is_some() || !name.contains('.');
    is_plausible && !OTHERS.contains(&stem.unwrap_or(name).to_lowercase().as_str())
}

fn is_catalogue(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "catalog.json" || name == "catalogue.json")
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
