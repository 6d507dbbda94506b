//! `quell incidents`.

use jiff::{Timestamp, tz::TimeZone};
use quell_proto::v1::ListIncidentsRequest;

use super::{
    Exit,
    args::{Global, Incidents, Output},
    client,
    exit::Result,
    moments,
    output::Out,
    render,
};
use crate::api::convert;

/// Lists the server's incidents, newest first.
pub(super) async fn run(args: Incidents, global: &Global, out: &Out) -> Result<Exit> {
    let since = args
        .since
        .as_deref()
        .map(|since| moments::parse(since, Timestamp::now(), &TimeZone::system()))
        .transpose()?;
    let status = if args.open { "open".to_owned() } else { args.status.unwrap_or_default() };
    let request = ListIncidentsRequest {
        status,
        since: since.map(convert::timestamp),
        limit: args.limit,
        service: args.service.unwrap_or_default(),
    };
    let answer = client::incidents(global).await?.list_incidents(request).await;
    let incidents = answer.map_err(|status| client::failure(&status))?.into_inner().incidents;
    match out.format {
        Output::Name => incidents.iter().try_for_each(|incident| out.line(&incident.number))?,
        _ if out.is_for_people() && incidents.is_empty() => out.say("no incidents"),
        _ if out.is_for_people() => {
            out.text(&render::incidents(&incidents, out.format == Output::Wide, out.width))?;
        }
        _ => out.values(&incidents)?,
    }
    Ok(Exit::Ok)
}
