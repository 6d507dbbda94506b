use super::*;

const SETTLE: Duration = Duration::from_secs(120);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_438_400 + second).unwrap()
}

/// A receiver that gives start times.
fn dated(source: &str, firing: bool, starts_at: i64, now: i64) -> Said<'_> {
    Said { source, firing, starts_at: at(starts_at), dated: true, now: at(now) }
}

/// A receiver that does not.
fn undated(source: &str, firing: bool, now: i64) -> Said<'_> {
    Said { source, firing, starts_at: at(now), dated: false, now: at(now) }
}

fn judge(first: Said<'_>, then: &[(Said<'_>, Judgement)]) {
    let mut episode = Episode::first(first);
    for (number, (said, expected)) in then.iter().enumerate() {
        assert_eq!(episode.judge(*said, SETTLE), *expected, "step {number}: {said:?}");
    }
}

use Judgement::{Fired, Known, Resolved};

#[test]
fn repeats_say_nothing_new() {
    judge(
        dated("am", true, 0, 1),
        &[
            (dated("am", true, 0, 300), Known),
            (dated("am", false, 0, 400), Resolved),
            (dated("am", false, 0, 700), Known),
            (dated("am", true, 0, 701), Known),
        ],
    );
}

#[test]
fn a_later_start_is_a_new_firing() {
    judge(
        dated("am", true, 0, 1),
        &[
            (dated("am", true, 60, 61), Fired),
            (dated("am", false, 0, 62), Known),
            (dated("am", false, 60, 90), Resolved),
            (dated("am", true, 95, 96), Fired),
        ],
    );
}

#[test]
fn a_late_second_receiver_opens_nothing() {
    judge(
        dated("am", true, 0, 1),
        &[
            (dated("am", false, 0, 10), Resolved),
            (undated("ev", true, 11), Known),
            (undated("ev", false, 12), Known),
            (undated("ev", true, 13), Fired),
        ],
    );
}

#[test]
fn a_second_receiver_that_insists_is_believed() {
    judge(
        dated("am", true, 0, 1),
        &[
            (undated("ev", true, 2), Known),
            (dated("am", false, 0, 10), Resolved),
            (undated("ev", true, 60), Known),
            (undated("ev", true, 131), Fired),
        ],
    );
}

#[test]
fn whoever_says_first_that_it_is_over() {
    judge(
        undated("ev", true, 1),
        &[
            (dated("am", true, 0, 2), Known),
            (undated("ev", false, 10), Resolved),
            (dated("am", false, 0, 11), Known),
            (dated("am", true, 0, 12), Known),
            (dated("am", true, 20, 21), Fired),
        ],
    );
}

#[test]
fn an_end_that_was_owed_does_not_end_the_next_firing() {
    judge(
        dated("am", true, 0, 1),
        &[
            (undated("ev", true, 2), Known),
            (dated("am", false, 0, 10), Resolved),
            (dated("am", true, 15, 16), Fired),
            (undated("ev", true, 17), Known),
            (undated("ev", false, 17), Known),
            (undated("ev", false, 17), Known),
            (undated("ev", true, 18), Known),
            (undated("ev", false, 30), Resolved),
        ],
    );
}

#[test]
fn a_start_that_comes_late_is_that_of_the_firing_we_know() {
    judge(
        undated("ev", true, 30),
        &[
            (undated("ev", false, 40), Resolved),
            (dated("am", true, 0, 41), Known),
            (dated("am", true, 45, 46), Fired),
        ],
    );
}

#[test]
fn receivers_are_bounded() {
    let mut episode = Episode::first(undated("0", true, 0));
    for number in 1..100 {
        episode.judge(undated(&number.to_string(), true, number), SETTLE);
    }
    assert_eq!(episode.views.len(), MAX_VIEWS);
    assert!(episode.heard_from("99") && !episode.heard_from("0"));
}
