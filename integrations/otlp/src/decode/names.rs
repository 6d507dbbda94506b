//! Names as Prometheus allows them.

use std::borrow::Cow;

/// A metric name of `[a-zA-Z_:][a-zA-Z0-9_:]*`: every other character becomes an underscore.
pub(crate) fn metric(name: &str) -> Cow<'_, str> {
    clean(name, |byte| byte == b':')
}

/// A label name of `[a-zA-Z_][a-zA-Z0-9_]*`. Leading double underscores, which PromQL keeps for itself,
/// become one.
pub(crate) fn label(name: &str) -> Cow<'_, str> {
    match clean(name, |_| false) {
        Cow::Borrowed(name) if !name.starts_with("__") => Cow::Borrowed(name),
        name if name.starts_with("__") => Cow::Owned(format!("_{}", name.trim_start_matches('_'))),
        name => name,
    }
}

fn clean(name: &str, also: impl Fn(u8) -> bool) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || also(byte);
    let leads = name.bytes().next().is_none_or(|first| !first.is_ascii_digit());
    if leads && name.bytes().all(fits) {
        return Cow::Borrowed(name);
    }
    let mut clean = String::with_capacity(name.len() + 1);
    if !leads {
        clean.push('_');
    }
    clean.extend(name.chars().map(|letter| match u8::try_from(letter) {
        Ok(byte) if fits(byte) => letter,
        _ => '_',
    }));
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http.server.request.duration", "http_server_request_duration")]
    #[case("job:requests:rate5m", "job:requests:rate5m")]
    #[case("5xx", "_5xx")]
    #[case("größe", "gr__e")]
    fn metric_names(#[case] given: &str, #[case] want: &str) {
        assert_eq!(metric(given), want);
    }

    #[rstest]
    #[case("http.route", "http_route")]
    #[case("a:b", "a_b")]
    #[case("__name__", "_name__")]
    #[case(".x", "_x")]
    fn label_names(#[case] given: &str, #[case] want: &str) {
        assert_eq!(label(given), want);
    }

    proptest::proptest! {
        #[test]
        fn any_text_becomes_a_valid_name(text in ".+") {
            let word = regex_lite(&label(&text));
            proptest::prop_assert!(word);
        }
    }

    fn regex_lite(name: &str) -> bool {
        !name.starts_with("__")
            && name.bytes().enumerate().all(|(index, byte)| {
                byte == b'_' || byte.is_ascii_alphabetic() || (index > 0 && byte.is_ascii_digit())
            })
    }
}
