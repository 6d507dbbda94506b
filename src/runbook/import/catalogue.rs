//! Catalogues of runbooks: a JSON file that lists Markdown files with a description each.

use serde::Deserialize;

const MOST: usize = 1_000;

/// One runbook of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path relative to the catalogue.
    pub link: String,
    /// When it applies, in words.
    pub description: String,
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(alias = "runbooks", alias = "skills")]
    catalog: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(alias = "file", alias = "path")]
    link: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(alias = "title")]
    name: Option<String>,
    id: Option<String>,
}

/// The runbooks that a catalogue names; `None` when the text is no catalogue. Links that lead out of its folder are
/// left out.
pub fn read(text: &str) -> Option<Vec<Entry>> {
    let file: File = serde_json::from_str(text).ok()?;
    let entries = file.catalog.into_iter().take(MOST).filter_map(|listed| {
        let link = listed.link.or_else(|| listed.id.clone())?;
        let is_inside = !link.is_empty()
            && !link.starts_with(['/', '\\', '~'])
            && !link.contains([':', '\0', '\\'])
            && link.split('/').all(|part| part != "..");
        let name = listed.name.or(listed.id).filter(|name| *name != link);
        is_inside.then_some(Entry { link, description: listed.description, name })
    });
    Some(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stay_within_the_folder() {
        let text = r#"{"catalog":[
            {"update_date":"2026-01-01","description":"For DNS trouble","link":"net/dns.md"},
            {"id":"x.md","description":"d","link":"../../etc/passwd"},
            {"id":"y.md","description":"d"},
            {"link":"/etc/passwd"}, {"link":"file:///etc/passwd"}]}"#;
        let links: Vec<String> = read(text).unwrap().into_iter().map(|entry| entry.link).collect();
        assert_eq!(links, ["net/dns.md", "y.md"]);
        assert_eq!(read("{}"), None);
        assert_eq!(read(&"[".repeat(100_000)), None);
    }
}
