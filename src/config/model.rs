use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use secrecy::SecretString;
use serde::Deserialize;

use super::size;

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
    pub alertmanager: Alertmanager,
    pub pagerduty: PagerDuty,
    pub events_v2: EventsV2,
}

/// Alertmanager's webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alertmanager {
    /// Bearer token that deliveries must carry. Unset: none is asked for.
    pub token: Option<SecretString>,
}

/// PagerDuty's V3 webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PagerDuty {
    /// Signing secrets of the webhook subscriptions; any may match. None: every delivery is refused.
    pub secrets: Vec<SecretString>,
}

/// The intake that speaks PagerDuty's Events API v2.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsV2 {
    /// Routing keys that events must carry. None: every event is refused.
    pub routing_keys: Vec<SecretString>,
}

/// Where signals come from, beside what is pushed over OTLP.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sources {}

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
        if self.otlp.max_bytes < 1 << 20 {
            return Err("otlp.max_bytes must be at least 1MiB".to_owned());
        }
        Ok(())
    }

    /// What works but should not stay so.
    pub(super) fn warnings(&self) -> Vec<String> {
        let open = self.receivers.alertmanager.token.is_none() && !self.server.listen.ip().is_loopback();
        let warning = "anybody who reaches the port can send alerts; set receivers.alertmanager.token";
        if open { vec![warning.to_owned()] } else { Vec::new() }
    }
}
