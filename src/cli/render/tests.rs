//! What people read, as they read it: without colours and with them, in narrow and wide terminals, with names
//! that somebody hostile chose.

mod fixture;
mod lists;
mod queries;

use quell_proto::v1::{
    Event, Hypothesis, Investigation, RankingChanged, event::Payload, investigation::Verdict,
};

use super::*;
use fixture::{HOSTILE, LONG};

/// As a terminal without colours shows it. What is left may not move the cursor.
fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    let odd = text.chars().find(|character| character.is_control() && *character != '\n');
    assert_eq!(odd, None, "{text}");
    text
}

/// With colours, the escapes made visible.
fn coloured(text: &str) -> String {
    text.replace('\u{1b}', "␛")
}

/// Snapshots at both widths.
macro_rules! at_both_widths {
    ($name:expr, $render:expr) => {
        for width in [80, 120] {
            let render: &dyn Fn(usize) -> String = &$render;
            insta::assert_snapshot!(format!("{}_{width}", $name), plain(&render(width)));
        }
    };
}

fn hostile() -> Investigation {
    let mut found = fixture::cause_found();
    found.hypotheses[0].claim = format!("{LONG} of {HOSTILE} leaks connections");
    found.hypotheses[0].arguments[0].text = format!("log says {HOSTILE}");
    found.hypotheses[1].claim = HOSTILE.to_owned();
    found.blast_radius = vec![LONG.to_owned(), HOSTILE.to_owned()];
    found.next_question = HOSTILE.to_owned();
    found.innocent[0].title = HOSTILE.to_owned();
    found.innocent[0].because = HOSTILE.to_owned();
    found.blind_spots[0].source = HOSTILE.to_owned();
    found.blind_spots[0].because = HOSTILE.to_owned();
    found.evidence[0].summary = HOSTILE.to_owned();
    found.evidence[0].query = format!("{{service=\"{HOSTILE}\"}}");
    found.evidence[0].source = HOSTILE.to_owned();
    let path = &mut found.recovery_paths[0];
    path.title = format!("Restart {HOSTILE} {LONG}");
    path.target = HOSTILE.to_owned();
    path.steps[0].text = HOSTILE.to_owned();
    path.steps[1].command = format!("kubectl rollout undo 'deploy/{HOSTILE}'");
    path.gates = vec![HOSTILE.to_owned()];
    path.runbook = HOSTILE.to_owned();
    found
}

#[test]
fn an_answer_with_a_cause() {
    let found = fixture::cause_found();
    at_both_widths!("cause_found", |width| answer(&found, width, false, Some("quell query INC-7")));
    insta::assert_snapshot!(
        "cause_found_verbose",
        plain(&answer(&found, 100, true, Some("quell query INC-7")))
    );
    insta::assert_snapshot!("cause_found_coloured", coloured(&answer(&found, 80, false, None)));
}

#[test]
fn an_answer_without_a_cause() {
    let found = fixture::inconclusive();
    assert_eq!(found.verdict(), Verdict::Inconclusive);
    at_both_widths!("inconclusive", |width| answer(&found, width, false, Some("quell query INC-7")));
}

#[test]
fn an_answer_that_nothing_is_wrong() {
    let found = fixture::not_an_incident();
    at_both_widths!("not_an_incident", |width| answer(&found, width, false, Some("quell query INC-7")));
}

#[test]
fn an_answer_of_hostile_text() {
    let found = hostile();
    at_both_widths!("hostile", |width| answer(&found, width, true, Some("quell query INC-7")));
    insta::assert_snapshot!("hostile_coloured", coloured(&answer(&found, 80, false, None)));
}

#[test]
fn parts_of_an_answer() {
    let found = fixture::cause_found();
    at_both_widths!("evidence", |width| evidence(&found, width, &|id| format!("quell query INC-7 {id}")));
    at_both_widths!("hypotheses", |width| hypotheses(&found, width));
    at_both_widths!("paths", |width| paths(&found.recovery_paths, width, true));
    insta::assert_snapshot!("markdown", plain(&markdown(&hostile())));
    insta::assert_snapshot!(
        "evidence_hostile",
        plain(&evidence(&hostile(), 80, &|id| format!("quell query INC-7 {id}")))
    );
}

