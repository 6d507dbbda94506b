//! What a server takes that has nothing to do.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

use crate::{report::Figure, server::Quell};

const IDLE: Duration = Duration::from_secs(5);
const TARGET_MB: f64 = 60.0;

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let server = Quell::start(folder.path()).await?;
    tokio::time::sleep(IDLE).await;
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|rest| rest.split_whitespace().next()).context("no VmRSS")?;
    let megabytes = kilobytes.parse::<f64>()? * 1024.0 / 1e6;
    Ok(vec![Figure {
        name: "idle server".to_owned(),
        measured: format!("{megabytes:.1} MB resident"),
        target: Some((format!("< {TARGET_MB} MB"), megabytes < TARGET_MB)),
        how: format!("quell serve over an empty data folder, VmRSS {} s after its start", IDLE.as_secs()),
    }])
}
