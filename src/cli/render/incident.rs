//! Incidents as lines and tables.

use quell_proto::v1::Incident;

use super::{
    style::{bad, bold, dim, good},
    table,
    text::{clean, date},
};

/// One line that says which incident this is.
pub(crate) fn headline(incident: &Incident) -> String {
    let status = if incident.status == "open" { bad("open") } else { good(&incident.status) };
    format!(
        "{}  {} · {} · {status} since {} UTC {}",
        bold(&incident.number),
        clean(&incident.title),
        clean(&incident.service),
        date(incident.opened_at.as_ref()),
        dim(&incident.id)
    )
}

/// A table of incidents.
pub(crate) fn incidents(incidents: &[Incident], wide: bool, width: usize) -> String {
    let mut heading = vec!["NUMBER", "STATUS", "SERVICE", "TITLE", "OPENED (UTC)", "INVESTIGATION"];
    if wide {
        heading.extend(["SEVERITY", "ALERTS", "ID"]);
    }
    let rows = incidents
        .iter()
        .map(|incident| {
            let mut row = vec![
                incident.number.clone(),
                incident.status.clone(),
                incident.service.clone(),
                incident.title.clone(),
                date(incident.opened_at.as_ref()),
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
