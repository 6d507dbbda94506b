//! Identifiers in text: what code, logs, spans and metrics have in common.

/// Words so common in code and logs that they tell nothing.
const COMMON: &[&str] = &[
    "the", "and", "for", "with", "from", "this", "that", "not", "new", "func", "return", "const", "var",
    "let", "string", "int", "bool", "nil", "null", "none", "true", "false", "err", "error", "errors", "self",
    "struct", "type", "import", "package", "http", "https", "com", "github", "www", "src", "main", "test",
    "tests", "internal", "pkg", "services", "service", "svc", "app", "lib", "api", "get", "set", "add",
    "use", "default", "class", "def", "public", "private", "void", "static", "final", "async", "await",
    "info", "warn", "debug", "log", "logger", "after", "before", "returned", "request", "response",
    "handler", "ctx", "context", "status", "failed", "value", "name", "key", "data", "time", "when", "where",
    "into", "was", "has", "had", "are", "its", "else", "end", "if", "in", "of", "to", "on", "is", "it", "be",
    "or", "by", "at", "as", "an", "no", "do", "up",
];

/// Splits text into lower-case identifiers: words of letters and digits, and the parts of compound ones
/// (`getUserById`, `user_id`), both of at least three characters; no common words, no bare numbers.
pub fn identifiers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    for word in text.split(|character: char| !is_part(character)).filter(|word| word.len() >= 3) {
        let whole = stem(word.to_ascii_lowercase());
        let parts = parts(word);
        if parts.len() > 1 {
            found.extend(parts.into_iter().map(stem).filter(|part| tells(part)));
        }
        if tells(&whole) {
            found.push(whole);
        }
    }
    found
}

fn tells(word: &str) -> bool {
    word.len() >= 3
        && !COMMON.contains(&word)
        && !word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// One word for one and many.
fn stem(word: String) -> String {
    if let Some(one) = word.strip_suffix("ies").filter(|one| one.len() >= 2) {
        return format!("{one}y");
    }
    match word.strip_suffix('s') {
        Some(one) if one.len() >= 3 && !one.ends_with(['s', 'u', 'i']) => one.to_owned(),
        _ => word,
    }
}

fn parts(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut previous_lower = false;
    let mut following = word.chars().skip(1);
    for character in word.chars() {
        let next_lower = following.next().is_some_and(|next| next.is_ascii_lowercase());
        // An acronym ends where a word begins: CASRetry.
        let begins = character.is_ascii_uppercase() && (previous_lower || next_lower);
        if character == '_' || begins {
            parts.push(String::new());
        }
        if character != '_'
            && let Some(part) = parts.last_mut()
        {
            part.push(character.to_ascii_lowercase());
        }
        previous_lower = character.is_ascii_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_are_one_word() {
        assert_eq!(identifiers("maxRetries"), identifiers("maxRetry"));
        assert!(identifiers("worker_threads").contains(&"thread".to_owned()));
        assert!(identifiers("status").is_empty(), "a common word stays one");
    }

    #[test]
    fn compounds_give_their_parts_and_themselves() {
        let found = identifiers("getUserById(user_token) // the");
        for expected in ["getuserbyid", "user", "token", "user_token"] {
            assert!(found.iter().any(|word| word == expected), "{expected} in {found:?}");
        }
        assert!(!found.iter().any(|word| word == "the"));
    }
}
