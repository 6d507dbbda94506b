//! Incidents as lines and tables.

use quell_proto::v1::Incident;

use super::{
    style::{bad, bold, dim, good},
    table,
    text::{clean, date, minute, shorten},
};

/// Columns that numbers, states and times take.
const FIXED: usize = 56;

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

/// A table of incidents.
pub(crate) fn incidents(incidents: &[Incident], wide: bool, width: usize) -> String {
    let mut heading = vec!["NUMBER", "STATUS", "SERVICE", "TITLE", "OPENED (UTC)", "ANSWER"];
    // What is left beside the columns of fixed length; a wide table holds names in full.
    let left = if wide { 200 } else { width.saturating_sub(FIXED).max(24) };
    if wide {
        heading.extend(["SEVERITY", "ALERTS", "ID"]);
    }
    let rows = incidents
        .iter()
        .map(|incident| {
            let mut row = vec![
                incident.number.clone(),
                incident.status.clone(),
                shorten(&incident.service, left / 2 - 2),
                shorten(&incident.title, left / 2 + 2),
                minute(incident.opened_at.as_ref()),
                incident.investigation_status.clone(),
            ];
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
    table(&heading, rows, width)
}
