//! `quell completion`: scripts for shells.

use clap::CommandFactory;

use super::{Exit, args::Cli, exit::Result};

pub(super) fn run(shell: clap_complete::Shell) -> Result<Exit> {
    clap_complete::generate(shell, &mut Cli::command(), "quell", &mut std::io::stdout().lock());
    Ok(Exit::Ok)
}
