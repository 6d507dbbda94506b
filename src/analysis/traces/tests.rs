//! Time lost in services and between them, and what is stated of it.

use super::{Traced, find_delays, find_structure, find_traffic};
use crate::{
    analysis::{
        Case, Finding, Periods,
        fixture::{Call, Recorder, SECOND, call},
        logs::{Learnt, Mined},
    },
    domain::IndicatorKind,
};

const PERIODS: Periods = Periods { start: 0, onset: 200 * SECOND, end: 400 * SECOND, guard: 5 * SECOND };

/// A shop that calls a cart over the network and a price list beside it, with milliseconds added to the shop's
/// own work, to the way to the cart, and to the price list.
fn request(own: i64, way: i64, prices: i64) -> Call {
    let cart = call("shop", "call cart", 22 + way).client().calls(call("cart", "get", 20));
    let list = call("shop", "call prices", 12 + prices).client().calls(call("prices", "list", 10 + prices));
    call("shop", "GET /cart", 50 + own + way + prices).calls(cart).calls(list)
}

fn case(faulty: impl Fn(i64) -> Call) -> Case {
    let mut recorder = Recorder::default();
    for second in 0..400 {
        // Requests are never quite alike.
        let call = if second < 200 { request(second % 3, second % 2, 0) } else { faulty(second) };
        recorder.request(second * SECOND, &call);
    }
    Case { now: recorder.finish(), service: "shop".to_owned(), ..Case::default() }
}

fn share(findings: &[Finding], kind: IndicatorKind) -> f64 {
    findings.iter().filter(|finding| finding.kind == kind).filter_map(|finding| finding.share).sum()
}

fn number(finding: &Finding, name: &str) -> Option<f64> {
    finding.numbers.iter().find(|number| number.name == name).map(|number| number.value)
}

#[test]
fn shares_of_lost_time_are_parts_of_one_whole() {
    let case = case(|_| request(60, 180, 0));
    let traced = Traced::new(&case);
    let found = find_delays(&traced, &PERIODS);
    let total: f64 = found.iter().filter_map(|finding| finding.share).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}: {found:#?}");
    let (own, way) = (share(&found, IndicatorKind::SelfTime), share(&found, IndicatorKind::NetworkGap));
    assert!((own - 0.25).abs() < 0.02 && (way - 0.75).abs() < 0.02, "{own} {way}");
}

#[test]
fn time_that_a_callee_spent_is_its_own_and_not_lost_on_the_way() {
    let case = case(|_| request(0, 0, 300));
    let traced = Traced::new(&case);
    let found = find_delays(&traced, &PERIODS);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((finding.kind, finding.entity.name.as_str()), (IndicatorKind::SelfTime, "prices"));
    assert_eq!(finding.share, Some(1.0));
}

#[test]
fn nothing_lost_is_nothing_found() {
    let case = case(|second| request(second % 3, second % 2, 0));
    assert_eq!(find_delays(&Traced::new(&case), &PERIODS), []);
}

#[test]
fn calls_are_stated_as_many_as_their_query_selects() {
    // Each fourth call is left before it is answered, and cannot be timed.
    let left = call("shop", "GET /cart", 50)
        .calls(call("shop", "call cart", 10).client().calls(call("cart", "get", 20)));
    let case = case(|second| if second % 4 == 0 { left.clone() } else { request(0, 180, 0) });
    let found = find_delays(&Traced::new(&case), &PERIODS);
    let gap = found.iter().find(|finding| finding.kind == IndicatorKind::NetworkGap).expect("a gap");
    assert_eq!(number(gap, "calls"), Some(200.0));
    assert_eq!(number(gap, "calls that were timed"), Some(150.0));
}

#[test]
fn executions_are_stated_as_many_as_their_query_selects() {
    let case = case(|_| call("shop", "GET /cart", 50));
    let traced = Traced::new(&case);
    let mined = Mined::new(&case, &traced, Learnt::new(&case));
    let found = find_structure(&traced, &PERIODS, &mined);
    let gone = found.iter().find(|finding| finding.indicator.ends_with("call cart")).expect("a lost call");
    assert_eq!(number(gone, "executions"), Some(200.0));
    assert_eq!(number(gone, "calls per execution"), Some(0.0));
}

#[test]
fn traffic_is_stated_as_counts_and_as_rates_of_what_was_traced() {
    let mut recorder = Recorder::default();
    for tenth in 0..4000 {
        let second = tenth / 10;
        // One a second before, ten a second from the onset on, and nothing traced in the last minute.
        if (second >= 200 || tenth % 10 == 0) && second < 340 {
            recorder.request(tenth * SECOND / 10, &call("shop", "GET /cart", 50));
        }
    }
    let case = Case { now: recorder.finish(), ..Case::default() };
    let found = find_traffic(&Traced::new(&case), &PERIODS);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(number(finding, "normal requests"), Some(195.0));
    assert_eq!(number(finding, "requests"), Some(1400.0));
    let rate = number(finding, "rate of requests").expect("a rate");
    assert!((rate - 10.0).abs() < 0.05, "{rate}");
}

#[test]
fn which_end_of_a_slow_call_is_at_fault_depends_on_what_else_they_do() {
    // A shop that calls a cart, slowly, and others that answer as ever.
    let blamed = |others: usize| -> Vec<(String, f64)> {
        let request = |way: i64| {
            let cart = call("shop", "call cart", 22 + way).client().calls(call("cart", "get", 20));
            (0..others).fold(call("shop", "GET /", 50 + way).calls(cart), |request, other| {
                let name = ["prices", "search", "reviews", "images"][other];
                request.calls(call("shop", "call", 12).client().calls(call(name, "get", 10)))
            })
        };
        let case = case(|_| request(180));
        let found = find_delays(&Traced::new(&case), &PERIODS);
        let mut ends: Vec<(String, f64)> = found
            .iter()
            .filter(|finding| finding.kind == IndicatorKind::NetworkGap)
            .map(|finding| (finding.entity.name.clone(), finding.share.unwrap_or_default()))
            .collect();
        ends.sort_by(|a, b| b.1.total_cmp(&a.1));
        ends
    };
    let [(one, of_one), (_, of_other)] = &*blamed(1) else { panic!("both ends may be at fault") };
    assert!(
        one == "cart" && of_one > of_other,
        "one healthy call speaks for the caller: {of_one} {of_other}"
    );
    assert!(matches!(&*blamed(4), [(only, _)] if only == "cart"), "{:?}", blamed(4));
}
