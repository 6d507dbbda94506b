//! A real Alertmanager.

use anyhow::Result;

use crate::process::{self, Program, Server};

const PROGRAM: Program = Program {
    name: "prometheus-alertmanager",
    variable: "QUELL_ALERTMANAGER",
    package: "prometheus-alertmanager",
};

/// Starts an Alertmanager with this configuration file (YAML) on a free port of loopback, alone (no
/// cluster). A Prometheus reaches it with
/// `alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:PORT']}]}]}`.
///
/// # Errors
/// When it is not installed or does not get ready; the message holds its log.
pub async fn start(config: &str) -> Result<Server> {
    process::start(
        &PROGRAM,
        &[("alertmanager.yml".into(), config.into())],
        |_| Ok(()),
        |folder, address| {
            vec![
                format!("--config.file={}", folder.join("alertmanager.yml").display()),
                format!("--storage.path={}", folder.join("data").display()),
                format!("--web.listen-address={address}"),
                // Empty: it would listen on all interfaces otherwise.
                "--cluster.listen-address=".into(),
            ]
        },
    )
    .await
}
