use std::path::Path;

use quell_sdk::signal::CallEdge;

use super::error::{Error, Result, json};

/// Reads `topology.json`, a list of call edges; an empty file has none.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<CallEdge>> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let mut edges: Vec<CallEdge> = serde_json::from_slice(bytes).map_err(|error| {
        let (message, line, column) = json(&error);
        Error::line(path, line as u64, format!("{message}, at byte {column}"))
    })?;
    if edges.iter().any(|edge| edge.caller.is_empty() || edge.callee.is_empty()) {
        return Err(Error::file(path, "has an edge without a caller or a callee; name both"));
    }
    edges.sort();
    edges.dedup();
    Ok(edges)
}
