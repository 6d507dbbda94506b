//! What `quell doctor` finds: whether each configured thing would work, and what to do if not.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use quell_otlp::Stats;
use quell_sdk::{Health, Integration};
use tokio::time::timeout;

use super::Registry;
use crate::{
    config::Config,
    domain::{Check, CheckState},
    runbook::{Finding, Library},
};

/// Findings about runbooks that are shown one by one.
const SHOWN: usize = 3;
/// How long a source may take; its own patience ends before.
const PATIENCE: Duration = Duration::from_secs(20);
/// Services push every minute at the slowest; after this long they have stopped.
const SILENCE: Duration = Duration::from_secs(5 * 60);

/// Checks everything that is configured, sources side by side. Names stand as in the configuration.
pub async fn configured(config: &Config) -> Vec<Check> {
    let folder = config.data_dir(&|name| std::env::var(name).ok());
    let (library, findings) = Library::load(&config.runbooks.dirs, config.runbooks.embedded);
    let mut found = vec![data_folder(&folder), runbooks(&library, &findings)];
    found.extend(receivers(config));
    match Registry::build(config) {
        Ok(registry) if registry.integrations.is_empty() => found.push(off(
            "sources",
            "none is configured; only what is pushed over OTLP to a server is seen",
            "add sources.prometheus to the configuration, or point OTEL_EXPORTER_OTLP_ENDPOINT at a server",
        )),
        Ok(registry) => found.extend(sources(&registry.integrations).await),
        Err(error) => found.push(bad("sources", error.to_string(), "correct the configuration")),
    }
    found
}

/// Asks the sources, side by side.
pub async fn sources(integrations: &[Arc<dyn Integration>]) -> Vec<Check> {
    let asked = integrations.iter().map(|integration| async {
        let name = format!("sources.{}", integration.name());
        match timeout(PATIENCE, integration.health()).await {
            Ok(Health { ok, found, next_action }) => {
                let state = if ok { CheckState::Ok } else { CheckState::Failed };
                Check { name, state, found, next_action }
            }
            Err(_) => bad(name, format!("no answer within {} s", PATIENCE.as_secs()), "look at its load"),
        }
    });
    join_all(asked).await
}

/// What services pushed, and whether they still do.
pub fn pushed(stats: &Stats, now: Timestamp) -> Check {
    let name = "sources.otlp";
    let signals = [&stats.metrics, &stats.logs, &stats.traces];
    if signals.iter().all(|signal| signal.accepted == 0) {
        let next = "point OTEL_EXPORTER_OTLP_ENDPOINT of services or of a collector at this server";
        return off(name, "nothing has been pushed yet", next);
    }
    let held =
        format!("{} series, {} log records, {} spans", stats.series, stats.logs.items, stats.traces.items);
    let newest = signals.iter().filter_map(|signal| Some(signal.extent?.1)).max();
    let age = newest.and_then(|newest| {
        let age = now.as_nanosecond() - i128::from(newest);
        Some(Duration::from_secs(u64::try_from(age.max(0) / 1_000_000_000).ok()?))
    });
    match age.map(|age| (age, humantime::format_duration(age))) {
        Some((age, told)) if age > SILENCE => bad(
            name,
            format!("{held}, the newest {told} old: nothing is pushed any more"),
            "look at the exporters' own logs, and whether they reach this server",
        ),
        Some((_, told)) => good(name, format!("{held}, the newest {told} old")),
        None => bad(name, "all that was pushed is too old and gone", "look at the exporters' own logs"),
    }
}

fn check(name: impl Into<String>, state: CheckState, found: impl Into<String>, next: &str) -> Check {
    Check { name: name.into(), state, found: found.into(), next_action: next.to_owned() }
}

fn good(name: impl Into<String>, found: impl Into<String>) -> Check {
    check(name, CheckState::Ok, found, "")
}

fn off(name: impl Into<String>, found: impl Into<String>, next: &str) -> Check {
    check(name, CheckState::Off, found, next)
}

fn bad(name: impl Into<String>, found: impl Into<String>, next: &str) -> Check {
    check(name, CheckState::Failed, found, next)
}

/// Whether the journal could be written there. A folder that is not there yet is judged by the nearest one
/// that is, and not made.
pub fn data_folder(folder: &Path) -> Check {
    let name = "data_dir";
    let existing = folder.ancestors().find(|place| place.is_dir() || place.as_os_str().is_empty());
    let there = match existing {
        Some(place) if !place.as_os_str().is_empty() => place,
        _ => Path::new("."),
    };
    match writable(there) {
        Ok(()) if there == folder => good(name, format!("{} is writable", folder.display())),
        Ok(()) => good(name, format!("{} is not there yet and can be made", folder.display())),
        Err(error) => {
            let next = "let the user that runs quell write there, or set data_dir to another folder";
            bad(name, format!("{}: {error}", there.display()), next)
        }
    }
}

fn writable(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".quell-doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(&probe)
}

