//! The built program, as a person runs it: away from their own settings, its output in pipes.

use std::{
    io::Write,
    process::{Command, Stdio},
};

/// `quell` with these words, to be started.
pub(super) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quell"));
    command.args(words).env("COLUMNS", "100").stdin(Stdio::null());
    for name in ["QUELL_SERVER", "QUELL_CONFIG", "QUELL_LOG", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

/// Exit code, standard output, standard error.
pub(super) fn quell(words: &[&str]) -> (Option<i32>, String, String) {
    told(words, "")
}

/// As [`quell`], with this on standard input.
pub(super) fn told(words: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = command(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

/// Runs a command line as a shell does, this program in place of `quell`.
pub(super) fn pasted(line: &str) -> (Option<i32>, String, String) {
    let words = line.strip_prefix("quell ").unwrap_or_else(|| panic!("not a command of quell: {line}"));
    let done = Command::new("sh")
        .args(["-c", &format!("exec \"$0\" {words}"), env!("CARGO_BIN_EXE_quell")])
        .env("COLUMNS", "100")
        .env_remove("QUELL_SERVER")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}
