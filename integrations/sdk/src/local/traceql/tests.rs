use jiff::Timestamp;
use proptest::prelude::*;

use super::{check, select};
use crate::{
    ErrorKind,
    signal::{Span, SpanId, SpanKind, SpanStatus, TraceId, Window},
};

const T0: i64 = 1_700_000_000;

fn span(
    at: i64,
    service: &str,
    name: &str,
    millis: i64,
    status: SpanStatus,
    attributes: &[(&str, &str)],
) -> Span {
    let start = (T0 + at) * 1_000_000_000;
    Span {
        trace_id: TraceId::parse("1").unwrap(),
        span_id: SpanId::parse(&format!("{:x}", at + 1)).unwrap(),
        parent: (at > 0).then(|| SpanId::parse("1").unwrap()),
        service: service.into(),
        pod: "".into(),
        operation: name.into(),
        kind: if at > 0 { SpanKind::Client } else { SpanKind::Server },
        start,
        end: start + millis * 1_000_000,
        status,
        message: if status == SpanStatus::Error { "timeout".into() } else { "".into() },
        attributes: attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    }
}

fn spans() -> Vec<Span> {
    vec![
        span(
            0,
            "cart",
            "GET /cart",
            300,
            SpanStatus::Error,
            &[("http.status_code", "503"), ("retry", "true")],
        ),
        span(1, "cart", "SELECT", 250, SpanStatus::Error, &[("db.system", "postgresql")]),
        span(2, "pay", "POST /pay", 20, SpanStatus::Ok, &[("http.status_code", "200")]),
        span(3, "pay", "redis", 1, SpanStatus::Unset, &[("db.system", "redis")]),
    ]
}

fn window() -> Window {
    Window::new(Timestamp::from_second(T0).unwrap(), Timestamp::from_second(T0 + 60).unwrap())
}

fn names(expr: &str) -> Vec<String> {
    let selected = select(&spans(), expr, window(), 100).unwrap_or_else(|error| panic!("{expr}: {error}"));
    selected.found.iter().map(|span| span.operation.to_string()).collect()
}

