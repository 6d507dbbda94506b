//! The entry of the `quell` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    quell::cli::run().into()
}
