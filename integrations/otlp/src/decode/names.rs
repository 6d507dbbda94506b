//! Names as Prometheus allows them.

use std::borrow::Cow;

/// A metric name of `[a-zA-Z_:][a-zA-Z0-9_:]*`: every other character becomes an underscore.
pub(crate) fn metric(name: &str) -> Cow<'_, str> {
    clean(name, |byte| byte == b':')
}

/// A metric's name in Prometheus as OpenTelemetry's compatibility specification forms it, so that one PromQL
/// fits what is pushed here and what Prometheus scraped: the unit as a word at the end, then `_total` for a
/// monotonic sum. Ratios (unit `1`) get no suffix: half the exporters in the field leave it out.
pub(crate) fn prometheus<'a>(name: &'a str, unit: &str, monotonic: bool) -> Cow<'a, str> {
    let mut name = metric(name);
    let base = name.strip_suffix("_total").unwrap_or(&name);
    let last = base.rsplit('_').next().unwrap_or_default();
    let short = unit.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let says_so = |word: &str| {
        base.split('_').any(|part| part == word)
            || last.eq_ignore_ascii_case(short)
            || (unit == "%" && matches!(last, "pct" | "percentage"))
    };
    let word = unit_word(unit).filter(|word| !says_so(word));
    if let Some(word) = word {
        name = Cow::Owned(match name.strip_suffix("_total") {
            Some(base) => format!("{base}_{word}_total"),
            None => format!("{name}_{word}"),
        });
    }
    if monotonic && !name.ends_with("_total") {
        name = Cow::Owned(format!("{name}_total"));
    }
    name
}

/// The word for a UCUM unit.
fn unit_word(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "kBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        _ => return None,
    })
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
    #[case("http.server.request.duration", "s", false, "http_server_request_duration_seconds")]
    #[case("cache.hits", "{hit}", true, "cache_hits_total")]
    #[case("process.cpu.time", "s", true, "process_cpu_time_seconds_total")]
    #[case("requests_total", "1", true, "requests_total")]
    #[case("net_rx_bytes", "By", false, "net_rx_bytes")]
    #[case("latency_p90_s", "s", false, "latency_p90_s")]
    #[case("cpu_pct", "%", false, "cpu_pct")]
    #[case("wait_seconds_total", "s", true, "wait_seconds_total")]
    #[case("http_5xx_ratio", "1", false, "http_5xx_ratio")]
    fn names_with_units(
        #[case] given: &str,
        #[case] unit: &str,
        #[case] monotonic: bool,
        #[case] want: &str,
    ) {
        assert_eq!(prometheus(given, unit, monotonic), want);
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
