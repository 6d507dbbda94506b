//! `quell version`.

use super::{Exit, exit::Result, output::Out};

pub(super) fn run(out: &Out) -> Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    if out.is_for_people() {
        out.line(&format!("quell {version} (api quell.v1, bundle quell.bundle/1)"))?;
    } else {
        out.value(&serde_json::json!({
            "version": version,
            "api": "quell.v1",
            "bundle": "quell.bundle/1",
        }))?;
    }
    Ok(Exit::Ok)
}
