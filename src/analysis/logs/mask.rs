//! What varies between two lines of one template: numbers, ids, addresses, quoted values.

/// Stands for what varies.
pub(super) const WILDCARD: &str = "<*>";

/// Splits a line into tokens with what varies masked, at most `limit` tokens.
///
/// A token is masked when it holds a digit and is not a source location (`Logger#42`, `file.rs:42`), or
/// when it is long hex. Punctuation at its ends and a `key=` or `key:` in front stay, so that
/// `orderId=17,` becomes `orderId=<*>,`.
pub fn mask(line: &str, limit: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    each_token(line, limit, |token, has_digit| {
        let mut masked = String::with_capacity(token.len());
        mask_token(token, has_digit, &mut masked);
        tokens.push(masked);
    });
    tokens
}

/// Appends the tokens as [`mask`] gives them, each with a space before it: a token holds none.
pub(super) fn mask_onto(line: &str, limit: usize, text: &mut String) {
    each_token(line, limit, |token, has_digit| {
        text.push(' ');
        mask_token(token, has_digit, text);
    });
}

/// Gives each token, and whether it holds a digit.
fn each_token<'a>(line: &'a str, limit: usize, mut take: impl FnMut(&'a str, bool)) {
    if limit == 0 {
        return;
    }
    if !line.is_ascii() {
        for token in line.split_whitespace().take(limit) {
            take(token, token.bytes().any(|byte| byte.is_ascii_digit()));
        }
        return;
    }
    let (mut from, mut count, mut has_digit) = (0, 0, false);
    for (at, byte) in line.bytes().chain([b' ']).enumerate() {
        has_digit |= byte.is_ascii_digit();
        if !matches!(byte, b' ' | b'\t'..=b'\r') {
            continue;
        }
        if let Some(token) = line.get(from..at).filter(|token| !token.is_empty()) {
            take(token, has_digit);
            count += 1;
            if count == limit {
                return;
            }
        }
        (from, has_digit) = (at + 1, false);
    }
}

/// Whether a token names the place in the code that logged: `OrderService#42`, `checkout.rs:118`.
pub(super) fn is_location(token: &str) -> bool {
    let Some(at) = token.bytes().rposition(|byte| matches!(byte, b'#' | b':')) else { return false };
    let (Some(name), Some(line)) = (token.get(..at), token.get(at + 1..)) else { return false };
    !name.is_empty()
        && !line.is_empty()
        && line.bytes().all(|byte| byte.is_ascii_digit())
        && line.len() <= 5
        && name.contains('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b'/' | b'-'))
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !name.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

fn mask_token(token: &str, has_digit: bool, text: &mut String) {
    if !has_digit || is_location(token) || !varies(token) {
        text.push_str(token);
        return;
    }
    // Keep the key of key=value and the punctuation around the value.
    let key = token
        .split_once('=')
        .filter(|(key, _)| !key.is_empty() && !key.bytes().any(|byte| byte.is_ascii_digit()));
    let value = key.map_or(token, |(key, value)| {
        text.push_str(key);
        text.push('=');
        value
    });
    mask_value(value, text);
}

fn mask_value(value: &str, text: &mut String) {
    let is_edge = |byte: &u8| {
        matches!(byte, b'[' | b']' | b'(' | b')' | b'{' | b'}' | b'"' | b'\'' | b',' | b';' | b':' | b'.')
    };
    // All of them are ASCII, so that they end where a character does.
    let start = value.bytes().take_while(is_edge).count();
    let end = value.bytes().rev().take_while(is_edge).count();
    text.push_str(value.get(..start).unwrap_or_default());
    text.push_str(WILDCARD);
    text.push_str(value.get(value.len() - end..).unwrap_or_default());
}

fn varies(token: &str) -> bool {
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    // HTTP status codes and error codes in parentheses are part of the message.
    if digits == 0 {
        return false;
    }
    let core = token.trim_matches(|character: char| !character.is_ascii_alphanumeric());
    let is_status = core.len() == 3 && core.bytes().all(|byte| byte.is_ascii_digit());
    let letters = core.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_word_with_number =
        letters >= 2 && digits <= 2 && core.len() <= 12 && !core.contains(['=', ':', '/']);
    // Names such as x509, s3, k8s or utf8 are words of the trade.
    let is_short_name = core.len() <= 5 && core.starts_with(|first: char| first.is_ascii_alphabetic());
    !is_status && !is_word_with_number && !is_short_name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_varies_is_masked_and_what_tells_stays() {
        let masked = |line: &str| mask(line, 32).join(" ");
        assert_eq!(
            masked(
                "16:42:10.175 INFO a.c.Assurance#75 [create][orderId: 04027d90-a300-4e50-b380-200e58bce4ff]"
            ),
            "<*> INFO a.c.Assurance#75 [create][orderId: <*>]"
        );
        assert_eq!(masked("upstream returned 503 after 1200ms"), "upstream returned 503 after <*>");
        assert_eq!(masked("user=8812 took=12ms ok"), "user=<*> took=<*> ok");
        assert_eq!(masked("x509: certificate has expired"), "x509: certificate has expired");
        assert_eq!(masked("GET /orders/1234 failed"), "GET <*> failed");
    }

    proptest! {
        #[test]
        fn tokens_are_what_white_space_sets_apart(line in "[a1 \t\u{b}\n#.:é\u{85}\u{a0}\u{1c}]{0,40}", limit in 0_usize..8) {
            let mut found = Vec::new();
            each_token(&line, limit, |token, has_digit| found.push((token, has_digit)));
            let tokens = line.split(char::is_whitespace).filter(|token| !token.is_empty()).take(limit);
            let expected: Vec<_> = tokens.map(|token| (token, token.contains('1'))).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_text_of_masked_tokens_is_their_list(line in ".{0,80}") {
            let mut text = String::new();
            mask_onto(&line, 32, &mut text);
            let tokens: Vec<&str> = text.split(' ').skip(1).collect();
            prop_assert_eq!(tokens, mask(&line, 32));
        }
    }

    #[test]
    fn locations_are_recognised() {
        assert!(is_location("a.c.AssuranceController#75"));
        assert!(is_location("src/checkout.rs:118"));
        assert!(!is_location("10.0.0.1:8080"));
        assert!(!is_location("12:30:11"));
    }
}
