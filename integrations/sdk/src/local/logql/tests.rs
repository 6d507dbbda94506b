use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{check, range, select};
use crate::{
    ErrorKind,
    signal::{LogRecord, Severity, TraceId, Window},
};

const T0: i64 = 1_700_000_000;

fn record(at: i64, service: &str, severity: Severity, body: &str) -> LogRecord {
    LogRecord {
        at: (T0 + at) * 1_000_000_000,
        service: service.into(),
        pod: format!("{service}-0").into(),
        severity,
        body: body.into(),
        trace_id: TraceId::parse("ab12"),
        span_id: None,
        attributes: vec![("http.route".into(), "/pay".into())],
    }
}

fn window(from: i64, to: i64) -> Window {
    let at = |seconds| Timestamp::from_second(T0 + seconds).unwrap();
    Window::new(at(from), at(to))
}

fn logs() -> Vec<LogRecord> {
    vec![
        record(0, "cart", Severity::Info, "started"),
        record(10, "pay", Severity::Error, "connection refused by db:5432"),
        record(20, "pay", Severity::Fatal, "pool exhausted"),
        record(30, "cart", Severity::Error, "upstream pay: 503"),
        record(40, "cart", Severity::Warn, "slow \"query\" 12 ms"),
    ]
}

fn bodies(expr: &str) -> Vec<String> {
    let selected =
        select(&logs(), expr, window(0, 60), 100).unwrap_or_else(|error| panic!("{expr}: {error}"));
    selected.found.iter().map(|record| record.body.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn streams_and_lines_are_filtered() {
    assert_eq!(bodies("{}"), ["started", "connection", "pool", "upstream", "slow"]);
    assert_eq!(bodies(r#"{service="pay"}"#), ["connection", "pool"]);
    assert_eq!(bodies(r#"{service_name!="pay", severity=~"error|fatal"}"#), ["upstream"]);
    assert_eq!(bodies(r#"{severity!~"err.*"} |= "o""#), ["pool", "slow"]);
    assert_eq!(bodies(r#"{service="cart"} != "pay" !~ "st.rt""#), ["slow"]);
    assert_eq!(bodies(r"{pod=~`.*-0`} |~ `\b\d{3}\b`"), ["upstream"]);
    assert_eq!(bodies(r#"{http_route="/pay", http.route="/pay"} |= "\"query\"""#), ["slow"]);
    assert_eq!(bodies(r#"{service="pay"} | severity = "fatal""#), ["pool"]);
    assert_eq!(bodies(r#"{nosuch="", trace_id="0000000000000000000000000000ab12"}"#).len(), 5);
    assert!(bodies(r#"{nosuch="x"}"#).is_empty());
}

#[test]
fn a_limit_keeps_the_newest_and_tells_how_many_there_were() {
    let mut shuffled = logs();
    shuffled.reverse();
    let selected = select(&shuffled, "{}", window(0, 40), 2).unwrap();
    assert_eq!(
        selected.found.iter().map(|record| &*record.body).collect::<Vec<_>>(),
        ["pool exhausted", "upstream pay: 503"]
    );
    assert_eq!(selected.total, 4);
    assert_eq!(selected.completeness("records").reason(), Some("the newest 2 of 4 records"));
}

/// `labels: at=value at=value` for each series.
fn counts(expr: &str, from: i64, to: i64, step: u64) -> Vec<String> {
    let answer = range(&logs(), expr, window(from, to), Duration::from_secs(step))
        .unwrap_or_else(|error| panic!("{expr}: {error}"));
    let print = |series: &crate::signal::Series| {
        let labels: Vec<_> = series.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let points: Vec<_> = series
            .points
            .iter()
            .map(|point| format!("{}={}", point.at / 1_000_000_000 - T0, point.value))
            .collect();
        format!("{}: {}", labels.join(","), points.join(" "))
    };
    answer.iter().map(print).collect()
}

#[test]
fn records_are_counted_by_stream_and_by_group() {
    assert_eq!(
        counts(r#"count_over_time({severity="error"}[20s])"#, 0, 61, 10),
        [
            "pod=cart-0,service=cart,severity=error: 30=1 40=1",
            "pod=pay-0,service=pay,severity=error: 10=1 20=1"
        ]
    );
    assert_eq!(
        counts("sum by (service) (count_over_time({}[1m]))", 50, 50, 1),
        ["service=cart: 50=3", "service=pay: 50=2"]
    );
    assert_eq!(counts("sum(rate({}[10s])) by (http_route)", 10, 30, 10), ["http_route=/pay: 10=0.1 20=0.1"]);
    assert_eq!(counts("max(sum without (severity, pod) (count_over_time({}[1m])))", 50, 50, 1), [": 50=3"]);
    assert_eq!(counts(r#"sum(bytes_over_time({service="pay"} |= "pool"[1m]))"#, 50, 50, 1), [": 50=14"]);
    assert_eq!(counts("sum by (service) (count_over_time({}[1m])) > 2", 50, 50, 1), ["service=cart: 50=3"]);
}

#[test]
fn the_range_reaches_before_the_window_and_is_open_at_its_start() {
    assert_eq!(counts(r#"sum(count_over_time({}[30s]))"#, 30, 31, 10), [": 30=3"]);
}

#[test]
fn answers_name_their_query_and_unit() {
    let answer = range(&logs(), "sum(rate({}[10s]))", window(10, 20), Duration::from_secs(10)).unwrap();
    assert_eq!((answer[0].unit.as_str(), answer[0].query.as_str()), ("1/s", "sum(rate({}[10s]))"));
}

#[test]
fn errors_tell_the_column() {
    for (expr, told) in [
        ("", "column 1: expected `{`"),
        ("{service=pay}", "column 10: expected a string, found `pay`"),
        (r#"{service="pay"#, "column 10: the string is not closed"),
        (r#"{service="pay"} |= x"#, "column 20: expected a string"),
        (r#"{a=~"("}"#, "column 5: the regex does not compile"),
        (r#"{a=~"(\\w{999}){999}"}"#, "column 5: the regex is too large"),
        ("count_over_time({}[5])", "column 20: expected a duration"),
        ("count_over_time({}[5x])", "column 20: `x` is not a unit"),
        ("{} {}", "column 4: expected the end"),
        ("sum(count_over_time({}[5m])) > x", "column 32: expected a number"),
        ("{a\u{7}}", "column 3: unexpected `\\u{7}`"),
    ] {
        let error = check(expr).unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{expr}");
        assert!(error.message.starts_with(told), "{expr}: {error}");
    }
    for (expr, told) in [
        ("{} | json", "column 6: the stage `json` is not supported"),
        ("topk(1, rate({}[5m]))", "column 1: `topk`"),
        ("rate({}[5m] offset 1h)", "column 20: `offset`"),
    ] {
        let error = check(expr).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{expr}: {error}");
        assert!(error.message.starts_with(told), "{expr}: {error}");
    }
    let deep = format!("{}rate({{}}[5m]){}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(check(&deep).unwrap_err().message.contains("deep"));
}

#[test]
fn records_are_not_numbers_nor_the_reverse() {
    let step = Duration::from_secs(1);
    assert!(range(&logs(), "{}", window(0, 1), step).unwrap_err().message.contains("count them"));
    assert!(select(&logs(), "rate({}[5m])", window(0, 1), 1).unwrap_err().message.contains("range"));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        drop(check(&text));
    }

    #[test]
    fn no_mutation_of_a_query_panics(cut in 0_usize..70, put in "[{}()|=~!\"`0-9a-z ]{0,3}") {
        let query = r#"sum by (service) (rate({severity=~"error|fatal"} |= `x` [5m])) > 10"#;
        let text: String = query.chars().take(cut).chain(put.chars()).chain(query.chars().skip(cut + 1)).collect();
        drop(check(&text));
    }

    /// Whatever the streams, their counts add up to all records of the range.
    #[test]
    fn counts_by_stream_add_up(ats in prop::collection::vec((0_i64..100, 0_usize..3), 0..60), at in 0_i64..120) {
        let logs: Vec<_> = ats
            .iter()
            .map(|(at, service)| record(*at, ["a", "b", "c"][*service], Severity::Info, "x"))
            .collect();
        let step = Duration::from_secs(1);
        let answer = range(&logs, "count_over_time({}[30s])", window(at, at), step).unwrap();
        let sum: f64 = answer.iter().map(|series| series.points[0].value).sum();
        let expected = ats.iter().filter(|(seen, _)| at - 30 < *seen && *seen <= at).count();
        prop_assert_eq!(sum, expected as f64);
    }
}
