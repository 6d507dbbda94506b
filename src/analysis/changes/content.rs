//! How much the content of a change has to do with what now fails.
//!
//! Identifiers of title, paths and diff (removed lines too: what was deleted is missed) are compared with
//! those of the symptoms' texts, weighted by how rare they are among the changes (IDF): a word that every
//! change has tells nothing.

use std::collections::{BTreeMap, BTreeSet};

use quell_sdk::signal::Change;

use super::identifiers;

/// Identifiers of the symptoms, with weights: how strongly each symptom speaks.
#[derive(Clone, Debug, Default)]
pub struct Document {
    words: BTreeMap<String, f64>,
}

impl Document {
    /// Adds the identifiers of a text that speaks with `weight` (0 to 1).
    pub fn add(&mut self, text: &str, weight: f64) {
        for word in identifiers(text) {
            let known = self.words.entry(word).or_default();
            *known = known.max(weight);
        }
    }
}

/// The contents of all changes of a case.
pub struct Content {
    words: Vec<BTreeSet<String>>,
    /// Changes that hold a word.
    frequency: BTreeMap<String, usize>,
    harmless: Vec<bool>,
}

/// What a change and the symptoms have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlap {
    /// 0 (nothing) upwards; 1 is one rare word of a strong symptom.
    pub score: f64,
    /// The words in common, most telling first, at most six.
    pub words: Vec<String>,
    /// Touches only comments, documents, tests or formatting.
    pub harmless: bool,
}

impl Content {
    pub fn new(changes: &[Change]) -> Self {
        let words: Vec<BTreeSet<String>> = changes.iter().map(words).collect();
        let mut frequency: BTreeMap<String, usize> = BTreeMap::new();
        for word in words.iter().flatten() {
            *frequency.entry(word.clone()).or_default() += 1;
        }
        Self { words, frequency, harmless: changes.iter().map(is_harmless).collect() }
    }

    /// Compares the change at `index` with the symptoms.
    pub fn overlap(&self, index: usize, symptoms: &Document) -> Overlap {
        let Some(words) = self.words.get(index) else { return Overlap::default() };
        let count = self.words.len() as f64;
        let mut common: Vec<(f64, &String)> = words
            .iter()
            .filter_map(|word| {
                let weight = symptoms.words.get(word)?;
                let holders = self.frequency.get(word).copied().unwrap_or(1) as f64;
                // ln((1 + N) / (1 + n)), on the scale of the rarest word of a hundred changes.
                let rarity = ((1.0 + count) / (1.0 + holders)).ln() / (101.0_f64 / 2.0).ln();
                Some((weight * rarity.max(0.0), word))
            })
            .filter(|(score, _)| *score > 0.0)
            .collect();
        common.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        Overlap {
            score: common.iter().take(12).map(|(score, _)| score).sum(),
            words: common.iter().take(6).map(|(_, word)| (*word).clone()).collect(),
            harmless: self.harmless.get(index).copied().unwrap_or(false),
        }
    }
}

fn words(change: &Change) -> BTreeSet<String> {
    let paths = change.files.iter().flat_map(|path| identifiers(path));
    identifiers(&change.title).into_iter().chain(paths).chain(identifiers(&change.patch)).collect()
}

/// Whether a change can have no effect at run time: documents, tests, formatting, CI.
fn is_harmless(change: &Change) -> bool {
    let title = change.title.to_ascii_lowercase();
    let kind = title.split([':', '(']).next().unwrap_or_default().trim();
    let idle_path = |path: &str| {
        let path = path.to_ascii_lowercase();
        let ends =
            [".md", ".txt", ".rst", "codeowners", ".gitignore", "license", ".golangci.yml", ".editorconfig"];
        ends.iter().any(|end| path.ends_with(end))
            || path.contains(".github/")
            || path.contains("testdata/")
            || path.contains("_test.")
            || path.contains("/test/")
            || path.contains("/tests/")
            || path.starts_with("docs/")
    };
    let idle_paths = !change.files.is_empty() && change.files.iter().all(|path| idle_path(path));
    let idle_kind = matches!(kind, "docs" | "doc" | "style" | "test" | "tests" | "ci");
    idle_paths || (idle_kind && change.patch.lines().all(|line| !is_code_line(line)))
}

fn is_code_line(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('+').or_else(|| line.strip_prefix('-')) else { return false };
    let rest = rest.trim();
    !(rest.is_empty() || rest.starts_with("//") || rest.starts_with('#') || rest.starts_with('*'))
}
