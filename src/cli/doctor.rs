//! `quell doctor`: is everything there, and what to do where it is not.

use super::{
    Exit,
    args::Configured,
    exit::{Failure, Result},
    output::Out,
    render::style::{bad, dim, good},
};
use crate::{config, registry};

/// Checks the configuration and everything in it. Ends with 1 when something is not usable.
pub(super) async fn run(configured: Configured, out: &Out) -> Result<Exit> {
    let loaded = config::load(configured.config.as_deref(), &configured.sets)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let checks = registry::doctor(&loaded.config).await;
    let all_ok = checks.iter().all(|(_, health)| health.ok);
    if out.is_for_people() {
        let width = checks.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, health) in &checks {
            let mark = if health.ok { good("ok  ") } else { bad("FAIL") };
            out.line(&format!("{mark} {name:<width$}  {}", health.found))?;
            if !health.next_action.is_empty() {
                out.line(&format!("     {:<width$}  {}", "", dim(&format!("next: {}", health.next_action))))?;
            }
        }
        for warning in &loaded.warnings {
            out.line(&format!("{} {warning}", bad("warn")))?;
        }
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
