//! Parses the command line and runs the command.

use clap::Parser;

use super::{
    Exit,
    args::{Cli, Command, Runbook, Show},
    bench, calibrate, completion, doctor,
    exit::{Failure, Result},
    incidents, investigate,
    output::Out,
    query, runbooks, serve, show, version, watch,
};
use crate::telemetry;

/// Runs the program to its end.
pub fn run() -> Exit {
    let cli = match Cli::try_parse_from(named(std::env::args_os().collect())) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors, and go to standard output.
            let is_error = error.use_stderr();
            error.print().ok();
            return if is_error { Exit::Usage } else { Exit::Ok };
        }
    };
    let out = Out::new(&cli.global);
    let exit_zero = cli.global.exit_zero;
    let done = start(cli, &out);
    let exit = match done {
        Ok(exit) => exit,
        Err(failure) => {
            if failure.exit != Exit::Ok {
                let message = format!("{:#}", failure.error);
                Out { quiet: false, ..out }.say(&format!("quell: {message}"));
            }
            failure.exit
        }
    };
    if exit_zero && matches!(exit, Exit::Inconclusive | Exit::Partial | Exit::Timeout) {
        Exit::Ok
    } else {
        exit
    }
}

fn start(cli: Cli, out: &Out) -> Result<Exit> {
    let level = match (&cli.command, cli.global.verbose) {
        (Command::Serve(_), 0) => "quell=info,warn",
        (_, 0) => "error",
        (_, 1) => "quell=info,warn",
        _ => "quell=debug,info",
    };
    let json = matches!(&cli.command, Command::Serve(serve) if serve.log_json);
    let format = if json { telemetry::Format::Json } else { telemetry::Format::Text };
    // Asked of the same place as colours of data: a terminal, NO_COLOR, CLICOLOR_FORCE, TERM=dumb, --no-color.
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    telemetry::init(format, level, colour)?;
    // A second default provider is refused; the first one is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    match cli.command {
        Command::Completion { shell } => completion::run(shell),
        Command::Version => version::run(out),
        command => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let done = runtime.block_on(Box::pin(asynchronous(command, &cli.global, out)));
            // Work that does not end by itself (a blocked read) is left behind.
            runtime.shutdown_timeout(std::time::Duration::from_millis(200));
            done
        }
    }
}

async fn asynchronous(command: Command, global: &super::args::Global, out: &Out) -> Result<Exit> {
    match command {
        Command::Serve(args) => serve::run(args, out).await,
        Command::Demo(args) => super::demo::run(args, out).await,
        Command::Investigate(args) => investigate::run(args, global, out).await,
        Command::Watch(args) => watch::run(args, global, out).await,
        Command::Incidents(args) => incidents::run(args, global, out).await,
        Command::Query(args) => query::run(args, global, out).await,
        Command::Show(args) => show::run(args, global, out).await,
        Command::Runbook(Runbook::Lint { paths }) => runbooks::lint(&paths, out),
        Command::Runbook(Runbook::Import { paths, out: written }) => {
            super::import::run(&paths, written.as_deref(), out)
        }
        Command::Runbook(Runbook::Match { alert, labels, runbooks }) => {
            runbooks::matching(&alert, &labels, &runbooks, out)
        }
        Command::Runbook(Runbook::List { runbooks }) => runbooks::list(&runbooks, out),
        Command::Bench(args) => bench::run(*args, out).await,
        Command::Calibrate(args) => calibrate::run(args, out).await,
        Command::Doctor(configured) => doctor::run(configured, global, out).await,
        Command::Other(words) => match words.as_slice() {
            [id] if looks_like_an_incident(id) => {
                let args = Show {
                    id: id.clone(),
                    paths: false,
                    hypotheses: false,
                    evidence: false,
                    timeline: false,
                };
                show::run(args, global, out).await
            }
            _ => Err(Failure::usage(format!(
                "unknown command \"{}\"; `quell --help` lists them",
                words.join(" ")
            ))),
        },
        Command::Completion { .. } | Command::Version => Ok(Exit::Ok),
    }
}

/// `quell INC-7 -o json` is `quell show INC-7 -o json`: flags may follow the name.
fn named(mut words: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    if words.get(1).and_then(|word| word.to_str()).is_some_and(looks_like_an_incident) {
        words.insert(1, "show".into());
    }
    words
}

fn looks_like_an_incident(word: &str) -> bool {
    word.starts_with("inc_") || word.to_ascii_uppercase().starts_with("INC-") || word.parse::<u64>().is_ok()
}