#[test]
fn spans_are_selected_by_fields_and_attributes() {
    assert_eq!(names("{}").len(), 4);
    assert_eq!(names(r#"{ resource.service.name = "pay" }"#), ["POST /pay", "redis"]);
    assert_eq!(
        names(
            r#"{ resource.service.name = "cart" && span.db.system != nil && status = error && duration > 100ms && name =~ "SEL.*" && kind = client }"#
        ),
        ["SELECT"]
    );
    assert_eq!(names("{ duration >= 250ms }"), ["GET /cart", "SELECT"]);
    assert_eq!(names("{ duration < 0.02s || duration > 299ms }"), ["GET /cart", "redis"]);
    assert_eq!(names("{ span.http.status_code >= 500 }"), ["GET /cart"]);
    assert_eq!(names(r#"{ .http.status_code = "200" }"#), ["POST /pay"]);
    assert_eq!(names("{ span.retry = true }"), ["GET /cart"]);
    assert_eq!(names("{ !(status = error) }"), ["POST /pay", "redis"]);
    assert_eq!(names("{ status != error && kind = client }"), ["POST /pay", "redis"]);
    assert_eq!(names("{ kind = server }"), ["GET /cart"]);
    assert_eq!(names("{ statusMessage = `timeout` && .db.system = nil }"), ["GET /cart"]);
    assert_eq!(names(r#"{ span:parentID = nil }"#), ["GET /cart"]);
    assert_eq!(names("{ true && (false || name !~ `.*/.*`) }"), ["SELECT", "redis"]);
}

#[test]
fn nothing_holds_of_a_field_that_is_lacking() {
    assert_eq!(names(r#"{ .db.system != "redis" }"#), ["SELECT"]);
    assert_eq!(names("{ .db.system > 5 }"), [""; 0]);
    assert_eq!(names("{ .nosuch !~ `x` }"), [""; 0]);
}

/// The first of the four is the parent of the others.
#[test]
fn spans_are_selected_by_their_parents_and_children() {
    assert_eq!(names(r#"{ name = "GET /cart" } > { status = error }"#), ["SELECT"]);
    assert_eq!(names(r#"{ name = "GET /cart" } !> { }"#), ["GET /cart"]);
    assert_eq!(names("{ status = ok } < { }"), ["GET /cart"]);
    assert_eq!(names("{ status = error } !< { status = error }"), ["SELECT"], "where errors begin");
    assert_eq!(names("{ kind = server } > { kind = client } > { }"), [""; 0]);
    let late = Window::new(Timestamp::from_second(T0 + 1).unwrap(), Timestamp::from_second(T0 + 60).unwrap());
    let found = select(&spans(), "{ kind = server } > { status = ok }", late, 9).unwrap().found;
    assert_eq!(found.len(), 1, "a parent from before the window is a parent");
}

#[test]
fn a_span_is_not_its_own_parent() {
    let mut odd = spans();
    odd[0].parent = Some(odd[0].span_id);
    let found = select(&odd, "{ kind = server } > { kind = server }", window(), 9).unwrap();
    assert!(found.found.is_empty());
    let count = format!("{} {{}}", "{} >".repeat(100));
    assert!(check(&count).unwrap_err().message.contains("filters in relation"));
}

#[test]
fn and_binds_closer_than_or() {
    assert_eq!(names("{ name = `redis` || name = `SELECT` && status = ok }"), ["redis"]);
}

#[test]
fn a_limit_keeps_the_newest() {
    let selected = select(&spans(), "{}", window(), 1).unwrap();
    assert_eq!((&*selected.found[0].operation, selected.total, selected.is_cut()), ("redis", 4, true));
}

#[test]
fn errors_tell_the_column() {
    for (expr, told) in [
        ("", "column 1: expected `{`"),
        ("{ name }", "column 8: expected a comparison"),
        ("{ status = broken }", "column 12: expected `error`, `ok` or `unset`"),
        ("{ status > error }", "column 18: what stands before"),
        ("{ duration = `x` }", "column 14: expected a duration"),
        ("{ duration =~ `x` }", "column 12: this field is not a text"),
        ("{ name = `x` } x", "column 16: expected the end"),
        ("{ .x > nil }", "column 12: `nil`"),
        (r#"{ name = "\¡" }"#, "column 10: the string has an unknown escape"),
        ("{ . = 1 }", "column 3: expected the name"),
        ("{ ( name = `x` }", "column 16: expected `)`"),
        ("{} >", "column 5: expected `{`"),
    ] {
        let error = check(expr).unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{expr}: {error}");
        assert!(error.message.starts_with(told), "{expr}: {error}");
    }
    for (expr, told) in [
        ("{ traceDuration > 1s }", "column 3: field `traceDuration`"),
        ("{} | count() > 1", "column 4: a pipeline"),
        ("{} >> {}", "column 4: a relation of filters"),
        ("{} && {}", "column 4: a relation of filters"),
    ] {
        let error = check(expr).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported, "{expr}: {error}");
        assert!(error.message.starts_with(told), "{expr}: {error}");
    }
    assert!(check(&format!("{{ {} }}", "(".repeat(5_000))).unwrap_err().message.contains("deep"));
    assert!(check(&format!("{{ {} }}", "!".repeat(5_000))).unwrap_err().message.contains("deep"));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        drop(check(&text));
    }

    #[test]
    fn no_mutation_of_a_query_panics(cut in 0_usize..80, put in "[{}()|=~!&\"`0-9a-z. ]{0,3}") {
        let query = r#"{ kind = server } !< { .a.b = "x" && (span.db.system != nil || duration > 1h30m) }"#;
        let text: String = query.chars().take(cut).chain(put.chars()).chain(query.chars().skip(cut + 1)).collect();
        drop(check(&text));
    }

    /// A filter and its negation share out the spans.
    #[test]
    fn a_negation_selects_the_rest(millis in 0_i64..400) {
        let expr = format!("duration > {millis}ms && status = error");
        let (yes, no) = (names(&format!("{{ {expr} }}")), names(&format!("{{ !({expr}) }}")));
        prop_assert_eq!(yes.len() + no.len(), 4);
        prop_assert!(yes.iter().all(|name| !no.contains(name)));
    }
}
