//! `quell show`, and how an answer is printed and graded anywhere.

use quell_proto::v1::{
    GetIncidentRequest, Incident, Investigation, WatchRequest, event::Payload, investigation::Verdict,
};

use super::{
    Exit,
    args::{Global, Output, Show},
    client,
    exit::Result,
    output::Out,
    render,
};

/// Shows an incident's answer, or the part of it that was asked for.
pub(super) async fn run(args: Show, global: &Global, out: &Out) -> Result<Exit> {
    let mut server = client::incidents(global).await?;
    let answer = server.get_incident(GetIncidentRequest { id: args.id.clone() }).await;
    let incident = answer.map_err(|status| client::failure(&status))?.into_inner();
    if args.timeline {
        return timeline(&mut server, &incident, out).await;
    }
    let Some(found) = &incident.investigation else {
        return without_answer(&incident, global, out);
    };
    if !out.is_for_people() {
        return match out.format {
            Output::Md | Output::Name => print(found, out, None),
            _ if args.paths => out.values(&found.recovery_paths).map(|()| Exit::Ok),
            _ if args.hypotheses => out.values(&found.hypotheses).map(|()| Exit::Ok),
            _ if args.evidence => out.values(&found.evidence).map(|()| Exit::Ok),
            _ => out.value(&incident).map(|()| grade(found)),
        };
    }
    let ask = global.command(&format!("query {}", incident.number));
    if args.paths {
        out.text(&render::paths(&found.recovery_paths, out.width, true))?;
    } else if args.hypotheses {
        out.text(&render::hypotheses(found, out.width))?;
    } else if args.evidence {
        out.text(&render::evidence(found, out.width, &|id| format!("{ask} {id}")))?;
    } else {
        out.line(&render::headline(&incident))?;
        out.line("")?;
        return print(found, out, Some(&ask));
    }
    Ok(Exit::Ok)
}

fn without_answer(incident: &Incident, global: &Global, out: &Out) -> Result<Exit> {
    if out.is_for_people() {
        out.line(&render::headline(incident))?;
        out.line(&format!(
            "investigation: {}; `{}` follows it",
            incident.investigation_status,
            global.command(&format!("watch {}", incident.number))
        ))?;
    } else {
        out.value(incident)?;
    }
    Ok(Exit::Inconclusive)
}

async fn timeline(
    server: &mut quell_proto::v1::incident_service_client::IncidentServiceClient<tonic::transport::Channel>,
    incident: &Incident,
    out: &Out,
) -> Result<Exit> {
    let request = WatchRequest { incident_id: incident.id.clone(), after_seq: 0, until_done: false };
    let mut events = server.watch(request).await.map_err(|status| client::failure(&status))?.into_inner();
    let mut feed = render::Feed::new(true, out.width);
    let mut shown = 0;
    while shown < incident.last_seq {
        let Some(event) = events.message().await.map_err(|status| client::failure(&status))? else { break };
        shown = event.seq;
        if out.is_for_people() {
            feed.lines(&event).iter().try_for_each(|line| out.line(line))?;
        } else {
            out.line(&serde_json::to_string(&event)?)?;
        }
    }
    Ok(Exit::Ok)
}

/// Prints an answer in the form that was asked for, and grades it. `ask` is the command that runs the query of
/// evidence, but for its id.
pub(super) fn print(found: &Investigation, out: &Out, ask: Option<&str>) -> Result<Exit> {
    match out.format {
        Output::Auto | Output::Table | Output::Wide => {
            out.text(&render::answer(found, out.width, out.verbose, ask))?
        }
        Output::Md => out.text(&render::markdown(found))?,
        Output::Name => found.recovery_paths.iter().try_for_each(|path| out.line(&path.id))?,
        Output::Json | Output::Jsonl | Output::Yaml => out.value(found)?,
    }
    Ok(grade(found))
}

/// The exit code that an answer deserves.
pub(super) fn grade(found: &Investigation) -> Exit {
    let cut = found.timings.as_ref().is_some_and(|timings| timings.deadline_hit);
    let failed = found
        .coverage
        .iter()
        .any(|coverage| coverage.completeness.as_ref().is_some_and(|state| state.state != "full"));
    match found.verdict() {
        Verdict::Inconclusive | Verdict::Unspecified if cut => Exit::Timeout,
        Verdict::Inconclusive | Verdict::Unspecified => Exit::Inconclusive,
        Verdict::CauseFound | Verdict::NotAnIncident if failed || cut => Exit::Partial,
        Verdict::CauseFound | Verdict::NotAnIncident => Exit::Ok,
    }
}

/// The finished answer of an event, if it is one.
pub(super) fn finished(payload: Option<&Payload>) -> Option<&Investigation> {
    match payload {
        Some(Payload::InvestigationFinished(found)) => Some(found),
        _ => None,
    }
}
