use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use quell_sdk::signal::Window;
use serde::Deserialize;

use super::error::{Error, Result, json};

/// The format that is read.
pub const FORMAT: &str = "quell.bundle/1";

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub name: String,
    /// What the recording covers.
    pub window: Window,
    /// Relative path of a bundle with a healthy recording of the same system.
    pub reference: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    format: String,
    name: Option<String>,
    window: WireWindow,
    #[serde(default)]
    reference: Option<String>,
}

#[derive(Deserialize)]
struct WireWindow {
    start: Timestamp,
    end: Timestamp,
}

impl Manifest {
    /// Reads `manifest.json`; `fallback` names a bundle that does not name itself.
    pub(super) fn parse(path: &Path, bytes: &[u8], fallback: &str) -> Result<Self> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| {
            let (message, line, _) = json(&error);
            Error::line(path, line as u64, message)
        })?;
        if wire.format != FORMAT {
            let message = format!("has the format {:?}; this program reads {FORMAT:?}", wire.format);
            return Err(Error::file(path, message));
        }
        if wire.window.start >= wire.window.end {
            return Err(Error::file(path, "has a window that does not start before its end; correct it"));
        }
        if is_absurd(wire.window.start) || is_absurd(wire.window.end) {
            return Err(Error::file(path, "has a window before 2000 or after 2100; correct it"));
        }
        Ok(Self {
            name: wire.name.filter(|name| !name.is_empty()).unwrap_or_else(|| fallback.to_owned()),
            window: Window::new(wire.window.start, wire.window.end),
            reference: wire.reference.filter(|reference| !reference.is_empty()),
        })
    }
}

/// Whether no incident can have been then.
pub(super) fn is_absurd(at: Timestamp) -> bool {
    !(946_684_800..4_102_444_800).contains(&at.as_second())
}

/// Where the reference lies. `bundle` is the directory of the bundle, or where it would be unpacked. The
/// path may go up once, so that it stays beside the bundle, and links may not lead further.
pub(super) fn reference(manifest: &Path, bundle: &Path, reference: &str) -> Result<PathBuf> {
    let outside = |message: &str| Error::Outside {
        path: manifest.to_owned(),
        message: format!("its reference {reference:?} {message}"),
    };
    let relative = Path::new(reference);
    let mut ups = 0;
    for part in relative.components() {
        match part {
            Component::ParentDir => ups += 1,
            Component::RootDir | Component::Prefix(_) => return Err(outside("is not a relative path")),
            Component::Normal(_) | Component::CurDir => {}
        }
    }
    if ups > 1 {
        return Err(outside("goes up more than once"));
    }
    // The bundle itself need not be there as a directory, so `..` is taken off by hand.
    let parent =
        bundle.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let parent = parent.canonicalize().map_err(|source| Error::io(parent, source))?;
    let mut target = parent.join(bundle.file_name().unwrap_or_default());
    for part in relative.components() {
        match part {
            Component::ParentDir => {
                target.pop();
            }
            Component::Normal(name) => target.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    let missing = |message: String| Error::Reference {
        manifest: manifest.to_owned(),
        reference: reference.to_owned(),
        message,
    };
    let real = target.canonicalize().map_err(|error| missing(format!("cannot be found: {error}")))?;
    if !real.starts_with(&parent) {
        return Err(outside("is a link that leads elsewhere"));
    }
    if real == parent || bundle.canonicalize().is_ok_and(|bundle| bundle == real) {
        return Err(missing("is not another bundle".to_owned()));
    }
    Ok(real)
}
