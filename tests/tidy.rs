//! Holds the tree to the invariants of ARCHITECTURE.md that a program can check.
#![expect(clippy::expect_used, reason = "a tree that cannot be read is a failed test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A Rust file of the tree: path from the root, and text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Lines of code, without comments and without what follows `#[cfg(test)]`.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        self.text.get(..end).unwrap_or_default().lines().enumerate().filter_map(|(number, line)| {
            let line = line.trim_start();
            (!line.starts_with("//")).then_some((number + 1, line))
        })
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.ends_with("_tests.rs")
            || self.path.contains("/tests/")
            || self.path.starts_with("tests/")
            || self.path.contains("/benches/")
            || self.path.starts_with("benches/")
    }

    fn is_in(&self, folders: &[&str]) -> bool {
        folders.iter().any(|folder| self.path.starts_with(folder))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["src", "integrations", "proto", "tests", "benches"] {
        walk(&root().join(folder), &mut found);
    }
    found.retain(|source: &Source| source.path != "tests/tidy.rs"); // it names what it forbids
    assert!(found.len() > 50, "only {} Rust files found: is this the root of the tree?", found.len());
    found
}

fn walk(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is readable");
            let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// Fails with every place where one of `words` stands in code of `sources`.
fn nowhere(sources: &[&Source], words: &[&str], rule: &str) {
    let mut places = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                places.push(format!("  {}:{number}: {word}", source.path));
            }
        }
    }
    assert!(places.is_empty(), "{rule}\n{}", places.join("\n"));
}

#[test]
fn domain_and_analysis_have_no_io_no_async_no_clock() {
    let all = sources();
    let pure: Vec<&Source> =
        all.iter().filter(|source| source.is_in(&["src/domain/", "src/analysis/"])).collect();
    assert!(pure.len() > 10);
    nowhere(
        &pure,
        &[
            "tokio",
            "async fn",
            ".await",
            "Timestamp::now",
            "Instant",
            "SystemTime",
            "std::fs",
            "std::net",
            "std::env",
            "reqwest",
            "rusqlite",
        ],
        "domain and analysis are pure: time is an argument, data comes in, findings go out",
    );
}

#[test]
fn wire_types_stop_at_the_edge() {
    let all = sources();
    let inner: Vec<&Source> = all
        .iter()
        .filter(|source| source.path.starts_with("src/") && !source.is_in(&["src/api/", "src/cli/"]))
        .filter(|source| !source.is_test())
        .collect();
    nowhere(
        &inner,
        &["tonic::", "axum::", "quell_proto"],
        "only api and cli name tonic, axum and generated types; convert at the edge",
    );
}

#[test]
fn storage_stays_in_its_rooms() {
    let all = sources();
    let others: Vec<&Source> = all
        .iter()
        .filter(|source| source.path.starts_with("src/"))
        .filter(|source| !source.is_in(&["src/journal/", "src/history/", "src/runbook/index.rs"]))
        .collect();
    nowhere(
        &others,
        &["rusqlite"],
        "only journal and history name SQLite, and runbook::index for its full-text table in memory",
    );
}

#[test]
fn http_clients_are_built_in_one_place() {
    let all = sources();
    let others: Vec<&Source> =
        all.iter().filter(|source| !source.path.starts_with("integrations/sdk/src/http")).collect();
    nowhere(
        &others,
        &["reqwest::Client::builder", "reqwest::Client::new", "ClientBuilder::new"],
        "only quell_sdk::http builds HTTP clients",
    );
}

#[test]
fn only_the_command_line_prints() {
    let all = sources();
    let others: Vec<&Source> = all
        .iter()
        .filter(|source| !source.is_in(&["src/cli/", "tests/", "benches/", "proto/build.rs"]))
        .filter(|source| !source.is_test() && !source.path.ends_with("build.rs"))
        .collect();
    nowhere(&others, &["println!(", "eprintln!(", "print!(", "eprint!("], "only cli prints");
}

#[test]
fn only_the_measuring_reads_labels() {
    let all = sources();
    let others: Vec<&Source> = all
        .iter()
        .filter(|source| source.path.contains("src/") && !source.path.starts_with("src/bench/"))
        .collect();
    nowhere(
        &others,
        &["labels.json"],
        "what is true of a case is known to src/bench alone, once it is answered",
    );
}

#[test]
fn a_vendor_depends_on_the_sdk_alone() {
    let integrations = root().join("integrations");
    let mut seen = 0;
    for entry in fs::read_dir(&integrations).expect("integrations is a folder").flatten() {
        let manifest = entry.path().join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&manifest) else { continue };
        seen += 1;
        let is_sdk = entry.file_name() == "sdk";
        for line in text.lines().take_while(|line| !line.starts_with("[dev-dependencies]")) {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let allowed = !name.starts_with("quell") || (name == "quell-sdk" && !is_sdk);
            assert!(allowed, "{}: {name}: a vendor crate depends on quell-sdk alone", manifest.display());
        }
    }
    assert!(seen >= 4, "only {seen} integrations found");
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let mut places = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > 500 {
            places.push(format!("  {}: {lines} lines; is it still one idea?", source.path));
        }
        let name = source.path.rsplit('/').next().unwrap_or_default();
        let is_product = source.path.starts_with("src/") || source.path.contains("/src/");
        if is_product && matches!(name, "mod.rs" | "lib.rs") && !source.text.starts_with("//!") {
            places.push(format!("  {}: no head that says what the module is for", source.path));
        }
        if name == "mod.rs" && is_product && !source.is_test() {
            for (number, line) in source.code() {
                let starts = ["fn ", "pub fn ", "struct ", "pub struct ", "impl ", "enum ", "pub enum "];
                if starts.iter().any(|start| line.starts_with(start)) {
                    places.push(format!("  {}:{number}: mod.rs only declares and re-exports", source.path));
                }
            }
        }
    }
    assert!(places.is_empty(), "\n{}", places.join("\n"));
}

#[test]
fn nothing_is_left_half_done() {
    let all = sources();
    let product: Vec<&Source> = all.iter().collect();
    nowhere(
        &product,
        &["todo!(", "unimplemented!(", "#[ignore", "FIXME", "#[allow("],
        "nothing half done, nothing skipped in silence, lints are expected with a reason",
    );
}
