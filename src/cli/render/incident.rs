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
/// Columns of service, title and cause together in a wide table, and columns that no table has.
const WIDE: usize = 360;
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
    let left = match (wide, roomy) {
        (true, _) => WIDE,
        (_, true) => width.saturating_sub(FIXED_ROOMY),
        _ => width.saturating_sub(FIXED),
    };
    let most = [(left / 6).max(8), (left / 4).max(10), left];
    let texts: Vec<[String; 3]> = incidents
        .iter()
        .map(|incident| {
            let (verdict, claim) = answer(incident);
            let cause = match (roomy, verdict) {
                // A percentage and a place are an answer by themselves.
                (true, _) | (false, "cause found") => claim,
                (false, _) => format!("{verdict} {claim}").trim_end().to_owned(),
            };
            [clean(&incident.service), clean(&incident.title), cause]
        })
        .collect();
    let columns = share(left, &texts, most);
    let rows = incidents
        .iter()
        .zip(&texts)
        .map(|(incident, [service, title, cause])| {
            let opened = incident.opened_at.as_ref();
            let [for_service, for_title, for_cause] = columns;
            let mut row = vec![
                incident.number.clone(),
                incident.status.clone(),
                shorten(service, for_service),
                shorten(title, for_title),
                if roomy { minute(opened) } else { short(opened) },
            ];
            if roomy {
                row.push(answer(incident).0.to_owned());
            }
            row.push(shorten(cause, for_cause));
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

/// Divides the columns that are left among texts: to each what it needs, at first up to its most, then, the last
/// first, what nobody needs.
fn share(left: usize, texts: &[[String; 3]], most: [usize; 3]) -> [usize; 3] {
    let mut needed = [0; 3];
    for text in texts {
        for (needed, text) in needed.iter_mut().zip(text) {
            *needed = text.chars().count().max(*needed);
        }
    }
    let mut spare = left;
    let mut given = [0; 3];
    for (given, (needed, most)) in given.iter_mut().zip(needed.into_iter().zip(most)) {
        *given = needed.min(most).min(spare);
        spare -= *given;
    }
    for (given, needed) in given.iter_mut().zip(needed).rev() {
        let more = (needed - *given).min(spare);
        *given += more;
        spare -= more;
    }
    given
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
