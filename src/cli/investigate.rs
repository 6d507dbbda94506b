//! `quell investigate`: asks a server, or runs the engine here.

use std::io::Read;

use jiff::{Timestamp, tz::TimeZone};
use quell_proto::v1::{GetInvestigationRequest, InvestigateRequest, WatchRequest};

use super::{
    Exit,
    args::{Global, Investigate},
    client,
    exit::{Failure, Result},
    local, moments,
    output::Out,
    render,
    runbooks::pairs,
    show::{finished, print},
};
use crate::{api::convert, domain::Labels};

/// Longest webhook on standard input, in bytes.
const MOST_INPUT: u64 = 4 << 20;

/// What to investigate, as it was typed.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub incident: Option<String>,
    pub alertname: String,
    pub service: String,
    pub labels: Labels,
    pub at: Option<Timestamp>,
    /// An Alertmanager webhook from standard input.
    pub webhook: Option<Vec<u8>>,
}

pub(super) async fn run(args: Investigate, global: &Global, out: &Out) -> Result<Exit> {
    let target = target(&args)?;
    if args.local || args.bundle.is_some() {
        return local::run(args, target, out).await;
    }
    let mut server = client::investigations(global).await?;
    let incident = match target.incident.clone() {
        Some(incident) => incident,
        None => {
            if target.service.is_empty() && target.alertname.is_empty() {
                return Err(Failure::usage(
                    "nothing to investigate; name a service, an alert or an incident, or use --bundle DIR",
                ));
            }
            if target.webhook.is_some() {
                return Err(Failure::usage(
                    "a webhook on standard input is investigated in this process; add --local",
                ));
            }
            let request = InvestigateRequest {
                service: target.service.clone(),
                at: target.at.map(convert::timestamp),
                labels: target.labels.clone().into_iter().collect(),
                alertname: target.alertname.clone(),
                budget: Some(convert::duration(args.budget)),
            };
            let answer = server.investigate(request).await.map_err(|status| client::failure(&status))?;
            let answer = answer.into_inner();
            out.say(&format!("{} opened; Ctrl-C detaches, the server goes on", answer.number));
            answer.incident_id
        }
    };
    tokio::select! {
        done = follow(&incident, &args, global, out) => done,
        () = super::serve::signal() => {
            out.say(&format!("detached; the server goes on. `quell watch {incident}` comes back"));
            Ok(Exit::Interrupted)
        }
    }
}

async fn follow(incident: &str, args: &Investigate, global: &Global, out: &Out) -> Result<Exit> {
    let request = WatchRequest { incident_id: incident.to_owned(), after_seq: 0, until_done: true };
    let mut server = client::incidents(global).await?;
    let mut events = server.watch(request).await.map_err(|status| client::failure(&status))?.into_inner();
    let mut answer = None;
    while let Some(event) = events.message().await.map_err(|status| client::failure(&status))? {
        if let Some(line) = render::event(&event, out.verbose).filter(|_| args.follow && out.is_for_people())
        {
            out.line(&line)?;
        }
        if let Some(found) = finished(event.payload.as_ref()) {
            answer = Some(found.clone());
        }
    }
    let found = match answer {
        Some(found) => found,
        None => {
            let request = GetInvestigationRequest { incident_id: incident.to_owned() };
            let mut server = client::investigations(global).await?;
            let answer = server.get_investigation(request).await;
            answer.map_err(|status| client::failure(&status))?.into_inner()
        }
    };
    print(&found, out, Some(&format!("quell query {incident}")))
}

fn target(args: &Investigate) -> Result<Target> {
    let mut target = Target {
        labels: pairs(&args.labels)?,
        at: args
            .at
            .as_deref()
            .map(|at| moments::parse(at, Timestamp::now(), &TimeZone::system()))
            .transpose()?,
        ..Target::default()
    };
    match args.target.as_deref() {
        None => {}
        Some("-") => {
            let mut body = Vec::new();
            std::io::stdin().lock().take(MOST_INPUT).read_to_end(&mut body)?;
            target.webhook = Some(body);
        }
        Some(word) if word.starts_with("inc_") || word.to_ascii_uppercase().starts_with("INC-") => {
            target.incident = Some(word.to_owned());
        }
        Some(word) => match word.split_once('{') {
            Some((name, rest)) => {
                name.trim().clone_into(&mut target.alertname);
                let inside = rest.trim_end().strip_suffix('}').ok_or_else(|| {
                    Failure::usage(format!(
                        "\"{word}\" lacks its closing brace; write alert{{key=\"value\"}}"
                    ))
                })?;
                for pair in inside.split(',').filter(|pair| !pair.trim().is_empty()) {
                    let pair = pair.replace('"', "");
                    target.labels.extend(pairs(&[pair.trim().to_owned()])?);
                }
            }
            None => word.clone_into(&mut target.service),
        },
    }
    if let Some(service) = &args.service {
        target.service.clone_from(service);
    }
    if target.service.is_empty() {
        target.service = target.labels.get("service").cloned().unwrap_or_default();
    }
    Ok(target)
}
