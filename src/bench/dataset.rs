use std::path::{Path, PathBuf};

use super::error::{Error, Result};

/// File with what is true of each case.
pub(super) const LABELS: &str = "labels.json";

/// A folder with one bundle per case. Its labels are not read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Name of the folder.
    pub name: String,
    pub path: PathBuf,
    /// Name and place of each case, in order of name.
    pub cases: Vec<(String, PathBuf)>,
    /// How many of them are looked at.
    pub limit: usize,
}

impl Dataset {
    /// Lists the bundles of a folder: folders and `NAME.tar.zst`. What starts with `_` or `.` is not a case.
    pub fn open(path: &Path) -> Result<Self> {
        let real = path.canonicalize().map_err(|source| Error::io(path, source))?;
        let not = |reason: &str| Error::NotADataset { path: path.to_owned(), reason: reason.to_owned() };
        if !real.is_dir() {
            return Err(not("it is not a folder"));
        }
        if !real.join(LABELS).is_file() {
            return Err(not("it has no labels.json"));
        }
        let mut cases = Vec::new();
        for entry in std::fs::read_dir(&real).map_err(|source| Error::io(path, source))? {
            let entry = entry.map_err(|source| Error::io(path, source))?;
            let file = entry.file_name().to_string_lossy().into_owned();
            let is_case = entry.path().is_dir() || file.ends_with(".tar.zst");
            if is_case && !file.starts_with(['_', '.']) {
                let name = file.strip_suffix(".tar.zst").unwrap_or(&file).to_owned();
                cases.push((name, entry.path()));
            }
        }
        cases.sort();
        if let Some([one, _]) = cases.array_windows().find(|[one, two]| one.0 == two.0) {
            return Err(not(&format!("{} is there twice, packed and unpacked", one.0)));
        }
        if cases.is_empty() {
            return Err(not("it has no bundle"));
        }
        let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, path: real, cases, limit: usize::MAX })
    }

    /// The first `count` cases alone.
    pub fn first(mut self, count: usize) -> Self {
        self.limit = count;
        self
    }

    /// The cases that are looked at.
    pub fn selected(&self) -> impl ExactSizeIterator<Item = &(String, PathBuf)> {
        self.cases.iter().take(self.limit)
    }
}
