use jiff::Timestamp;
use quell_sdk::signal::{Change, ChangeKind};
use serde::Deserialize;

use super::{
    error::Result,
    loaded::Skipped,
    manifest::is_absurd,
    read::{Reading, Source, records},
};

/// `quell.v1.Change` in the canonical JSON of proto3.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    kind: Option<String>,
    id: Option<String>,
    service: Option<String>,
    at: Option<Timestamp>,
    title: Option<String>,
    author: Option<String>,
    #[serde(alias = "version_from")]
    version_from: Option<String>,
    #[serde(alias = "version_to")]
    version_to: Option<String>,
    commits: Option<Vec<String>>,
    files: Option<Vec<WireFile>>,
    patch: Option<String>,
    url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireFile {
    path: Option<String>,
}

pub(super) fn read(source: Source, reading: Reading) -> Result<(Vec<Change>, Skipped)> {
    records(source, reading, parse)
}

fn parse(wire: Wire) -> Result<Change, String> {
    let kind = wire.kind.filter(|kind| !kind.is_empty()).ok_or("`kind` is missing")?;
    let kind = ChangeKind::parse(&kind)
        .ok_or_else(|| format!("`kind` is none of {}", ChangeKind::ALL.map(ChangeKind::as_str).join(", ")))?;
    let id = wire.id.filter(|id| !id.is_empty()).ok_or("`id` is missing")?;
    let at = wire.at.ok_or("`at` is missing")?;
    if is_absurd(at) {
        return Err("`at` is before 2000 or after 2100".to_owned());
    }
    let files = wire.files.unwrap_or_default().into_iter().filter_map(|file| file.path);
    Ok(Change {
        kind,
        id,
        service: wire.service.unwrap_or_default(),
        at,
        title: wire.title.unwrap_or_default(),
        author: wire.author.unwrap_or_default(),
        version_from: wire.version_from.unwrap_or_default(),
        version_to: wire.version_to.unwrap_or_default(),
        commits: wire.commits.unwrap_or_default(),
        files: files.filter(|path| !path.is_empty()).collect(),
        patch: wire.patch.unwrap_or_default(),
        url: wire.url.unwrap_or_default(),
    })
}
