//! `quell investigate`: asks a server, or runs the engine here.

use std::io::{IsTerminal, Read};

use jiff::{Timestamp, tz::TimeZone};
use quell_proto::v1::{
    GetIncidentRequest, GetInvestigationRequest, InvestigateRequest, SendAlertsRequest, WatchRequest,
};
use quell_sdk::AlertReceiver;

use super::{
    Exit,
    args::{Global, Investigate},
    client,
    exit::{Failure, Result},
    local, moments,
    output::Out,
    render,
    runbooks::pairs,
    shell::quoted,
    show::{finished, print},
};
use crate::{
    api::convert::{self, Wire},
    domain::{Alert, Labels},
};

/// Longest webhook on standard input, in bytes.
const MOST_INPUT: u64 = 4 << 20;

/// What to investigate, as it was typed.
#[derive(Debug, Default)]
pub(super) struct Target {
    pub incident: Option<String>,
    pub alertname: String,
    pub service: String,
    pub labels: Labels,
    /// An Alertmanager webhook from standard input.
    pub webhook: Option<Vec<u8>>,
}

pub(super) async fn run(args: Investigate, global: &Global, out: &Out) -> Result<Exit> {
    let target = target(&args, out)?;
    if args.local || args.scope.bundle.is_some() {
        return local::run(args, target, out).await;
    }
    let incident = match (&target.incident, &target.webhook) {
        (Some(incident), _) => incident.clone(),
        (None, Some(body)) => deliver(body, &args, &target, global, out).await?,
        (None, None) => ask(&args, &target, global, out).await?,
    };
    tokio::select! {
        done = follow(&incident, &args, global, out) => done,
        () = super::serve::signal() => {
            let back = global.command(&format!("watch {}", quoted(&incident)));
            out.say(&format!("detached; the server goes on. `{back}` comes back"));
            Ok(Exit::Interrupted)
        }
    }
}

/// Opens an incident for a service or an alert that was typed.
async fn ask(args: &Investigate, target: &Target, global: &Global, out: &Out) -> Result<String> {
    if target.service.is_empty() && target.alertname.is_empty() {
        return Err(Failure::usage(
            "nothing to investigate; name a service, an alert or an incident, or use --bundle DIR",
        ));
    }
    let at = args.scope.at.as_deref();
    let at = at.map(|at| moments::parse(at, Timestamp::now(), &TimeZone::system())).transpose()?;
    let request = InvestigateRequest {
        service: target.service.clone(),
        at: at.map(convert::timestamp),
        labels: target.labels.clone().into_iter().collect(),
        alertname: target.alertname.clone(),
        budget: args.working.budget.map(convert::duration),
    };
    let mut server = client::investigations(global).await?;
    let answer = server.investigate(request).await.map_err(|status| client::failure(&status))?;
    let answer = answer.into_inner();
    out.say(&format!("{} opened; Ctrl-C detaches, the server goes on", answer.number));
    Ok(answer.incident_id)
}

/// Gives the alerts of a webhook to the server, as if Alertmanager had, and gives the incident that they open or
/// belong to: when Alertmanager itself delivers them as well, nothing is opened twice.
async fn deliver(
    body: &[u8],
    args: &Investigate,
    target: &Target,
    global: &Global,
    out: &Out,
) -> Result<String> {
    if args.scope.at.is_some() {
        return Err(Failure::usage(
            "alerts say themselves since when they fire; leave out --at, or add --local",
        ));
    }
    if args.working.budget.is_some() {
        return Err(Failure::usage(
            "the server's own budget holds for alerts; leave out --budget, or add --local",
        ));
    }
    let alerts = alerts_of(body, target, Timestamp::now())?;
    let count = alerts.len();
    let request = SendAlertsRequest { alerts: alerts.iter().map(Wire::to_wire).collect() };
    let answer = client::alerts(global).await?.send_alerts(request).await;
    let answer = answer.map_err(|status| client::failure(&status))?.into_inner();
    let Some((first, others)) = answer.incident_ids.split_first() else {
        return Err(Failure::new(
            Exit::NotFound,
            format!(
                "none of the {count} alerts fires, nor is of an incident that the server knows; name a service to look at"
            ),
        ));
    };
    let mut server = client::incidents(global).await?;
    let incident = server.get_incident(GetIncidentRequest { id: first.clone() }).await;
    let number = incident.map_err(|status| client::failure(&status))?.into_inner().number;
    let known = match usize::try_from(answer.duplicates) {
        Ok(duplicates) if duplicates >= count => "known to the server, with",
        _ => "with",
    };
    let alerts = if count == 1 { "1 alert is".to_owned() } else { format!("{count} alerts are") };
    out.say(&format!("{alerts} {known} {number}; Ctrl-C detaches, the server goes on"));
    for other in others {
        out.say(&format!(
            "others are with another incident: `{}`",
            global.command(&format!("watch {other}"))
        ));
    }
    Ok(number)
}

async fn follow(incident: &str, args: &Investigate, global: &Global, out: &Out) -> Result<Exit> {
    let request = WatchRequest { incident_id: incident.to_owned(), after_seq: 0, until_done: true };
    let mut server = client::incidents(global).await?;
    let mut events = server.watch(request).await.map_err(|status| client::failure(&status))?.into_inner();
    let mut feed = render::Feed::new(out.verbose, out.width);
    let mut answer = None;
    while let Some(event) = events.message().await.map_err(|status| client::failure(&status))? {
        if args.follow && out.is_for_people() {
            feed.lines(&event).iter().try_for_each(|line| out.line(line))?;
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
    print(&found, out, Some(&global.command(&format!("query {}", quoted(incident)))))
}

/// The alerts of an Alertmanager webhook, with the labels that were typed in place of theirs.
pub(super) fn alerts_of(body: &[u8], target: &Target, now: Timestamp) -> Result<Vec<Alert>> {
    let receiver = quell_alertmanager::Receiver::new(Default::default());
    let request = quell_sdk::Request { headers: Vec::new(), body: body.to_vec().into(), received_at: now };
    let received = receiver.receive(&request);
    let mut alerts = received.map_err(|error| Failure::usage(format!("standard input: {error}")))?.alerts;
    let mut typed = target.labels.clone();
    if !target.service.is_empty() {
        typed.insert("service".to_owned(), target.service.clone());
    }
    for alert in alerts.iter_mut().filter(|_| !typed.is_empty()) {
        alert.labels.extend(typed.clone());
        // It is another alert than the one that its sender named, and of no group of its sender's.
        alert.fingerprint.clear();
        alert.group_key = None;
    }
    Ok(alerts)
}

fn target(args: &Investigate, out: &Out) -> Result<Target> {
    let mut target = Target { labels: pairs(&args.labels)?, ..Target::default() };
    match args.target.as_deref() {
        None => {}
        Some("-") if args.scope.bundle.is_some() => {
            return Err(Failure::usage("a bundle has alerts of its own; leave out - or --bundle"));
        }
        Some("-") => {
            if std::io::stdin().is_terminal() {
                out.say("reading an Alertmanager webhook from standard input; Ctrl-D ends it");
            }
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
    if let Some(service) = &args.scope.service {
        target.service.clone_from(service);
    }
    if target.service.is_empty() {
        target.service = target.labels.get("service").cloned().unwrap_or_default();
    }
    Ok(target)
}
