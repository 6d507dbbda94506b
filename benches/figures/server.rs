//! `quell serve` as a process of its own.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use quell_proto::v1::{Incident, ListIncidentsRequest, incident_service_client::IncidentServiceClient};
use quell_sdk::http::{HttpConfig, Proxy, client};
use tokio::time::{Instant, sleep};

const READY_WITHIN: Duration = Duration::from_secs(20);
const ANNOUNCES: &str = "quell listens on ";

/// A running server; killed on drop, as `kill -9` does.
pub(crate) struct Quell {
    child: Child,
    url: String,
}

impl Quell {
    /// Starts it over a data folder.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let log = folder.join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_quell"))
            .args(["serve", "--set", "server.listen=127.0.0.1:0", "--set"])
            .arg(format!("data_dir={}", folder.join("data").display()))
            .current_dir(folder)
            .env_remove("QUELL_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("the built quell cannot be run")?;
        let mut server = Self { child, url: String::new() };
        let until = Instant::now() + READY_WITHIN;
        while server.url.is_empty() {
            let text = fs::read_to_string(&log)?;
            let line = text.lines().find_map(|line| line.split_once(ANNOUNCES));
            let address = line.and_then(|(_, rest)| rest.split_whitespace().next());
            server.url = address.unwrap_or_default().to_owned();
            if server.child.try_wait()?.is_some() || Instant::now() >= until {
                bail!("quell serve does not start:\n{text}");
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(server)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// All incidents with their alerts, over gRPC.
    pub(crate) async fn incidents(&self) -> Result<Vec<Incident>> {
        let channel = tonic::transport::Endpoint::from_shared(self.url.clone())?.connect().await?;
        let mut service = IncidentServiceClient::new(channel).max_decoding_message_size(512 << 20);
        let request = ListIncidentsRequest { limit: 1_000, ..Default::default() };
        Ok(service.list_incidents(request).await?.into_inner().incidents)
    }
}

impl Drop for Quell {
    fn drop(&mut self) {
        // it may be gone already; there is nobody to tell
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The sum of a counter at `/metrics` over its series that contain `labels`.
pub(crate) async fn counter(url: &str, name: &str, labels: &str) -> Result<f64> {
    let text = http()?.get(format!("{url}/metrics")).send().await?.text().await?;
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(labels));
    Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
}

/// A client that keeps its connections.
pub(crate) fn http() -> Result<reqwest::Client> {
    let config = HttpConfig { proxy: Proxy::None, timeout: Duration::from_secs(60), ..HttpConfig::default() };
    Ok(client(&config)?)
}
