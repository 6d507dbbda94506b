//! What `quell doctor` finds: whether each configured thing would work, and what to do if not.

use std::{fs, io, path::Path};

use futures::future::join_all;
use quell_sdk::Health;

use super::Registry;
use crate::{config::Config, runbook::Library};

/// Findings about runbooks that are shown one by one.
const SHOWN: usize = 3;

/// Checks everything that is configured, sources side by side. Names stand as in the configuration.
pub async fn doctor(config: &Config) -> Vec<(String, Health)> {
    let folder = config.data_dir(&|name| std::env::var(name).ok());
    let mut found =
        vec![("data_dir".to_owned(), data_folder(&folder)), ("runbooks".to_owned(), runbooks(config))];
    found.extend(receivers(config));
    match Registry::build(config) {
        Ok(registry) => {
            let asked = registry.integrations.iter().map(|integration| async {
                (format!("sources.{}", integration.name()), integration.health().await)
            });
            found.extend(join_all(asked).await);
            if registry.integrations.is_empty() {
                let next = "add sources.prometheus to the configuration, or send OTLP to this server";
                let health = bad("no source is configured; only what is pushed over OTLP is seen", next);
                found.push(("sources".to_owned(), health));
            }
        }
        Err(error) => {
            let next = "correct the configuration".to_owned();
            found.push((
                "sources".to_owned(),
                Health { ok: false, found: error.to_string(), next_action: next },
            ));
        }
    }
    found
}

fn good(found: impl Into<String>) -> Health {
    Health { ok: true, found: found.into(), next_action: String::new() }
}

fn bad(found: impl Into<String>, next: impl Into<String>) -> Health {
    Health { ok: false, found: found.into(), next_action: next.into() }
}

/// Whether the journal could be written there. A folder that is not there yet is judged by the nearest one
/// that is, and not made.
fn data_folder(folder: &Path) -> Health {
    let existing = folder.ancestors().find(|place| place.is_dir() || place.as_os_str().is_empty());
    let there = match existing {
        Some(place) if !place.as_os_str().is_empty() => place,
        _ => Path::new("."),
    };
    match writable(there) {
        Ok(()) if there == folder => good(format!("{} is writable", folder.display())),
        Ok(()) => good(format!("{} is not there yet and can be made", folder.display())),
        Err(error) => {
            let next = "let the user that runs quell write there, or set data_dir to another folder";
            bad(format!("{}: {error}", there.display()), next)
        }
    }
}

fn writable(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".quell-doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(&probe)
}

fn runbooks(config: &Config) -> Health {
    let (library, findings) = Library::load(&config.runbooks.dirs, config.runbooks.embedded);
    let found = format!("{} runbooks", library.runbooks().len());
    let errors: Vec<String> =
        findings.iter().filter(|finding| finding.is_error()).take(SHOWN).map(ToString::to_string).collect();
    let warnings = findings.len() - findings.iter().filter(|finding| finding.is_error()).count();
    if !errors.is_empty() {
        let next = "correct them; `quell runbook lint` shows every finding with its line";
        return bad(format!("{found}; left out: {}", errors.join("; ")), next);
    }
    if library.runbooks().is_empty() {
        return bad(found, "set runbooks.embedded to true or name folders in runbooks.dirs");
    }
    good(match warnings {
        0 => found,
        warnings => format!("{found}, {warnings} warnings"),
    })
}

fn receivers(config: &Config) -> Vec<(String, Health)> {
    let receivers = &config.receivers;
    let loopback = config.server.listen.ip().is_loopback();
    let alertmanager = match (receivers.alertmanager.is_open(), loopback) {
        (false, _) => good("asks for credentials"),
        (true, true) => good("open, on this machine only"),
        (true, false) => bad(
            format!("open to whoever reaches {}", config.server.listen),
            "set receivers.alertmanager.bearer_token, and the same in Alertmanager's http_config",
        ),
    };
    let pagerduty = match receivers.pagerduty.secrets.len() {
        0 if receivers.pagerduty.access.is_open() => bad(
            "no secret is configured: every delivery is refused",
            "add the webhook subscription's secret to receivers.pagerduty.secrets if PagerDuty shall page quell",
        ),
        count => good(format!("{count} secrets")),
    };
    let events = match receivers.events_v2.routing_keys.len() {
        0 => bad(
            "no routing key is configured: every event is refused",
            "add one to receivers.events_v2.routing_keys if anything shall send Events API v2",
        ),
        count => good(format!("{count} routing keys")),
    };
    [("alertmanager", alertmanager), ("pagerduty", pagerduty), ("events_v2", events)]
        .map(|(name, health)| (format!("receivers.{name}"), health))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(config: &Config, name: &str) -> Health {
        let found = doctor(config).await;
        found.into_iter().find(|(found, _)| found == name).map(|(_, health)| health).unwrap()
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let with = |folder: &Path| Config { data_dir: Some(folder.to_owned()), ..Config::default() };
        assert!(check(&with(folder.path()), "data_dir").await.ok);
        let deeper = folder.path().join("a/b");
        assert!(check(&with(&deeper), "data_dir").await.found.contains("can be made"));
        assert!(!deeper.exists());
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = check(&with(Path::new("/proc/quell")), "data_dir").await;
        assert!(!nowhere.ok && nowhere.next_action.contains("data_dir"), "{nowhere:?}");
    }

    #[tokio::test]
    async fn a_broken_runbook_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("broken.md"), "---\nquell: runbook/v1\nid: [\n---\n# x\n").unwrap();
        let mut config = Config::default();
        config.runbooks.dirs.push(folder.path().to_owned());
        let health = check(&config, "runbooks").await;
        assert!(!health.ok && health.found.contains("broken.md"), "{health:?}");
    }

    #[tokio::test]
    async fn receivers_without_secrets_say_what_to_do() {
        let mut config = Config::default();
        assert!(check(&config, "receivers.alertmanager").await.ok);
        assert!(
            check(&config, "receivers.pagerduty").await.next_action.contains("receivers.pagerduty.secrets")
        );
        assert!(!check(&config, "receivers.events_v2").await.ok);
        config.server.listen = "0.0.0.0:7777".parse().unwrap();
        assert!(!check(&config, "receivers.alertmanager").await.ok);
        config.receivers.events_v2.routing_keys.push("k".repeat(32).into());
        assert!(check(&config, "receivers.events_v2").await.ok);
    }
}
