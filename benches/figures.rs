//! The figures that the README quotes, each with how it was measured.
//!
//! `cargo bench --bench figures` measures all of them; name some to measure those alone:
//! `cargo bench --bench figures -- page bundle memory alerts`. It runs through public interfaces only: the
//! built program, its HTTP and its gRPC. `alerts` needs the Debian package `prometheus-alertmanager`.
//! Temporary folders hold the data; set `TMPDIR` to measure another disk.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "figures/alerts.rs"]
mod alerts;
#[path = "figures/bundle.rs"]
mod bundle;
#[path = "figures/bundle_metrics.rs"]
mod bundle_metrics;
#[path = "figures/cpu.rs"]
mod cpu;
#[path = "figures/investigate.rs"]
mod investigate;
#[path = "figures/memory.rs"]
mod memory;
#[path = "figures/page.rs"]
mod page;
#[path = "figures/report.rs"]
mod report;
#[path = "figures/senders.rs"]
mod senders;
#[path = "figures/server.rs"]
mod server;

use anyhow::{Result, bail};

const SECTIONS: [&str; 4] = ["memory", "bundle", "alerts", "page"];

fn main() -> Result<()> {
    // cargo adds `--bench`
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|word| !SECTIONS.contains(&word.as_str())) {
        bail!("no figure `{unknown}`; there are {}", SECTIONS.join(", "));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for section in SECTIONS.iter().filter(|name| wanted.is_empty() || wanted.iter().any(|word| word == *name))
    {
        let load = report::load();
        let figures = runtime.block_on(async {
            match *section {
                "memory" => memory::measure().await,
                "bundle" => investigate::measure().await,
                "alerts" => alerts::measure().await,
                _ => page::measure().await,
            }
        })?;
        for figure in figures {
            println!("{figure}");
        }
        println!("  load average: {load} before, {} after\n", report::load());
    }
    Ok(())
}
