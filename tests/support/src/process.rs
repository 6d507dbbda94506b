//! Server processes that live as long as the test that started them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use quell_sdk::http::{HttpConfig, Proxy, client};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::ports;

/// Starts that may fail because somebody else took the port.
const ATTEMPTS: u32 = 3;
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running server on loopback with a folder of its own; killed and removed on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
    url: String,
    port: u16,
}

impl Server {
    /// Address without a trailing slash, e.g. `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its configuration and data are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        read_log(self.folder.path())
    }

    /// Kills it at once, as `kill -9` does; the folder stays until drop.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("cannot be killed")?;
        self.child.wait().context("does not end")?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; there is nobody to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A program, found in the environment variable or on the `PATH`.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    pub(crate) package: &'static str,
}

impl Program {
    pub(crate) fn path(&self) -> Result<PathBuf> {
        if let Some(path) = std::env::var_os(self.variable) {
            return Ok(path.into());
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders)
            .map(|folder| folder.join(self.name))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                anyhow!(
                    "`{}` is not installed and this test needs the real one: \
                     apt-get install --no-install-recommends {}, or set {} to its path",
                    self.name,
                    self.package,
                    self.variable
                )
            })
    }
}

/// Starts a server and waits until it answers 200 at `/-/ready`. `arguments` gets the folder and the
/// address to listen on.
pub(crate) async fn start(
    program: &Program,
    files: &[(String, String)],
    prepare: impl Fn(&Path) -> Result<()>,
    arguments: impl Fn(&Path, &str) -> Vec<String>,
) -> Result<Server> {
    let path = program.path()?;
    let folder = tempfile::Builder::new()
        .prefix(&format!("quell-{}-", program.name))
        .tempdir()
        .context("no temporary folder")?;
    for (name, text) in files {
        fs::write(folder.path().join(name), text).with_context(|| format!("{name} cannot be written"))?;
    }
    prepare(folder.path())?;
    let mut failure = anyhow!("{} was not started", program.name);
    for _ in 0..ATTEMPTS {
        let port = ports::free()?;
        let arguments = arguments(folder.path(), &format!("127.0.0.1:{port}"));
        let mut child = spawn(&path, &arguments, folder.path())?;
        let url = format!("http://127.0.0.1:{port}");
        match ready(&mut child, &url).await {
            Ok(()) => return Ok(Server { child, folder, url, port }),
            Err(cause) => {
                drop(child.kill());
                drop(child.wait());
                let log = read_log(folder.path());
                let taken = log.contains("address already in use");
                failure = cause.context(format!("{} does not start:\n{log}", program.name));
                if !taken {
                    break;
                }
            }
        }
    }
    Err(failure)
}

fn spawn(path: &Path, arguments: &[String], folder: &Path) -> Result<Child> {
    let log = File::create(folder.join("log")).context("no log file")?;
    Command::new(path)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("no second handle of the log file")?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} cannot be run", path.display()))
}

async fn ready(child: &mut Child, url: &str) -> Result<()> {
    let config = HttpConfig { timeout: Duration::from_secs(2), proxy: Proxy::None, ..HttpConfig::default() };
    let client = client(&config)?;
    let until = Instant::now() + READY_WITHIN;
    loop {
        if let Some(status) = child.try_wait().context("its state cannot be read")? {
            bail!("it ended with {status}");
        }
        let answer = client.get(format!("{url}/-/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if Instant::now() >= until {
            bail!("not ready within {} s", READY_WITHIN.as_secs());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn read_log(folder: &Path) -> String {
    fs::read(folder.join("log")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