/// Whether all runbooks can be used.
pub fn runbooks(library: &Library, findings: &[Finding]) -> Check {
    let name = "runbooks";
    let found = format!("{} runbooks", library.runbooks().len());
    let errors: Vec<String> =
        findings.iter().filter(|finding| finding.is_error()).take(SHOWN).map(ToString::to_string).collect();
    let warnings = findings.len() - findings.iter().filter(|finding| finding.is_error()).count();
    if !errors.is_empty() {
        let next = "correct them; `quell runbook lint` shows every finding with its line";
        return bad(name, format!("{found}; left out: {}", errors.join("; ")), next);
    }
    if library.runbooks().is_empty() {
        return bad(name, found, "set runbooks.embedded to true or name folders in runbooks.dirs");
    }
    match warnings {
        0 => good(name, found),
        warnings => good(name, format!("{found}, {warnings} warnings")),
    }
}

/// Who may page. One that is not configured takes nothing, which is as it should be where nobody uses it.
pub fn receivers(config: &Config) -> Vec<Check> {
    let receivers = &config.receivers;
    let name = "receivers.alertmanager";
    let alertmanager = match (receivers.alertmanager.is_open(), config.server.listen.ip().is_loopback()) {
        (false, _) => good(name, "asks for credentials"),
        (true, true) => good(name, "open, on this machine only"),
        (true, false) => bad(
            name,
            format!("open to whoever reaches {}", config.server.listen),
            "set receivers.alertmanager.bearer_token, and the same in Alertmanager's http_config",
        ),
    };
    let name = "receivers.pagerduty";
    let pagerduty = match receivers.pagerduty.secrets.len() {
        0 if receivers.pagerduty.access.is_open() => off(
            name,
            "takes nothing: no signing secret is configured",
            "add the webhook subscription's secret to receivers.pagerduty.secrets if PagerDuty shall page quell",
        ),
        0 => good(name, "asks for credentials"),
        1 => good(name, "1 signing secret"),
        count => good(name, format!("{count} signing secrets")),
    };
    let name = "receivers.events_v2";
    let events = match receivers.events_v2.routing_keys.len() {
        0 => off(
            name,
            "takes nothing: no routing key is configured",
            "add one to receivers.events_v2.routing_keys if anything shall send Events API v2",
        ),
        1 => good(name, "1 routing key"),
        count => good(name, format!("{count} routing keys")),
    };
    vec![alertmanager, pagerduty, events]
}

#[cfg(test)]
mod tests {
    use CheckState::{Failed, Off, Ok as Fine};

    use super::*;

    async fn check(config: &Config, name: &str) -> Check {
        let found = configured(config).await;
        found.into_iter().find(|found| found.name == name).unwrap()
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let with = |folder: &Path| Config { data_dir: Some(folder.to_owned()), ..Config::default() };
        assert_eq!(check(&with(folder.path()), "data_dir").await.state, Fine);
        let deeper = folder.path().join("a/b");
        assert!(check(&with(&deeper), "data_dir").await.found.contains("can be made"));
        assert!(!deeper.exists());
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = check(&with(Path::new("/proc/quell")), "data_dir").await;
        assert!(nowhere.state == Failed && nowhere.next_action.contains("data_dir"), "{nowhere:?}");
    }

    #[tokio::test]
    async fn a_broken_runbook_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("broken.md"), "---\nquell: runbook/v1\nid: [\n---\n# x\n").unwrap();
        let mut config = Config::default();
        config.runbooks.dirs.push(folder.path().to_owned());
        let found = check(&config, "runbooks").await;
        assert!(found.state == Failed && found.found.contains("broken.md"), "{found:?}");
    }

    #[tokio::test]
    async fn what_is_not_configured_is_off_and_says_what_to_set() {
        let mut config = Config::default();
        assert_eq!(check(&config, "receivers.alertmanager").await.state, Fine);
        for (name, told) in [
            ("receivers.pagerduty", "receivers.pagerduty.secrets"),
            ("receivers.events_v2", "receivers.events_v2.routing_keys"),
            ("sources", "sources.prometheus"),
        ] {
            let found = check(&config, name).await;
            assert!(found.state == Off && found.next_action.contains(told), "{found:?}");
        }
        config.server.listen = "0.0.0.0:7777".parse().unwrap();
        assert_eq!(check(&config, "receivers.alertmanager").await.state, Failed);
        config.receivers.events_v2.routing_keys.push("k".repeat(32).into());
        assert_eq!(check(&config, "receivers.events_v2").await.state, Fine);
    }

    #[test]
    fn services_that_stopped_pushing_are_told_from_those_that_never_did() {
        let now = Timestamp::from_second(10_000).unwrap();
        assert_eq!(pushed(&Stats::default(), now).state, Off);
        let newest = |second: i64| {
            let mut stats = Stats::default();
            (stats.traces.accepted, stats.traces.items) = (7, 5);
            stats.traces.extent = Some((1, second * 1_000_000_000));
            pushed(&stats, now)
        };
        assert_eq!((newest(9_990).state, newest(9_000).state), (Fine, Failed));
        assert!(newest(9_990).found.contains("5 spans, the newest 10s old"), "{:?}", newest(9_990));
        assert_eq!(newest(10_060).state, Fine, "a sender's clock may be ahead");
    }
}
