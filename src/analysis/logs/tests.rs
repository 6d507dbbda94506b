//! Errors that are the system's own noise, executions that they cut short, and hosts that are not ours.

use jiff::Timestamp;
use quell_sdk::{
    local::logql,
    signal::{LogRecord, Severity, Window},
};

use super::{Learnt, Mined, find, find_outside};
use crate::{
    analysis::{
        Case, Finding, Periods, Telemetry,
        fixture::{Call, Recorder, SECOND, call, line, with},
        traces::Traced,
    },
    domain::EntityKind,
};

const PERIODS: Periods = Periods { start: 0, onset: 100 * SECOND, end: 200 * SECOND, guard: 0 };

fn usual() -> Call {
    call("shop", "GET /cart", 40).calls(call("cart", "get", 20).calls(call("cart", "load", 5)))
}

/// The cart fails with a message, and its own work with it.
fn failing(message: &str) -> Call {
    let load = call("cart", "load", 5).logs(Severity::Info, "loading half");
    let cart = call("cart", "get", 20).failed().logs(Severity::Error, message).calls(load);
    call("shop", "GET /cart", 40).calls(cart)
}

/// A request a second, each twentieth as given.
fn recorded(seconds: i64, each: &Call, lines: Vec<LogRecord>) -> Telemetry {
    let mut recorder = Recorder::default();
    for second in 0..seconds {
        let call = if second % 20 == 7 { each.clone() } else { usual() };
        recorder.request(second * SECOND, &call);
    }
    let mut telemetry = recorder.finish();
    telemetry.logs.extend(lines);
    telemetry.logs.sort_by_key(|record| record.at);
    telemetry
}

fn error(second: i64, service: &str, body: &str) -> LogRecord {
    line(second * SECOND, service, Severity::Error, body)
}

/// A system whose calls now and then cannot reach somebody: in the healthy recording the shop does not reach
/// the cart, today the cart does not reach the shop.
fn wandering() -> Case {
    let healthy = (0..4)
        .map(|number| error(number * 10, "shop", "connection to cart was refused, giving up"))
        .collect();
    Case {
        now: recorded(200, &failing("connection to shop was refused, giving up"), Vec::new()),
        reference: recorded(100, &usual(), healthy),
        service: "shop".to_owned(),
        ..Case::default()
    }
}

fn is_chronic(mined: &Mined<'_>, service: &str) -> Vec<bool> {
    let of_service = mined.templates.values().filter(|template| *template.service == *service);
    of_service.filter(|template| template.is_error).map(|template| template.is_chronic).collect()
}

#[test]
fn an_error_that_wanders_between_services_is_noise() {
    let case = wandering();
    let traced = Traced::new(&case);
    let mined = Mined::new(&case, &traced, Learnt::new(&case));
    assert_eq!(is_chronic(&mined, "cart"), [true]);
    assert_eq!(is_chronic(&mined, "shop"), [true]);
}

#[test]
fn an_error_of_one_service_alone_is_not() {
    let body = "connection to shop was refused, giving up";
    let case = Case {
        now: recorded(200, &failing(body), Vec::new()),
        reference: recorded(100, &failing(body), Vec::new()),
        ..Case::default()
    };
    let traced = Traced::new(&case);
    assert_eq!(is_chronic(&Mined::new(&case, &traced, Learnt::new(&case)), "cart"), [false]);
}

#[test]
fn without_a_healthy_recording_nothing_is_known_to_be_noise() {
    let case = Case { reference: Telemetry::default(), ..wandering() };
    let traced = Traced::new(&case);
    let mined = Mined::new(&case, &traced, Learnt::new(&case));
    assert_eq!(is_chronic(&mined, "cart"), [false]);
    assert!((0..case.now.spans.len()).all(|index| !mined.is_disturbed(false, index)));
}

