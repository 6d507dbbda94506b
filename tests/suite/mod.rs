//! One module per part; `server` starts a whole quell on a free port.

mod accuracy;
mod api_grpc;
mod api_health;
mod api_otlp;
mod api_query;
mod api_refusals;
mod api_watch;
mod api_webhooks;
mod app_restart;
mod authored;
mod bench_command;
mod cli_query;
mod cli_server;
mod evidence;
mod import;
mod kube;
mod kube_authored;
mod kube_decoys;
mod program;
mod server;
mod side_by_side;

/// Says that recordings which a test reads are not there. A test's own output is shown only when it fails, and what
/// was not checked has to be seen when it passes.
fn absent(path: &std::path::Path) {
    use std::io::Write;
    writeln!(std::io::stderr(), "ABSENT: {}, not checked; set QUELL_SHARED", path.display()).unwrap();
}
