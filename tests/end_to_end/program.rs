//! The built program as a process of its own.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use super::client::{Client, eventually, http};

/// A running `quell serve`; killed on drop.
pub(super) struct Serving {
    child: Child,
    pub(super) url: String,
    log: PathBuf,
}

impl Serving {
    /// Starts it with this configuration over `folder/data` and waits until it is ready.
    pub(super) async fn start(folder: &Path, config: &str) -> Self {
        let file = folder.join("quell.yaml");
        std::fs::write(&file, config).unwrap();
        let log = folder.join("log");
        let mut why = String::new();
        // somebody else may take the port before it does
        for _ in 0..3 {
            let address = format!("127.0.0.1:{}", quell_testkit::ports::free().unwrap());
            let output = OpenOptions::new().create(true).append(true).open(&log).unwrap();
            let mut child = Command::new(env!("CARGO_BIN_EXE_quell"))
                .arg("serve")
                .arg("--config")
                .arg(&file)
                .args(["--set", &format!("server.listen={address}")])
                .args(["--set", &format!("data_dir={}", folder.join("data").display())])
                .stdin(Stdio::null())
                .stdout(output.try_clone().unwrap())
                .stderr(output)
                .spawn()
                .unwrap();
            let url = format!("http://{address}");
            let http = http();
            let up = eventually(Duration::from_secs(20), async || {
                if let Some(status) = child.try_wait().unwrap() {
                    return Some(Err(status));
                }
                let answer = http.get(format!("{url}/readyz")).send().await;
                answer.is_ok_and(|answer| answer.status().is_success()).then_some(Ok(()))
            });
            match up.await {
                Some(Ok(())) => return Self { child, url, log },
                Some(Err(status)) => why = format!("it ended with {status}"),
                None => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    why = "not ready within 20 s".to_owned();
                }
            }
        }
        panic!("{why}:\n{}", std::fs::read_to_string(&log).unwrap());
    }

    pub(super) async fn client(&self) -> Client {
        Client::connect(&self.url).await
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// All that it has said, and those before it over the same folder.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // it may be gone already
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs `quell` with these arguments to its end, away from the user's own configuration.
pub(super) fn quell(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quell"))
        .args(arguments)
        .env_remove("QUELL_SERVER")
        .env_remove("QUELL_CONFIG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
