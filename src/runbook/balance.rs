/// Checks that quotes and brackets of a query close and are not nested deeper than anybody writes; gives the
/// byte at which it goes wrong. It comes before a parser that recurses and stands in for one where there is
/// none.
pub(super) fn check(query: &str) -> Result<(), (usize, String)> {
    const DEEPEST: usize = 48;
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut string: Option<(usize, char)> = None;
    let mut escaped = false;
    let mut comment = false;
    for (at, c) in query.char_indices() {
        if comment {
            comment = c != '\n';
            continue;
        }
        if let Some((_, quote)) = string {
            match c {
                _ if std::mem::take(&mut escaped) => {}
                '\\' if quote != '`' => escaped = true,
                c if c == quote => string = None,
                _ => {}
            }
            continue;
        }
        match c {
            '#' => comment = true,
            '"' | '\'' | '`' => string = Some((at, c)),
            '(' | '[' | '{' if open.len() == DEEPEST => {
                return Err((at, format!("brackets are nested deeper than {DEEPEST}")));
            }
            '(' => open.push((at, ')')),
            '[' => open.push((at, ']')),
            '{' => open.push((at, '}')),
            ')' | ']' | '}' => match open.pop() {
                Some((_, wanted)) if wanted == c => {}
                Some((_, wanted)) => return Err((at, format!("`{c}` stands where `{wanted}` is wanted"))),
                None => return Err((at, format!("`{c}` closes nothing"))),
            },
            _ => {}
        }
    }
    if let Some((at, quote)) = string {
        return Err((at, format!("the string that {quote} opens never ends")));
    }
    match open.pop() {
        Some((at, wanted)) => Err((at, format!("`{wanted}` is missing for the bracket opened here"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_what_does_not_close() {
        assert_eq!(check(r#"{ name = "a}" && status = error } # )"#), Ok(()));
        assert_eq!(check("{a=`\\`} |= \"\\\"\""), Ok(()));
        assert_eq!(check("({a)").unwrap_err().0, 3);
        assert_eq!(check("a)").unwrap_err().0, 1);
        assert_eq!(check("rate(x[5m]").unwrap_err().0, 4);
        assert_eq!(check("{a=\"b").unwrap_err().0, 3);
        assert!(check(&"(".repeat(100_000)).unwrap_err().1.contains("deeper"));
    }
}