#[test]
fn events_go_by() {
    let lines = |verbose| {
        let events = lists::events();
        let lines: Vec<String> = events.iter().filter_map(|item| event(item, verbose)).collect();
        assert!(lines.iter().all(|line| !line.contains('\n')), "one event, one line: {lines:#?}");
        lines.join("\n")
    };
    insta::assert_snapshot!("events", plain(&lines(false)));
    insta::assert_snapshot!("events_verbose", plain(&lines(true)));
    insta::assert_snapshot!("events_coloured", coloured(&lines(false)));
}

/// The feed's lines of these events.
fn fed(events: &[Event], verbose: bool, width: usize) -> String {
    let mut feed = Feed::new(verbose, width);
    let lines: Vec<String> = events.iter().flat_map(|item| feed.lines(item)).collect();
    assert!(lines.iter().all(|line| !line.contains('\n')), "one event, one line: {lines:#?}");
    plain(&lines.join("\n"))
}

#[test]
fn an_incident_is_followed() {
    let events = lists::events();
    for width in [80, 120] {
        let lines = fed(&events, false, width);
        assert!(lines.lines().all(|line| line.chars().count() <= width), "{lines}");
        insta::assert_snapshot!(format!("feed_{width}"), lines);
    }
    let all: Vec<String> = events.iter().filter_map(|item| event(item, true)).collect();
    assert_eq!(fed(&events, true, 80), plain(&all.join("\n")), "verbose leaves nothing out");
}

#[test]
fn a_ranking_is_told_when_its_first_place_changes() {
    let ranking = |ids: &[&str]| {
        let found = fixture::cause_found();
        let ranked = |id: &&str| Hypothesis { id: (*id).to_owned(), ..found.hypotheses[0].clone() };
        let hypotheses = ids.iter().map(ranked).collect();
        let payload = Payload::RankingChanged(RankingChanged { hypotheses, recovery_paths: vec![] });
        Event { payload: Some(payload), ..Event::default() }
    };
    let rankings = [
        ranking(&["H1", "H2", "H3"]),
        ranking(&["H1", "H3", "H2"]),
        ranking(&["H2", "H1", "H3"]),
        ranking(&["H9", "H2"]),
        ranking(&[]),
        ranking(&["H9"]),
    ];
    let lines = fed(&rankings, false, 160);
    let told: Vec<&str> = lines.lines().map(|line| line.split_once("1.5.0) ").unwrap().1).collect();
    assert_eq!(told, ["H1", "H2 (was #3)", "H9 (was below #3)", "H9"], "{lines}");
}

#[test]
fn tables() {
    let list = lists::incidents();
    at_both_widths!("incidents", |width| incidents(&list, false, width));
    insta::assert_snapshot!("incidents_wide", plain(&incidents(&list, true, 160)));
    insta::assert_snapshot!("headlines", plain(&list.iter().map(headline).collect::<Vec<_>>().join("\n")));
    let rows = lists::runbooks();
    at_both_widths!("runbooks", |width| table(&["ID", "TITLE", "HYPOTHESES"], rows.clone(), width));
    let (of_configuration, of_server, warnings) = lists::checks();
    let sections = [
        ("CONFIGURATION (/etc/quell.yaml)".to_owned(), of_configuration.as_slice()),
        ("SERVER (http://127.0.0.1:7777)".to_owned(), of_server.as_slice()),
    ];
    at_both_widths!("doctor", |width| doctor(&sections, &warnings, width));
}

#[test]
fn answers_of_queries() {
    for (name, found) in queries::queries() {
        at_both_widths!(format!("query_{name}"), |width| query(&found, false, width));
    }
}
