//! `quell serve`.

use super::{
    Exit,
    args::Serve,
    exit::{Failure, Result},
    output::Out,
};
use crate::{app::App, clock::SystemClock, config};

/// Runs the server until Ctrl-C or SIGTERM. A second signal does not wait.
pub(super) async fn run(args: Serve, out: &Out) -> Result<Exit> {
    let loaded = config::load(args.configured.config.as_deref(), &args.configured.sets)
        .map_err(|error| Failure::usage(error.to_string()))?;
    for warning in &loaded.warnings {
        tracing::warn!(%warning, "configuration");
    }
    let app = App::start(loaded.config, std::sync::Arc::new(SystemClock)).await?;
    out.say(&format!("quell listens on http://{} (gRPC and HTTP)", app.addr()));
    tokio::select! {
        () = signal() => out.say("stopping"),
        () = app.ended() => out.say("the server ended by itself"),
    }
    tokio::select! {
        stopped = app.stop() => stopped?,
        () = signal() => return Ok(Exit::Interrupted),
    }
    Ok(Exit::Ok)
}

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn signal() {
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        interrupted.await.ok();
        return;
    };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}