#[test]
fn executions_that_noise_cut_short_are_left_out() {
    let case = wandering();
    let traced = Traced::new(&case);
    let mined = Mined::new(&case, &traced, Learnt::new(&case));
    for (index, span) in case.now.spans.iter().enumerate() {
        // Who failed, what it did itself, and who called it.
        let of_failure = span.start / SECOND % 20 == 7;
        assert_eq!(mined.is_disturbed(false, index), of_failure, "{} at {}", span.operation, span.start);
    }
    let found = find(&mined, &traced, &PERIODS);
    assert!(!found.iter().any(|finding| finding.indicator.contains("loading half")), "{found:#?}");
}

/// Findings about hosts outside, of a payment service that fails with these lines in the incident.
fn outside(lines: impl Fn(i64) -> LogRecord) -> Vec<Finding> {
    let lines = (100..160).map(lines).collect();
    let case = Case { now: recorded(200, &usual(), lines), ..Case::default() };
    let traced = Traced::new(&case);
    let mined = Mined::new(&case, &traced, Learnt::new(&case));
    let of_lines = find(&mined, &traced, &PERIODS);
    find_outside(&mined, &traced, &PERIODS, &of_lines)
}

fn number(finding: &Finding, name: &str) -> Option<f64> {
    finding.numbers.iter().find(|number| number.name == name).map(|number| number.value)
}

#[test]
fn errors_that_name_a_host_outside_are_about_it() {
    let found = outside(|second| {
        error(second, "payments", "charge failed: POST https://api.acquirer.example.com/v1/charge: 503")
    });
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(
        (finding.entity.kind, finding.entity.name.as_str()),
        (EntityKind::External, "api.acquirer.example.com")
    );
    assert_eq!(finding.peer.as_deref(), Some("payments"));
    assert_eq!(finding.query, r#"{service="payments"} |= "api.acquirer.example.com""#);
    assert_eq!(number(finding, "lines with its name"), Some(60.0));
}

#[test]
fn a_host_that_only_an_attribute_names_shows_the_line_itself() {
    let host = "api.acquirer.example.com";
    let found =
        outside(|second| with(error(second, "payments", "charge failed: 503"), "server.address", host));
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(finding.entity.name, host);
    assert!(finding.query.contains("charge failed"), "{}", finding.query);
    assert_eq!((number(finding, "count"), number(finding, "lines with its name")), (Some(60.0), None));
}

#[test]
fn what_is_ours_is_not_outside() {
    for url in [
        "http://cart/items",
        "http://cart.prod.example.com/items",
        "http://stock.prod.svc.cluster.local/items",
        "http://10.0.0.7/items",
    ] {
        let found = outside(|second| error(second, "payments", &format!("call failed: GET {url}: refused")));
        assert_eq!(found, [], "{url}");
    }
}

#[test]
fn a_host_that_few_of_the_errors_name_is_not_blamed() {
    let found = outside(|second| {
        let host = if second % 4 == 0 { " at https://api.acquirer.example.com/" } else { "" };
        error(second, "payments", &format!("charge failed{host}"))
    });
    assert_eq!(found, []);
}

#[test]
fn a_line_set_in_columns_is_found_by_its_query() {
    for body in ["ERROR  c.Stock  - no such item", "no such item\n\tat stock.find", "no such item"] {
        let lines = (100..160).map(|second| error(second, "stock", body)).collect();
        let case = Case { now: recorded(200, &usual(), lines), ..Case::default() };
        let traced = Traced::new(&case);
        let found = find(&Mined::new(&case, &traced, Learnt::new(&case)), &traced, &PERIODS);
        let [finding] = found.as_slice() else { panic!("{found:#?}") };
        let window = Window::new(Timestamp::UNIX_EPOCH, Timestamp::from_second(200).expect("a moment"));
        let selected = logql::select(&case.now.logs, &finding.query, window, 1_000).expect("a query");
        assert_eq!(number(finding, "count"), Some(60.0));
        assert_eq!(selected.found.len(), 60, "{}", finding.query);
    }
}
