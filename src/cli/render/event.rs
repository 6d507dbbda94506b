//! One line per event, as the journal grows: what a person wants to see go by, and with `-v` everything.

use quell_proto::v1::{Event, event::Payload};

use super::{
    style::{bad, bold, dim, good, heading},
    text::{clean, clock, percent, span},
};

/// The line of an event; `None` for one that only machines care for, unless `verbose`.
pub(crate) fn event(event: &Event, verbose: bool) -> Option<String> {
    let line = match event.payload.as_ref()? {
        Payload::IncidentOpened(opened) => {
            format!("{} {}", bold(&opened.number), clean(&opened.title))
        }
        Payload::AlertsReceived(received) => {
            let alerts: Vec<String> = received
                .alerts
                .iter()
                .map(|alert| {
                    let name = alert.labels.get("alertname").cloned().unwrap_or_default();
                    format!(
                        "{} {}",
                        clean(&name),
                        if alert.status == "firing" { bad("firing") } else { good("resolved") }
                    )
                })
                .collect();
            let summary = received.alerts.first().and_then(|alert| alert.annotations.get("summary"));
            let summary = summary.map(|summary| format!(": {}", clean(summary))).unwrap_or_default();
            format!("alert  {}{summary}", alerts.join(", "))
        }
        Payload::IncidentResolved(resolved) => format!("{} {}", good("resolved"), clean(&resolved.because)),
        Payload::InvestigationRequested(_) => return None,
        Payload::InvestigationStarted(started) if started.attempt > 1 => {
            format!("investigating again (attempt {})", started.attempt)
        }
        Payload::InvestigationStarted(_) => "investigating".to_owned(),
        Payload::Coverage(coverage) => {
            let state = coverage.completeness.as_ref();
            if let Some(state) = state.filter(|state| state.state == "missing") {
                let lacking = format!("no {} from {}: {}", coverage.signal, coverage.source, state.reason);
                return Some(numbered(event, &format!("read   {}", bad(&clean(&lacking)))));
            }
            let lacking = state
                .filter(|state| state.state != "full")
                .map(|state| format!(" {}", bad(&format!("{}: {}", state.state, clean(&state.reason)))));
            format!(
                "read   {} {} from {} in {}{}",
                coverage.items,
                coverage.signal,
                clean(&coverage.source),
                span(coverage.took.as_ref()),
                lacking.unwrap_or_default()
            )
        }
        Payload::Symptom(symptom) => {
            (verbose || (number(&symptom.id) <= 10 && symptom.decibans >= 8.0)).then_some(())?;
            let entity = symptom.entity.as_ref().map(|entity| entity.name.clone()).unwrap_or_default();
            format!(
                "symptom {} {} {} {} since {} {}",
                clean(&entity),
                symptom.kind.replace('_', " "),
                clean(&symptom.indicator),
                symptom.direction,
                clock(symptom.onset.as_ref()),
                dim(&symptom.evidence)
            )
        }
        Payload::Hypothesis(hypothesis) => {
            format!("test   {} {}", clean(&hypothesis.claim), dim(&hypothesis.id))
        }
        Payload::Argument(made) => {
            let argument = made.argument.as_ref()?;
            let tells = argument.test.starts_with("check:") && argument.decibans.abs() >= 4.0;
            (verbose || (tells && number(&made.hypothesis_id) <= 4)).then_some(())?;
            format!("       {} {:+.1} {}", made.hypothesis_id, argument.decibans, clean(&argument.text))
        }
        Payload::RankingChanged(ranking) => {
            let leading: Vec<String> = ranking
                .hypotheses
                .iter()
                .take(3)
                .map(|hypothesis| format!("{} {}", percent(hypothesis.probability), clean(&hypothesis.claim)))
                .collect();
            let path = ranking.recovery_paths.first().map(|path| format!("  -> {}", clean(&path.title)));
            format!("{} {}{}", heading("ranking"), leading.join(" | "), path.unwrap_or_default())
        }
        Payload::InvestigationFinished(found) => format!("done   {}", clean(&found.because)),
        Payload::Change(seen) => {
            let change = seen.change.as_ref()?;
            format!("change {} {} {}", change.kind, clean(&change.service), clean(&change.title))
        }
        Payload::Note(note) => format!("note   {}: {}", clean(&note.author), clean(&note.text)),
        Payload::Evidence(evidence) => {
            verbose.then_some(())?;
            format!("       {} {}", evidence.id, clean(&evidence.summary))
        }
    };
    Some(numbered(event, &line))
}

pub(super) fn numbered(event: &Event, line: &str) -> String {
    format!("{} {} {line}", dim(&clock(event.at.as_ref())), dim(&format!("{:>3}", event.seq)))
}

/// The number of an id such as `H12`.
fn number(id: &str) -> u64 {
    id.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap_or(u64::MAX)
}
