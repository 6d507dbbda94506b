//! `quell doctor`: is everything there, and what to do where it is not.

use super::{
    Exit,
    args::Configured,
    exit::{Failure, Result},
    output::Out,
    render,
};
use crate::{config, registry};

/// Checks the configuration and everything in it. Ends with 1 when something is not usable.
pub(super) async fn run(configured: Configured, out: &Out) -> Result<Exit> {
    let loaded = config::load(configured.config.as_deref(), &configured.sets)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let checks = registry::doctor(&loaded.config).await;
    let all_ok = checks.iter().all(|(_, health)| health.ok);
    if out.is_for_people() {
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        out.text(&render::doctor(&checks, &warnings, out.width))?;
    } else {
        let checks: Vec<_> = checks
            .iter()
            .map(|(name, health)| {
                serde_json::json!({
                    "name": name,
                    "ok": health.ok,
                    "found": health.found,
                    "nextAction": health.next_action,
                })
            })
            .collect();
        out.value(&serde_json::json!({ "ok": all_ok, "checks": checks, "warnings": loaded.warnings }))?;
    }
    Ok(if all_ok { Exit::Ok } else { Exit::General })
}
