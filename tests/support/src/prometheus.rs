//! A real Prometheus.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use quell_testkit::{History, prometheus};
//!
//! let live = prometheus::start("scrape_configs: []").await?;
//! let past = prometheus::Setup::new("global: {}").history(History::example()).start().await?;
//! assert_ne!(live.url(), past.url());
//! # Ok(()) }
//! ```

use anyhow::Result;

use crate::{
    History,
    process::{self, Program, Server},
};

const PROGRAM: Program = Program { name: "prometheus", variable: "QUELL_PROMETHEUS", package: "prometheus" };

/// Starts a Prometheus with this configuration file (YAML) on a free port of loopback.
///
/// # Errors
/// When it is not installed or does not get ready; the message holds its log.
pub async fn start(config: &str) -> Result<Server> {
    Setup::new(config).start().await
}

/// What a Prometheus is started with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    files: Vec<(String, String)>,
    history: Option<History>,
    flags: Vec<String>,
}

impl Setup {
    /// With this configuration file (YAML).
    pub fn new(config: &str) -> Self {
        Self { files: vec![("prometheus.yml".into(), config.into())], ..Self::default() }
    }

    /// With another file beside it, e.g. one that `rule_files: [rules.yml]` names.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.into(), text.into()));
        self
    }

    /// With a past. Live samples older than its end are refused, so let it end before now.
    #[must_use]
    pub fn history(mut self, history: History) -> Self {
        self.history = Some(history);
        self
    }

    /// With one more flag, e.g. `--query.max-samples=1000`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// As [`start`].
    pub async fn start(self) -> Result<Server> {
        process::start(
            &PROGRAM,
            &self.files,
            |folder| match &self.history {
                Some(history) => history.write_blocks(&folder.join("data")),
                None => Ok(()),
            },
            |folder, address| {
                let mut arguments = vec![
                    format!("--config.file={}", folder.join("prometheus.yml").display()),
                    format!("--storage.tsdb.path={}", folder.join("data").display()),
                    format!("--web.listen-address={address}"),
                    "--web.enable-lifecycle".into(),
                    "--web.enable-remote-write-receiver".into(),
                    "--storage.tsdb.retention.time=10y".into(),
                ];
                arguments.extend(self.flags.iter().cloned());
                arguments
            },
        )
        .await
    }
}
