//! `quell doctor`: is everything there, and what to do where it is not.

use std::time::Duration;

use quell_proto::v1::{GetServerRequest, server_service_client::ServerServiceClient};
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::Code;

use super::{
    Exit,
    args::{Configured, Global},
    client,
    exit::{Failure, Result},
    output::Out,
    render,
};
use crate::{
    api::convert::Wire,
    config,
    domain::{Check, CheckState},
    registry,
};

/// How long a server may take to ask its sources.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server said, or that there is none.
struct Asked {
    /// Of the server itself.
    own: Check,
    version: String,
    /// starting, ready, draining; empty when it did not say.
    state: String,
    checks: Vec<Check>,
    unreachable: bool,
}

/// Checks the configuration and everything in it, and the server. Ends with 7 when the server that was named does
/// not answer, with 4 when only sources fail, with 1 when anything else does.
pub(super) async fn run(configured: Configured, global: &Global, out: &Out) -> Result<Exit> {
    let loaded = config::load(configured.config.as_deref(), &configured.sets)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let (checks, asked) = tokio::join!(registry::doctor::configured(&loaded.config), ask(global));
    let asked = asked?;
    let failed: Vec<&Check> = checks
        .iter()
        .chain([&asked.own])
        .chain(&asked.checks)
        .filter(|check| check.state == CheckState::Failed)
        .collect();
    if out.is_for_people() {
        let file = configured
            .config
            .as_ref()
            .map_or_else(|| "defaults".to_owned(), |file| file.display().to_string());
        let of_server: Vec<Check> = [&asked.own].into_iter().chain(&asked.checks).cloned().collect();
        let sections = [
            (format!("CONFIGURATION ({file})"), checks.as_slice()),
            (format!("SERVER ({})", global.address()), of_server.as_slice()),
        ];
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        out.text(&render::doctor(&sections, &warnings, out.width))?;
    } else {
        out.value(&json!({
            "ok": failed.is_empty(),
            "checks": checks.iter().map(value).collect::<Vec<_>>(),
            "warnings": loaded.warnings,
            "server": {
                "address": global.address(),
                "version": asked.version,
                "state": asked.state,
                "check": value(&asked.own),
                "checks": asked.checks.iter().map(value).collect::<Vec<_>>(),
            },
        }))?;
    }
    Ok(match () {
        () if asked.unreachable => Exit::Unreachable,
        () if failed.is_empty() => Exit::Ok,
        () if failed.iter().all(|check| check.name.starts_with("sources.")) => Exit::Partial,
        () => Exit::General,
    })
}

fn value(check: &Check) -> Value {
    json!({
        "name": check.name,
        "ok": check.state != CheckState::Failed,
        "state": check.state.as_str(),
        "found": check.found,
        "nextAction": check.next_action,
    })
}

/// Asks the server how it is. That none answers where nobody named one is no failure: quell works without.
async fn ask(global: &Global) -> Result<Asked> {
    let own = |state, found: String, next: &str| {
        let own = Check { name: "server".to_owned(), state, found, next_action: next.to_owned() };
        Asked { own, version: String::new(), state: String::new(), checks: Vec::new(), unreachable: false }
    };
    let (named, address) = (global.server.is_some(), global.address());
    let lacking = if named { CheckState::Failed } else { CheckState::Off };
    let channel = match client::connect(global).await {
        Ok(channel) => channel,
        Err(failure) if failure.exit == Exit::Unreachable => {
            let next = if named {
                "start it with `quell serve`, or correct --server or QUELL_SERVER"
            } else {
                "start one with `quell serve`, or name one with --server or QUELL_SERVER"
            };
            let found = match named {
                true => format!("{:#}", failure.error),
                false => format!("nobody listens at {address}"),
            };
            // The advice is given once.
            let found = found.split(';').next().unwrap_or_default().to_owned();
            return Ok(Asked { unreachable: named, ..own(lacking, found, next) });
        }
        Err(failure) => return Err(failure),
    };
    let mut server = ServerServiceClient::new(channel);
    let answer = match timeout(PATIENCE, server.get_server(GetServerRequest {})).await {
        Ok(Ok(answer)) => answer.into_inner(),
        Ok(Err(status)) if matches!(status.code(), Code::Unimplemented | Code::Unknown | Code::Internal) => {
            let found = format!("something answers at {address} that is no quell, or an older one");
            return Ok(own(lacking, found, "name the address of a quell with --server or QUELL_SERVER"));
        }
        Ok(Err(status)) => {
            let found = format!("it answers, and refuses: {}", status.message());
            return Ok(own(CheckState::Failed, found, "look at the server's log"));
        }
        Err(_) => {
            let found = format!("no answer within {} s", PATIENCE.as_secs());
            return Ok(own(CheckState::Failed, found, "look at the server's log and load"));
        }
    };
    let found = format!("quell {}, {}", answer.version, answer.state);
    let here = env!("CARGO_PKG_VERSION");
    let asked = if answer.state != "ready" {
        own(CheckState::Failed, found, "it takes nothing now: try again, and look at its log if it stays so")
    } else if answer.version == here {
        own(CheckState::Ok, found, "")
    } else {
        own(CheckState::Ok, found, &format!("this program is {here}: use one version for both"))
    };
    let checks = answer.checks.into_iter().map(Check::from_wire).collect::<Result<Vec<_>, _>>();
    let checks =
        checks.map_err(|invalid| Failure::new(Exit::General, format!("the server's answer: {invalid}")))?;
    Ok(Asked { version: answer.version, state: answer.state, checks, ..asked })
}
