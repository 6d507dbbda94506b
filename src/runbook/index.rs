use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;

use super::Runbook;

/// Full-text index over runbooks, in memory.
pub(super) struct Index {
    // a connection is not shared between threads; a search takes far less than a millisecond
    connection: Mutex<Connection>,
}

impl Index {
    /// Of runbooks with their positions.
    pub(super) fn build<'a>(
        runbooks: impl IntoIterator<Item = (usize, &'a Arc<Runbook>)>,
    ) -> rusqlite::Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(
            "CREATE VIRTUAL TABLE runbook USING fts5(
                title, alerts, hypotheses, symptoms, body, tokenize = 'porter unicode61'
            )",
        )?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO runbook (rowid, title, alerts, hypotheses, symptoms, body) VALUES (?, ?, ?, ?, ?, ?)",
            )?;
            for (at, runbook) in runbooks {
                let row = i64::try_from(at).unwrap_or(i64::MAX);
                let [title, alerts, hypotheses, symptoms, body] = columns(runbook);
                insert.execute((row, title, alerts, hypotheses, symptoms, body))?;
            }
        }
        transaction.commit()?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Positions of the runbooks that share words with the text, each with how well it matches (greater is
    /// better). The text is hostile: only words are taken from it, each quoted.
    pub(super) fn search(&self, text: &str) -> rusqlite::Result<BTreeMap<usize, f64>> {
        let words = words(text);
        if words.is_empty() {
            return Ok(BTreeMap::new());
        }
        let terms: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut select = connection.prepare_cached(
            "SELECT rowid, -bm25(runbook, 8.0, 10.0, 5.0, 3.0, 1.0) FROM runbook WHERE runbook MATCH ?",
        )?;
        let rows = select.query_map([terms.join(" OR ")], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
        rows.map(|row| row.map(|(row, score)| (usize::try_from(row).unwrap_or(usize::MAX), score))).collect()
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Index")
    }
}

fn columns(runbook: &Runbook) -> [String; 5] {
    let rules = &runbook.match_rules;
    let alerts: Vec<_> = rules.alerts.iter().map(|pattern| split_names(pattern.as_str())).collect();
    let hypotheses = runbook.hypotheses.iter().flat_map(|hypothesis| {
        let phrase = hypothesis.fault.map_or("", |fault| fault.phrase());
        [hypothesis.key.clone(), hypothesis.claim.clone(), phrase.to_owned()]
    });
    let symptoms = [&runbook.meaning, &runbook.impact].into_iter().chain(&rules.metrics).chain(&rules.logs);
    [
        format!("{} {}", runbook.title, split_names(&runbook.id)),
        alerts.join(" "),
        hypotheses.collect::<Vec<_>>().join(" "),
        symptoms.map(String::as_str).collect::<Vec<_>>().join(" "),
        runbook.body.clone(),
    ]
}

/// `HTTPErrorRate` as itself and as words, so that either finds it.
fn split_names(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2 + 1);
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = chars.get(at + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            out.push(' ');
        }
        out.push(if c.is_alphanumeric() { *c } else { ' ' });
    }
    format!("{text} {out}")
}

/// Words worth searching for: letters and digits only, each once, a bounded number.
fn words(text: &str) -> BTreeSet<String> {
    const MOST: usize = 64;
    const LONGEST_TEXT: usize = 8_192;
    const COMMON: [&str; 38] = [
        "a", "an", "and", "any", "are", "as", "at", "be", "been", "by", "for", "from", "has", "have", "high",
        "in", "is", "it", "its", "more", "not", "of", "on", "or", "over", "service", "than", "that", "the",
        "this", "to", "too", "was", "when", "which", "will", "with", "alert",
    ];
    let bounded: String = text.chars().take(LONGEST_TEXT).collect();
    split_names(&bounded)
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| (2..=40).contains(&word.len()) && !COMMON.contains(word))
        .filter(|word| word.chars().any(char::is_alphabetic) || word.len() == 3)
        .map(str::to_owned)
        .take(MOST * 4)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_found_by_their_words() {
        assert!(split_names("HTTPErrorRateHigh").ends_with(" HTTP Error Rate High"));
        assert!(words("KubePodCrashLooping").contains("crash"));
        assert!(words("the 503s and 503 of it").contains("503"));
    }

    proptest! {
        #[test]
        fn hostile_text_is_only_words(text in "\\PC{0,200}") {
            let index = Index::build([]).unwrap();
            prop_assert!(index.search(&text).unwrap().is_empty());
            let injected = format!("{text}\" OR title:* NEAR(");
            prop_assert!(index.search(&injected).is_ok());
            prop_assert!(words(&text).len() <= 64);
        }
    }
}
