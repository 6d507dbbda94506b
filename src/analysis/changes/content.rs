//! How much the content of a change has to do with what now fails.
//!
//! Identifiers of title, paths and diff are compared with those of the symptoms' texts, weighted by how rare
//! they are among the changes (IDF): a word that every change has tells nothing. What a diff takes away or
//! brings tells most (what was deleted is missed), what it only moves less, and what merely stands around the
//! changed lines least: many an innocent change is made right beside the failing line.

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
        let mut note = |found: Vec<String>, weight: f64| {
            for word in found {
                let known = self.words.entry(word).or_default();
                *known = known.max(weight);
            }
        };
        note(identifiers(text), weight);
        // What a message quotes is what it is about.
        for (open, close) in [('[', ']'), ('\'', '\''), ('"', '"'), ('`', '`')] {
            for part in text.split(open).skip(1) {
                if let Some((inside, _)) = part.split_once(close).filter(|(inside, _)| inside.len() <= QUOTED)
                {
                    note(identifiers(inside), SUBJECT * weight);
                }
            }
        }
    }
}

/// Weight of what a message quotes, and the longest quotation looked at.
const SUBJECT: f64 = 1.6;
const QUOTED: usize = 60;

/// The contents of all changes of a case.
pub struct Content {
    words: Vec<BTreeMap<String, f64>>,
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
        let words: Vec<BTreeMap<String, f64>> = changes.iter().map(words).collect();
        let mut frequency: BTreeMap<String, usize> = BTreeMap::new();
        for word in words.iter().flat_map(BTreeMap::keys) {
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
            .filter_map(|(word, own)| {
                let weight = symptoms.words.get(word)? * own;
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

/// Weights of a word by where a change has it.
const GONE: f64 = 1.3;
const BROUGHT: f64 = 1.0;
const MOVED: f64 = 0.5;
const OF_TITLE: f64 = 0.6;
const OF_PATH: f64 = 0.5;
const AROUND: f64 = 0.25;

/// The identifiers of a change, each with its greatest weight.
fn words(change: &Change) -> BTreeMap<String, f64> {
    let mut words: BTreeMap<String, f64> = BTreeMap::new();
    let mut note = |found: Vec<String>, weight: f64| {
        for word in found {
            let known = words.entry(word).or_default();
            *known = known.max(weight);
        }
    };
    note(identifiers(&change.title), OF_TITLE);
    for path in &change.files {
        note(identifiers(path), OF_PATH);
    }
    let (mut removed, mut added) = (BTreeSet::new(), BTreeSet::new());
    for line in change.patch.lines().filter(|line| !line.starts_with("+++") && !line.starts_with("---")) {
        match (line.strip_prefix('-'), line.strip_prefix('+')) {
            (Some(rest), _) => removed.extend(identifiers(rest)),
            (_, Some(rest)) => added.extend(identifiers(rest)),
            _ => note(identifiers(line), AROUND),
        }
    }
    note(removed.intersection(&added).cloned().collect(), MOVED);
    note(removed.difference(&added).cloned().collect(), GONE);
    note(added.difference(&removed).cloned().collect(), BROUGHT);
    words
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
