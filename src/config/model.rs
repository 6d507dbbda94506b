use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use quell_pagerduty::{EventsConfig, WebhookConfig};
use quell_sdk::receiver::Access;
use serde::Deserialize;

use super::size;
use crate::intake;

/// The whole configuration. Every part may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    /// Folder of the journal. Unset: `$XDG_DATA_HOME/quell`, or `quell-data` in the working folder.
    pub data_dir: Option<PathBuf>,
    pub receivers: Receivers,
    pub sources: Sources,
    pub otlp: Otlp,
    pub runbooks: Runbooks,
    pub investigation: Investigation,
    pub intake: intake::Config,
}

/// The one port.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address for gRPC and HTTP; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 7777).into() }
    }
}

/// What may send alerts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receivers {
    /// Credentials that Alertmanager's deliveries must show; with none set, none are asked for.
    pub alertmanager: Access,
    /// Signing secrets of PagerDuty's V3 webhooks; with none set, every delivery is refused.
    pub pagerduty: WebhookConfig,
    /// Routing keys of the intake that speaks PagerDuty's Events API v2; with none set, every event is
    /// refused.
    pub events_v2: EventsConfig,
}

/// Where signals come from, beside what is pushed over OTLP.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sources {
    /// Named `prometheus`, `prometheus-2`, ... in evidence, in this order.
    pub prometheus: Vec<quell_prometheus::Config>,
}

/// The in-memory window of what services push.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Otlp {
    /// Most memory for all signals together, in bytes; the oldest go first.
    #[serde(deserialize_with = "size::deserialize")]
    pub max_bytes: u64,
    /// How long anything is kept.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { max_bytes: 256 << 20, max_age: Duration::from_secs(2 * 3600) }
    }
}

/// Which runbooks there are.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runbooks {
    /// Folders with runbooks of your own; they go before those that quell brings.
    pub dirs: Vec<PathBuf>,
    /// Whether those that quell brings are used as well.
    pub embedded: bool,
}

impl Default for Runbooks {
    fn default() -> Self {
        Self { dirs: Vec::new(), embedded: true }
    }
}

/// How incidents are investigated.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Investigation {
    /// Time until there must be an answer.
    #[serde(with = "humantime_serde")]
    pub budget: Duration,
    /// Investigations at the same time.
    pub workers: usize,
    /// How far before the page to look.
    #[serde(with = "humantime_serde")]
    pub lookback: Duration,
}

impl Default for Investigation {
    fn default() -> Self {
        Self { budget: Duration::from_secs(60), workers: 4, lookback: Duration::from_secs(2 * 3600) }
    }
}

impl Config {
    /// The folder of the journal; `variable` reads the environment.
    pub fn data_dir(&self, variable: &dyn Fn(&str) -> Option<String>) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| {
            match variable("XDG_DATA_HOME").filter(|dir| !dir.is_empty()) {
                Some(dir) => PathBuf::from(dir).join("quell"),
                None => PathBuf::from("quell-data"),
            }
        })
    }

    /// What cannot work, as a message that names the key.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=64).contains(&self.investigation.workers) {
            return Err("investigation.workers must be 1 to 64".to_owned());
        }
        if self.investigation.budget < Duration::from_secs(1) {
            return Err("investigation.budget must be at least 1s".to_owned());
        }
        if self.intake.investigation_budget != intake::Config::default().investigation_budget {
            return Err("intake.investigation_budget is set by investigation.budget; set that".to_owned());
        }
        if self.otlp.max_bytes < 1 << 20 {
            return Err("otlp.max_bytes must be at least 1MiB".to_owned());
        }
        Ok(())
    }

    /// What works but should not stay so.
    pub(super) fn warnings(&self) -> Vec<String> {
        if self.server.listen.ip().is_loopback() {
            return Vec::new();
        }
        let mut warnings = vec![
            "gRPC and OTLP are open to whoever reaches server.listen, without TLS; keep strangers out by \
             network rules or a proxy"
                .to_owned(),
        ];
        if self.receivers.alertmanager.is_open() {
            warnings.push(
                "whoever reaches server.listen can send alerts as Alertmanager; set \
                 receivers.alertmanager.bearer_token"
                    .to_owned(),
            );
        }
        warnings
    }
}
