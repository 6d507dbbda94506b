//! Processor time of the server under test.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// What a tick of `/proc` stands for on Linux, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// Processor time that the processes which this one has started took so far.
pub(crate) fn of_children() -> Result<Duration> {
    let own = std::process::id().to_string();
    let mut ticks = 0_u32;
    for entry in fs::read_dir("/proc")? {
        // a process that ends meanwhile is none of ours: ours runs until it is killed
        let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else { continue };
        // the name stands in brackets and may hold anything
        let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        if fields.get(1).is_some_and(|parent| **parent == *own) {
            for field in [11, 12] {
                ticks += fields.get(field).context("no times")?.parse::<u32>()?;
            }
        }
    }
    Ok(TICK * ticks)
}
