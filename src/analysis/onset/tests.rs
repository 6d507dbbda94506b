//! When a fault began, from traces and lines alone.

use quell_sdk::signal::{Severity, UnixNanos};

use super::{Onset, Votes, find};
use crate::analysis::{
    Case, Telemetry,
    causal::Graph,
    fixture::{Call, Recorder, SECOND, call},
    kube::Cluster,
    logs::{Learnt, Mined},
    series::Healthy,
    traces::Traced,
};

const END: UnixNanos = 600 * SECOND;
const PAGE: UnixNanos = 500 * SECOND;

fn usual() -> Call {
    call("shop", "GET /cart", 40).calls(call("cart", "get", 20).calls(call("stock", "look", 5)))
}

/// The cart answers without asking the stock.
fn cut_short() -> Call {
    call("shop", "GET /cart", 40).calls(call("cart", "get", 20))
}

/// Ten minutes, a request a second.
fn recorded(at: impl Fn(i64) -> Call) -> Telemetry {
    let mut recorder = Recorder::default();
    (0..600).for_each(|second| recorder.request(second * SECOND, &at(second)));
    recorder.finish()
}

fn onset(now: Telemetry, reference: Telemetry) -> Onset {
    let case = Case { now, reference, service: "shop".to_owned(), ..Case::default() };
    let traced = Traced::new(&case);
    let mined = Mined::new(&case, &traced, Learnt::new(&case));
    let cluster = Cluster::new(&case, &Graph::default());
    let votes = Votes::new(&case, &Healthy::new(&case), &traced, &cluster, (0, END), PAGE);
    find(&votes, &traced, &mined, (0, END), PAGE)
}

fn second(at: UnixNanos) -> i64 {
    at / SECOND
}

#[test]
fn a_call_that_is_no_longer_made_dates_the_fault() {
    for began in [120, 300, 450] {
        let now = recorded(|second| if second < began { usual() } else { cut_short() });
        let found = onset(now, recorded(|_| usual()));
        assert!(!found.assumed);
        assert!((second(found.since.at) - began).abs() <= 15, "{began}: {found:?}");
        assert!(found.since.earliest <= found.since.at && found.since.at <= found.since.latest);
    }
}

#[test]
fn no_healthy_recording_is_needed() {
    let found =
        onset(recorded(|second| if second < 300 { usual() } else { cut_short() }), Telemetry::default());
    assert!(!found.assumed && (second(found.since.at) - 300).abs() <= 15, "{found:?}");
}

#[test]
fn slow_calls_and_new_error_lines_date_it_as_well() {
    let slow =
        call("shop", "GET /cart", 400).calls(call("cart", "get", 380).calls(call("stock", "look", 365)));
    let line = usual().logs(Severity::Error, "no connection could be had from the pool");
    for faulty in [slow, line] {
        let now = recorded(|second| if second < 300 { usual() } else { faulty.clone() });
        let found = onset(now, recorded(|_| usual()));
        assert!(!found.assumed && (second(found.since.at) - 300).abs() <= 15, "{found:?}");
    }
}

#[test]
fn another_day_alone_is_no_onset_in_the_middle() {
    // All day long the cart did without what the healthy recording shows.
    let found = onset(recorded(|_| cut_short()), recorded(|_| usual()));
    assert!(found.assumed || second(found.since.at) <= 30, "{found:?}");
    assert_eq!(found.rival, None);
}

#[test]
fn where_nothing_changed_the_onset_is_assumed() {
    let found = onset(recorded(|_| usual()), recorded(|_| usual()));
    assert!(found.assumed && found.since.at < PAGE, "{found:?}");
    assert_eq!(found.rival, None);
}

#[test]
fn what_comes_after_the_page_does_not_count() {
    let now = recorded(|second| if second < 550 { usual() } else { cut_short() });
    let found = onset(now, recorded(|_| usual()));
    assert!(found.since.latest <= PAGE, "{found:?}");
}
