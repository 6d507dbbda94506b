//! Incidents as lines and tables.

use quell_proto::v1::{Incident, investigation::Verdict};

use super::{
    style::{bad, bold, dim, good},
    table,
    text::{self, clean, date, minute, percent, short, shorten},
};

/// Width from which the verdict has a column of its own.
const ROOMY: usize = 110;
/// Columns that numbers, states and times take, with the space between all.
const FIXED: usize = 41;
const FIXED_ROOMY: usize = 62;
/// Columns that no wide table has.
const ENDLESS: usize = 1_000;

/// One line that says which incident this is.
pub(crate) fn headline(incident: &Incident) -> String {
    let opened = date(incident.opened_at.as_ref());
    let status = match &incident.resolved_at {
        _ if incident.status == "open" => format!("{} since {opened} UTC", bad("open")),
        Some(at) => format!("{} at {}, opened {opened} UTC", good(&clean(&incident.status)), date(Some(at))),
        None => format!("{}, opened {opened} UTC", good(&clean(&incident.status))),
    };
    format!(
        "{}  {} · {} · {status} {}",
        bold(&incident.number),
        clean(&incident.title),
        clean(&incident.service),
        dim(&incident.id)
    )
}

/// A table of incidents, each on one line. With room for it, the verdict has a column of its own.
pub(crate) fn incidents(incidents: &[Incident], wide: bool, width: usize) -> String {
    let roomy = wide || width >= ROOMY;
    let mut heading = vec!["NUMBER", "STATUS", "SERVICE", "TITLE", "OPENED (UTC)"];
    heading.extend(if roomy { ["VERDICT", "CAUSE"].as_slice() } else { &["ANSWER"] });
    if wide {
        heading.extend(["SEVERITY", "ALERTS", "ID"]);
    }
    // What is left beside the columns of fixed length is shared; a wide table is as long as its names.
    let left = width.saturating_sub(if roomy { FIXED_ROOMY } else { FIXED });
    let (service, title) = if wide { (60, 100) } else { ((left / 6).max(8), (left / 4).max(10)) };
    let cause = if wide { 200 } else { left.saturating_sub(service + title).max(20) };
    let rows = incidents
        .iter()
        .map(|incident| {
            let opened = incident.opened_at.as_ref();
            let (verdict, claim) = answer(incident);
            let mut row = vec![
                incident.number.clone(),
                incident.status.clone(),
                shorten(&incident.service, service),
                shorten(&incident.title, title),
                if roomy { minute(opened) } else { short(opened) },
            ];
            match (roomy, verdict) {
                (true, _) => row.extend([verdict.to_owned(), shorten(&claim, cause)]),
                // A percentage and a place are an answer by themselves.
                (false, "cause found") => row.push(shorten(&claim, cause)),
                (false, _) => row.push(shorten(format!("{verdict} {claim}").trim_end(), cause)),
            }
            if wide {
                row.extend([
                    incident.severity.clone(),
                    incident.alerts.len().to_string(),
                    incident.id.clone(),
                ]);
            }
            row
        })
        .collect();
    table(&heading, rows, if wide { ENDLESS } else { width })
}

/// The verdict, or how far the investigation is; and the first hypothesis with its percentage.
fn answer(incident: &Incident) -> (&str, String) {
    let Some(answer) = &incident.answer else { return (&incident.investigation_status, String::new()) };
    let verdict = match answer.verdict() {
        Verdict::Unspecified => &incident.investigation_status,
        known => text::verdict(known),
    };
    if answer.claim.is_empty() || answer.verdict() == Verdict::NotAnIncident {
        return (verdict, String::new());
    }
    (verdict, format!("{} {}", percent(answer.probability), answer.claim))
}
