use quell_sdk::{
    Error, ErrorKind, Result,
    local::{logql, promql, traceql},
};

use crate::domain::Language;

/// The language of that name, as evidence and the command line write it; `changes` is understood as well.
pub fn parse(name: &str) -> Option<Language> {
    Some(match name {
        "promql" => Language::Promql,
        "logql" => Language::Logql,
        "traceql" => Language::Traceql,
        "change" | "changes" => Language::Change,
        _ => return None,
    })
}

/// Whether a query is one of its language as quell evaluates it itself; a change query always is.
///
/// # Errors
/// With the place in the text and what was expected there.
pub fn check(language: Language, query: &str) -> Result<()> {
    match language {
        Language::Promql => promql::check(query),
        Language::Logql => logql::check(query),
        Language::Traceql => traceql::check(query),
        Language::Change => Ok(()),
        Language::Sh | Language::Text | Language::None => {
            let message = format!("there is nothing to run in \"{}\"", language.as_str());
            Err(Error::new(ErrorKind::Unsupported, "query", message))
        }
    }
}

/// The language that a query is written in: the first that it parses in, those first that its beginning
/// suggests. What begins with a brace selects records or spans; all else is PromQL, or LogQL that counts.
///
/// # Errors
/// That of the likeliest language, when it parses in none.
pub fn guess(query: &str) -> Result<Language> {
    use Language::{Logql, Promql, Traceql};
    let likely: &[Language] = match query.trim_start().strip_prefix('{') {
        // Loki wants a matcher; all spans are `{ }`.
        Some(inside) if inside.trim_start().starts_with('}') => &[Traceql, Logql],
        Some(_) => &[Logql, Traceql, Promql],
        None => &[Promql, Logql],
    };
    if let Some(language) = likely.iter().find(|language| check(**language, query).is_ok()) {
        return Ok(*language);
    }
    // Fields with a dot, and `&&`, are TraceQL's alone.
    let traces = likely.contains(&Traceql) && (query.contains("&&") || query.contains("resource."));
    let counts = ["count_over_time", "bytes_over_time", "bytes_rate"].iter().any(|word| query.contains(word));
    let likeliest = match likely {
        _ if traces => Traceql,
        _ if counts => Logql,
        [first, ..] => *first,
        [] => Promql,
    };
    check(likeliest, query).map(|()| likeliest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_from_the_text() {
        use Language::{Logql, Promql, Traceql};
        for (query, language) in [
            ("up", Promql),
            (r#"sum(rate(http_requests_total{job="a"}[5m]))"#, Promql),
            (r#"{service="a"} |= "x""#, Logql),
            (r#"sum(count_over_time({service="a"} |= "x" [5m]))"#, Logql),
            ("{ }", Traceql),
            ("{ status = error } !< { status = error }", Traceql),
            (r#"{__name__=~"http_.*",job!="a"}"#, Logql),
        ] {
            assert_eq!(guess(query).ok(), Some(language), "{query}");
            assert!(check(language, query).is_ok(), "{query}");
        }
    }

    #[test]
    fn what_parses_in_no_language_is_refused_in_the_likeliest() {
        for (query, origin) in [
            ("sum(", "promql"),
            ("{ resource.service.name = }", "traceql"),
            (r#"{service="a"} |~ "#, "logql"),
            ("sum(count_over_time({service=", "logql"),
        ] {
            assert_eq!(guess(query).unwrap_err().origin, origin, "{query}");
        }
        assert!(check(Language::Sh, "ls").is_err(), "quell runs no commands");
        assert_eq!(parse("changes"), parse("change"));
        assert_eq!(parse("sh"), None);
    }
}
