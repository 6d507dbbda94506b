//! The command line: one file per command, and `render/` for what a person reads.
//!
//! Data goes to standard output, everything else to standard error. Commands that talk to a server use the
//! public gRPC API and nothing else; `--local` runs the engine in this process. The only room that prints.

mod args;
mod bench;
mod calibrate;
mod client;
mod completion;
mod demo;
mod doctor;
mod exit;
mod import;
mod incidents;
mod investigate;
mod local;
mod moments;
mod output;
mod progress;
mod query;
mod render;
mod run;
mod runbooks;
mod serve;
mod shell;
mod show;
mod version;
mod watch;

pub use exit::Exit;
pub use run::run;
