//! The files of a bundle, in a directory or packed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Cursor, Read},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use flate2::read::MultiGzDecoder;

use super::{
    error::{Error, Result},
    read::Source,
    unpack::{Allowance, Bounded, Zstd, exceeded},
};

/// Suffixes under which a file may be there.
const PACKINGS: [(&str, Packing); 3] =
    [("", Packing::Plain), (".zst", Packing::Zstd), (".gz", Packing::Gzip)];
/// Entries of an archive: far more than a bundle has files.
const MAX_ENTRIES: usize = 1_000;

#[derive(Clone, Copy)]
enum Packing {
    Plain,
    Zstd,
    Gzip,
}

/// A file's path, its bytes as they are, and how many.
type Raw = (PathBuf, Box<dyn Read + Send>, u64);

/// Where the files are.
pub(super) enum Files {
    Directory(PathBuf),
    /// Content by name, and the archive's path.
    Packed(PathBuf, BTreeMap<String, Arc<[u8]>>),
}

impl Files {
    /// Looks at what `path` is; unpacks an archive into memory.
    pub(super) fn at(path: &Path, allowance: &Allowance) -> Result<Self> {
        let meta = std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
        if meta.is_dir() {
            let root = path.canonicalize().map_err(|source| Error::io(path, source))?;
            return Ok(Self::Directory(root));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if meta.is_file() && name.ends_with(".tar.zst") {
            return Ok(Self::Packed(path.to_owned(), unpack(path, meta.len(), allowance)?));
        }
        let reason =
            if meta.is_file() { "a file that is not a .tar.zst" } else { "neither directory nor file" };
        Err(Error::NotABundle { path: path.to_owned(), reason: reason.to_owned() })
    }

    /// Opens a file of that name, plain or compressed; `None` if there is none.
    pub(super) fn open(&self, name: &str, allowance: &Allowance) -> Result<Option<Source>> {
        let mut found: Option<Source> = None;
        for (suffix, packing) in PACKINGS {
            let name = format!("{name}{suffix}");
            let Some((path, reader, size)) = self.raw(&name)? else { continue };
            if let Some(other) = found {
                let message = format!("{} is there as well; keep one of them", other.path.display());
                return Err(Error::file(&path, message));
            }
            let allowance = allowance.clone();
            let reader: Box<dyn Read + Send> = match packing {
                Packing::Plain => Box::new(Bounded::new(reader, allowance, None)),
                Packing::Zstd => {
                    Box::new(Bounded::new(Zstd::new(BufReader::new(reader)), allowance, Some(size)))
                }
                Packing::Gzip => {
                    Box::new(Bounded::new(MultiGzDecoder::new(BufReader::new(reader)), allowance, Some(size)))
                }
            };
            found = Some(Source { path, size, reader });
        }
        Ok(found)
    }

    /// The bytes of a file as they are, and how many.
    fn raw(&self, name: &str) -> Result<Option<Raw>> {
        match self {
            Self::Packed(archive, files) => Ok(files.get(name).map(|bytes| {
                let reader: Box<dyn Read + Send> = Box::new(Cursor::new(Arc::clone(bytes)));
                (archive.join(name), reader, bytes.len() as u64)
            })),
            Self::Directory(root) => {
                let path = root.join(name);
                let Some(real) = resolve(&path)? else { return Ok(None) };
                if !real.starts_with(root) {
                    let message = format!("it is a link to {}", real.display());
                    return Err(Error::Outside { path, message });
                }
                let meta = std::fs::metadata(&real).map_err(|source| Error::io(&path, source))?;
                if !meta.is_file() {
                    return Err(Error::file(&path, "is not a regular file; replace it by one"));
                }
                let file = File::open(&real).map_err(|source| Error::io(&path, source))?;
                Ok(Some((path, Box::new(file), meta.len())))
            }
        }
    }
}

/// The path without links; `None` if nothing is there.
fn resolve(path: &Path) -> Result<Option<PathBuf>> {
    if let Err(error) = std::fs::symlink_metadata(path) {
        return match error.kind() {
            std::io::ErrorKind::NotFound => Ok(None),
            _ => Err(Error::io(path, error)),
        };
    }
    path.canonicalize().map(Some).map_err(|source| Error::io(path, source))
}

fn unpack(path: &Path, size: u64, allowance: &Allowance) -> Result<BTreeMap<String, Arc<[u8]>>> {
    let file = File::open(path).map_err(|source| Error::io(path, source))?;
    let reader = Bounded::new(Zstd::new(BufReader::new(file)), allowance.clone(), Some(size));
    let fail = |error: std::io::Error| match exceeded(&error) {
        Some(exceeded) => Error::TooLarge { file: path.to_owned(), line: 1, message: exceeded.to_string() },
        None => Error::file(path, format!("cannot be unpacked: {error}; pack the bundle anew")),
    };
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(reader);
    for (index, entry) in archive.entries().map_err(fail)?.enumerate() {
        if index >= MAX_ENTRIES {
            return Err(Error::file(
                path,
                format!("has more than {MAX_ENTRIES} entries; a bundle has a dozen files"),
            ));
        }
        let mut entry = entry.map_err(fail)?;
        let inner = entry.path().map_err(fail)?.into_owned();
        let name = name_of(&inner).ok_or_else(|| Error::Outside {
            path: path.join(&inner),
            message: "an archive may only hold paths below its root".to_owned(),
        })?;
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let message = "an archive may not hold links".to_owned();
            return Err(Error::Outside { path: path.join(&inner), message });
        }
        if !kind.is_file() || name.is_empty() {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(fail)?;
        if files.insert(name.clone(), Arc::from(bytes)).is_some() {
            return Err(Error::file(path, format!("holds {name} twice; pack the bundle anew")));
        }
    }
    Ok(files)
}

/// The name of a file in the archive: its path, without the one directory that may hold everything.
/// `None` if it leads elsewhere.
fn name_of(path: &Path) -> Option<String> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(match names.as_slice() {
        [] => String::new(),
        [name] | [_, name] => name.to_string(),
        // Deeper down is nothing of a bundle.
        [.., _] => names.join("/"),
    })
}
