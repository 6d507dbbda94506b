//! Commands that ask a server, as a person types them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use super::program::command;

/// Ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // it may be gone already
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What `quell serve` logs until it is ready.
fn logged(variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = format!("data_dir={}", folder.path().display());
    let mut serve = command(&["serve", "--set", "server.listen=127.0.0.1:0", "--set", &data]);
    serve.envs(variables.iter().copied()).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = Ended(serve.spawn().unwrap());
    let mut log = String::new();
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines() {
        log.push_str(&line.unwrap());
        log.push('\n');
        if log.contains("ready") {
            return log;
        }
    }
    panic!("it ended: {log}");
}

#[test]
fn a_log_in_a_pipe_has_no_escapes() {
    assert!(!logged(&[]).contains('\u{1b}'), "{:?}", logged(&[]));
    let forced = logged(&[("CLICOLOR_FORCE", "1")]);
    assert!(forced.contains('\u{1b}'), "it can be asked for: {forced:?}");
    let asked_not_to = logged(&[("NO_COLOR", "1")]);
    assert!(!asked_not_to.contains('\u{1b}'), "{asked_not_to:?}");
}
